"""The settings of the network, which determine the shapes of all its parameters."""

from __future__ import annotations

from dataclasses import dataclass

from .layers import DILATIONS, TAP_AGES, TRUNK_FRAMES
from .streaming import StateLayout

# At this rate a token is one frame; at a multiple of it only every n-th frame becomes a token.
TOKEN_FPS = 30
POOL_FRAMES = 32  # at TOKEN_FPS: the trunk's receptive field, rounded up
RECENT_TOKENS = len(TAP_AGES) + 1  # tokens of the trunk
NEUTRAL = "neutral"


@dataclass(frozen=True)
class NetworkSettings:
    """The network's shape.

    Attributes:
        fps: Frame rate, a multiple of 30.
        context_frames: Length of the context window, in frames.
        mel_bands: Mel bands per frame.
        detail_frames: Short windows per frame.
        expression_features: Numbers per window (88 functionals); 0: no expression stream.
        expression_windows: Windows of functionals.
        expression_tokens: Tokens of the expression stream.
        expression_dim: Numbers of all its tokens together.
        d_model: Size of a query, all heads together.
        num_heads: Attention heads.
        channels: Channels of the trunk.
        hidden: Hidden units of the decoder, per blend shape.
        temperature: Divides the logits of the stream weights.
        fixed_weights: Stream weights (mel, expression) of all blend shapes instead of learned ones.
        fixed_alpha: Smoothing of all blend shapes instead of a learned one.
        conditioned: Shift the trunk's input by the acoustic conditioning.
        styles: Speaking styles, each learned from its own sources; the first is the default.
    """

    fps: int = 30
    context_frames: int = 256
    mel_bands: int = 80
    detail_frames: int = 3
    expression_features: int = 88
    expression_windows: int = 3
    expression_tokens: int = 4
    expression_dim: int = 256
    d_model: int = 256
    num_heads: int = 8
    channels: int = 128
    hidden: int = 32
    temperature: float = 1.0
    fixed_weights: tuple[float, float] | None = None
    fixed_alpha: float | None = None
    conditioned: bool = True
    styles: tuple[str, ...] = (NEUTRAL,)

    def __post_init__(self) -> None:
        if self.fps % TOKEN_FPS:
            raise ValueError(f"fps must be a multiple of {TOKEN_FPS}, not {self.fps}")
        if self.d_model % self.num_heads:
            raise ValueError(f"d_model {self.d_model} cannot be split in {self.num_heads} heads")
        size = self.pool_frames
        if self.context_frames < 3 * size or self.context_frames % size:
            raise ValueError(
                f"the context must be a multiple of {size} frames and at least {3 * size} at "
                f"{self.fps} fps, not {self.context_frames}"
            )
        if self.fixed_alpha is not None and not 0.0 < self.fixed_alpha < 1.0:
            raise ValueError(f"a fixed alpha must be in (0, 1), not {self.fixed_alpha:g}")
        if not self.styles or len(set(self.styles)) < len(self.styles):
            raise ValueError(f"styles must be different names, not {', '.join(self.styles)}")
        if self.expression_features and self.expression_dim % self.expression_tokens:
            raise ValueError("expression_dim must be a multiple of expression_tokens")

    @property
    def frames_per_token(self) -> int:
        """Frames from one token to the next."""
        return self.fps // TOKEN_FPS

    @property
    def dilations(self) -> tuple[int, ...]:
        """Frames between the taps of each layer of the trunk."""
        return tuple(dilation * self.frames_per_token for dilation in DILATIONS)

    @property
    def pool_frames(self) -> int:
        """Frames of one row of the pooled context."""
        return POOL_FRAMES * self.frames_per_token

    @property
    def pooled_rows(self) -> int:
        """Rows of the pooled context, all before the newest pool_frames frames."""
        return self.context_frames // self.pool_frames - 1

    @property
    def mel_tokens(self) -> int:
        """Tokens of the mel stream: pooled context and recent frames, oldest first, and detail."""
        return self.pooled_rows + RECENT_TOKENS + self.detail_frames

    @property
    def trunk_history(self) -> int:
        """Frames before the newest in the trunk's receptive field."""
        return (TRUNK_FRAMES - 1) * self.frames_per_token

    @property
    def state_layout(self) -> StateLayout:
        """The sizes of the streaming inputs, without the expression embedding."""
        return StateLayout(self.dilations, self.channels, self.pool_frames, self.context_frames)
