"""The network: two streams of voice, and 52 learned queries that listen to both.

The mel stream is a residual convolutional trunk over the mel and detail frames of the newest
second, pooled blocks of the seconds before, and the newest detail frames once more. The emotion
stream is a learned layer over the functionals of three windows. Each blendshape attends to both
streams and shares itself between them with weights of its own, of which the mouth's stay with the
mel stream; a small decoder turns what it heard into a number in [0, 1], which is smoothed with a
learned alpha.

The trunk's dilations double from layer to layer (as WaveNet's, van den Oord et al. 2016). It is
causal, and the position of a token enters as a bias on its score, so what a layer made of one frame
serves every later frame that hears it: training computes the trunk once a sequence, and `forward`,
the graph that is exported, computes the newest frame of each layer alone and is handed what it
needs of those before (as fast WaveNet generation, Paine et al. 2016). They give the same numbers.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from koemorph.blendshapes import BLENDSHAPES, INDEX

from .layers import AGES, DILATIONS, OUTPUTS, TRUNK_FRAMES, Attention, Trunk

# At this rate a token is one frame; at a multiple of it only every n-th frame becomes a token.
TOKEN_FPS = 30
BLOCK_FRAMES = 32  # at TOKEN_FPS: as many as the trunk hears, rounded up
TUNING_FROM = 1  # blocks; the oldest one of the oldest frame that the trunk hears is not kept
RECENT_TOKENS = len(AGES) + 1  # the trunk's
FIRST_LOOK = 3.0  # e^3 times as much as at another token
# Where each blendshape listens: the mouth to the mel stream, the expression at first to both.
# Functionals of 20 s tell every moment of a recording apart, and a mouth that may learn its moments
# by heart does so before it learns to hear; in noise and music they tell it what is not so. Its
# logits are so far apart that training leaves them there.
MOUTH_PARTS = ("jaw", "mouth", "tongue", "cheekPuff")
IS_MOUTH = tuple(name.startswith(MOUTH_PARTS) for name in BLENDSHAPES)
MOUTH_LOGITS = (8.0, -8.0)
NEUTRAL = "neutral"
# What each blendshape has for itself, and along which axis: what it asks, decodes and smooths.
OWN = {
    "queries": 1, "stream_logits": 0, "decoder_bias": 0, "readout": 0, "offset": 0,
    "alpha_logit": 0, "style_bias": 1, "style_readout": 1, "style_offset": 1,
}  # fmt: skip


@dataclass(frozen=True)
class NetworkSettings:
    """The network's shape.

    context_frames counts frames at `fps`; emotion_features is per window (88 functionals), 0 for a
    network without the emotion stream. temperature divides the logits of the stream weights.
    fixed_weights (of the mel and the emotion stream) and fixed_alpha: set, they are not learned.
    tuned: the trunk is told of talker, microphone and room, see Tuning.
    styles: manners of speaking, each learned from sources of its own; the first is the usual one.
    """

    fps: int = 30
    context_frames: int = 256
    mel_bands: int = 80
    detail_frames: int = 3
    emotion_features: int = 88
    emotion_windows: int = 3
    emotion_tokens: int = 4
    emotion_dim: int = 256
    d_model: int = 256
    num_heads: int = 8
    channels: int = 128
    hidden: int = 32
    temperature: float = 1.0
    fixed_weights: tuple[float, float] | None = None
    fixed_alpha: float | None = None
    tuned: bool = True
    styles: tuple[str, ...] = (NEUTRAL,)

    def __post_init__(self) -> None:
        if self.fps % TOKEN_FPS:
            raise ValueError(f"fps must be a multiple of {TOKEN_FPS}, not {self.fps}")
        if self.d_model % self.num_heads:
            raise ValueError(f"d_model {self.d_model} cannot be split in {self.num_heads} heads")
        size = self.block_frames
        if self.context_frames < 3 * size or self.context_frames % size:
            raise ValueError(
                f"the context must be a multiple of {size} frames and at least {3 * size} at "
                f"{self.fps} fps, not {self.context_frames}"
            )
        if self.fixed_alpha is not None and not 0.0 < self.fixed_alpha < 1.0:
            raise ValueError(f"a fixed alpha must be in (0, 1), not {self.fixed_alpha:g}")
        if not self.styles or len(set(self.styles)) < len(self.styles):
            raise ValueError(f"styles must be different names, not {', '.join(self.styles)}")
        if self.emotion_features and self.emotion_dim % self.emotion_tokens:
            raise ValueError("emotion_dim must be a multiple of emotion_tokens")

    @property
    def step(self) -> int:
        """Frames from one token to the next."""
        return self.fps // TOKEN_FPS

    @property
    def dilations(self) -> tuple[int, ...]:
        """Frames from one tap of each layer of the trunk to the next."""
        return tuple(dilation * self.step for dilation in DILATIONS)

    @property
    def block_frames(self) -> int:
        """Frames of a block: as many as the trunk hears, rounded up."""
        return BLOCK_FRAMES * self.step

    @property
    def blocks(self) -> int:
        """Pooled tokens of what came before the newest block."""
        return self.context_frames // self.block_frames - 1

    @property
    def mel_tokens(self) -> int:
        """Tokens of the mel stream: blocks (oldest first), recent (oldest first), detail."""
        return self.blocks + RECENT_TOKENS + self.detail_frames

    @property
    def trunk_past(self) -> int:
        """Frames before the newest that the trunk hears."""
        return (TRUNK_FRAMES - 1) * self.step


class Network(nn.Module):
    """See the module's text. `forward` is the exported graph, `sequence` its training twin."""

    def __init__(self, settings: NetworkSettings) -> None:
        super().__init__()
        self.settings = settings
        channels, bands = settings.channels, settings.mel_bands
        self.trunk = Trunk(bands, settings.detail_frames, channels, tuned=settings.tuned)
        self.block = nn.Linear(bands, channels)
        self.detail = nn.Linear(bands, channels)
        self.queries = nn.Parameter(
            torch.randn(settings.num_heads, OUTPUTS, settings.d_model // settings.num_heads)
        )
        shape = settings.num_heads, settings.d_model // settings.num_heads, settings.hidden
        self.mel_attention = Attention(*shape, channels, settings.mel_tokens)
        with torch.no_grad():  # at first, listen to the trunk's last layer
            self.mel_attention.position[settings.blocks + RECENT_TOKENS - 1] = FIRST_LOOK
        if settings.emotion_features:
            inputs = settings.emotion_features * settings.emotion_windows
            self.emotion = nn.Linear(inputs, settings.emotion_dim)
            width = settings.emotion_dim // settings.emotion_tokens
            self.emotion_attention = Attention(*shape, width, settings.emotion_tokens)
            # Two weights a blendshape, (52, 2): mel and emotion.
            self.stream_logits = nn.Parameter(
                torch.tensor([MOUTH_LOGITS if mouth else (0.0, 0.0) for mouth in IS_MOUTH]),
                requires_grad=settings.fixed_weights is None,
            )
        # Over the training data; set once before training, kept in checkpoints.
        self.emotion_mean: Tensor
        self.emotion_scale: Tensor
        self.register_buffer("emotion_mean", torch.zeros(settings.emotion_features))
        self.register_buffer("emotion_scale", torch.ones(settings.emotion_features))
        self.decoder_bias = nn.Parameter(torch.zeros(OUTPUTS, settings.hidden))
        self.readout = nn.Parameter(torch.empty(OUTPUTS, settings.hidden))
        self.offset = nn.Parameter(torch.full((OUTPUTS,), -2.0))
        fixed = settings.fixed_alpha
        start = -1.0 if fixed is None else math.log(fixed / (1 - fixed))
        self.alpha_logit = nn.Parameter(torch.full((OUTPUTS,), start), requires_grad=fixed is None)
        # How each style after the first decodes otherwise; what is heard is the same for all.
        others = len(settings.styles) - 1
        if others:
            self.style_bias = nn.Parameter(torch.zeros(others, OUTPUTS, settings.hidden))
            self.style_readout = nn.Parameter(torch.zeros(others, OUTPUTS, settings.hidden))
            self.style_offset = nn.Parameter(torch.zeros(others, OUTPUTS))
        self.style: Tensor  # what `forward` speaks: shares of the styles after the first
        self.register_buffer("style", torch.zeros(others), persistent=False)
        nn.init.normal_(self.readout, std=1 / math.sqrt(settings.hidden))

    @property
    def alpha(self) -> Tensor:
        """Share of the previous frame in the next, (52,), at the network's frame rate.

        Smoothing delays by alpha / (1 - alpha) frames, which is as many seconds at every rate.
        """
        learned = torch.sigmoid(self.alpha_logit)
        delay = learned / (1 - learned) * (self.settings.fps / TOKEN_FPS)
        return delay / (1 + delay)

    @property
    def stream_weights(self) -> Tensor:
        """(52, 2): how much each blendshape takes from the mel and from the emotion stream."""
        fixed = self.settings.fixed_weights if self.settings.emotion_features else (1.0, 0.0)
        if fixed is not None:
            return self.offset.new_tensor([fixed]).expand(OUTPUTS, 2)
        return torch.softmax(self.stream_logits / self.settings.temperature, dim=-1)

    @property
    def information_balance(self) -> float:
        """Numbers of the mel stream for each of the emotion stream (80.9 by default at 30 fps)."""
        settings = self.settings
        if not settings.emotion_features:
            return math.inf
        frames = settings.context_frames + settings.detail_frames
        return frames * settings.mel_bands / settings.emotion_dim

    def speak(self, shares: Mapping[str, float]) -> None:
        """Makes `forward` speak a style, or a mixture: {name: share}, shares that sum to 1.

        Raises ValueError for a style that was not learned.
        """
        unknown = sorted(set(shares) - set(self.settings.styles))
        if unknown or abs(sum(shares.values()) - 1) > 1e-6:
            known = ", ".join(self.settings.styles)
            raise ValueError(
                f"no style {unknown[0]}; there are {known}" if unknown else "shares must sum to 1"
            )
        mixed = [shares.get(name, 0.0) for name in self.settings.styles[1:]]
        self.style.copy_(torch.tensor(mixed))

    def learn_only(self, names: Sequence[str]) -> dict[str, Tensor]:
        """Keeps everything as it is but what these blendshapes have for themselves (see OWN).

        Returns what of each parameter may change, 1 where it does.
        """
        chosen = [INDEX[name] for name in names]
        masks = {}
        for key, parameter in self.named_parameters():
            if key not in OWN:
                parameter.requires_grad_(False)
            elif parameter.requires_grad:
                mask = torch.zeros_like(parameter).index_fill_(
                    OWN[key], torch.tensor(chosen, device=parameter.device), 1.0
                )
                parameter.register_hook(  # type: ignore[no-untyped-call]
                    lambda gradient, mask=mask: gradient * mask
                )
                masks[key] = mask
        return masks

    def smooth(self, raw: Tensor, previous: Tensor) -> Tensor:
        """One step of smoothing: (B, 52), (B, 52) -> (B, 52)."""
        return raw + self.alpha * (previous - raw)

    def forward(
        self,
        mel: Tensor,
        blocks: Tensor,
        detail: Tensor,
        previous: Tensor,
        past: Tensor,
        egemaps: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """One frame of B voices.

        mel: (B, bands), the newest frame; blocks: (B, blocks, bands), means of block_frames frames
        each, oldest first, all before the newest such block; detail: (B, detail_frames, bands);
        previous: (B, 52), the last output, zeros at the start; past: see Trunk; egemaps:
        (B, windows, features), raw, zeros where there is none yet. Returns (B, 52) in [0, 1],
        smoothed, and present, of which `past` is made for later frames.
        """
        recent, present = self.trunk(mel, detail, blocks[:, TUNING_FROM:], past)
        tokens = [F.silu(self.block(blocks)), recent, F.silu(self.detail(detail))]
        joined = torch.cat(tokens, dim=1)
        attention = self.mel_attention
        raw, _ = self._decode(
            attention.scores(joined, self.queries), attention.value(joined), egemaps, self.style
        )
        return self.smooth(raw, previous), present

    def sequence(
        self,
        mel: Tensor,
        detail: Tensor,
        positions: Tensor,
        egemaps: Tensor | None = None,
        style: Tensor | None = None,
    ) -> Tensor:
        """Unsmoothed outputs at some frames of S sequences, each trunk token computed once.

        mel: (S, context_frames - 1 + T, bands): T frames and the history of the first.
        detail: (S, trunk_past + T, detail_frames, bands); positions: (n,) which of the T frames to
        compute; egemaps: (S, n, windows, features), at these frames; style: (S, styles - 1), each
        sequence's shares of the styles after the first, by default what `forward` speaks. Returns
        (S, n, 52).
        """
        raw, _ = self.hear(mel, detail, positions, egemaps, style)
        return raw.reshape(len(mel), -1, OUTPUTS)

    def hear(
        self,
        mel: Tensor,
        detail: Tensor,
        positions: Tensor,
        egemaps: Tensor | None = None,
        style: Tensor | None = None,
    ) -> tuple[Tensor, list[Tensor]]:
        """`sequence` as (S * n, 52); also each stream's attention weights (S * n, N, heads, 52)."""
        settings = self.settings
        step, past = settings.step, settings.context_frames - 1
        start = past - settings.trunk_past
        size = settings.block_frames
        pooled = F.avg_pool1d(mel.transpose(1, 2), size, stride=1).transpose(1, 2)
        starts = torch.arange(settings.blocks, device=mel.device) * size
        heard = torch.arange(start - past, mel.shape[1] - past, device=mel.device)
        tuning = pooled[:, heard[:, None] + starts[TUNING_FROM:]]
        below, last = self.trunk.everywhere(mel[:, start:], detail, tuning, step)
        ages = torch.tensor(AGES, device=mel.device) * step
        # The last layer's first place is frame `past`; the layer below begins AGES[0] earlier.
        parts = [
            self._shared(below, positions[:, None] + AGES[0] * step - ages),
            self._shared(last, positions[:, None]),
        ]
        wanted, place = torch.unique(positions[:, None] + starts, return_inverse=True)
        parts.insert(0, self._shared(F.silu(self.block(pooled[:, wanted])), place))
        short = F.silu(self.detail(detail[:, settings.trunk_past + positions]))
        parts.append(
            (self.mel_attention.scores(short, self.queries), self.mel_attention.value(short))
        )
        scores, values = (torch.cat(part, dim=2) for part in zip(*parts, strict=True))
        return self._decode(
            scores.flatten(0, 1),
            values.flatten(0, 1),
            None if egemaps is None else egemaps.flatten(0, 1),
            self.style.expand(len(mel), -1) if style is None else style,
        )

    def _shared(self, tokens: Tensor, index: Tensor) -> tuple[Tensor, Tensor]:
        """Scores and values of tokens (S, M, channels), computed once, at index (n, N) of M."""
        attention = self.mel_attention
        wanted, place = torch.unique(index, return_inverse=True)
        needed = tokens[:, wanted]
        return attention.scores(needed, self.queries)[:, place], attention.value(needed)[:, place]

    def _decode(
        self, scores: Tensor, values: Tensor, egemaps: Tensor | None, style: Tensor
    ) -> tuple[Tensor, list[Tensor]]:
        """Raw outputs and attention weights; style: shares for all rows, or (S, styles - 1) for
        rows that are S sequences."""
        heard, weights = self.mel_attention.attend(scores, values)
        maps = [weights]
        if self.settings.emotion_features:
            if egemaps is None:
                raise ValueError("this network needs the emotion features")
            felt, weights = self._feel(egemaps)
            shares = self.stream_weights
            heard = heard * shares[:, :1] + felt * shares[:, 1:]
            maps.append(weights)
        bias: Tensor = self.decoder_bias
        readout: Tensor = self.readout
        offset: Tensor = self.offset
        if len(self.settings.styles) > 1:
            bias = bias + torch.tensordot(style, self.style_bias, dims=1)
            readout = readout + torch.tensordot(style, self.style_readout, dims=1)
            offset = offset + torch.tensordot(style, self.style_offset, dims=1)
        if bias.ndim > 2:  # a style for each sequence: (S, 1, 52, hidden)
            heard = heard.reshape(len(bias), -1, *heard.shape[1:])
            bias, readout, offset = bias[:, None], readout[:, None], offset[:, None]
        raw = torch.sigmoid((F.silu(heard + bias) * readout).sum(-1) + offset)
        return raw.flatten(0, -2), maps

    def _feel(self, egemaps: Tensor) -> tuple[Tensor, Tensor]:
        """(B, windows, features) -> (B, 52, hidden) and the attention weights."""
        settings = self.settings
        # All zeros means that nothing has been measured yet: the stream's neutral input.
        known = egemaps.abs().sum(-1, keepdim=True).sign()
        normal = ((egemaps - self.emotion_mean) * self.emotion_scale).clamp(-5.0, 5.0) * known
        tokens = F.silu(self.emotion(normal.reshape(-1, self.emotion.in_features))).reshape(
            -1, settings.emotion_tokens, settings.emotion_dim // settings.emotion_tokens
        )
        attention = self.emotion_attention
        return attention.attend(attention.scores(tokens, self.queries), attention.value(tokens))


def parameter_count(network: nn.Module) -> int:
    """Trainable numbers."""
    return sum(parameter.numel() for parameter in network.parameters())
