"""The network: two streams of audio features, and 52 learned queries that attend to both.

The mel stream is a residual convolutional trunk over the mel and detail frames of the newest
second, the pooled context of the seconds before, and the newest detail frames. The expression
stream is a learned layer over the functionals of three windows. Each blend shape attends to both
streams and mixes them with its own stream weights, of which the mouth's stay with the mel stream.
A small decoder computes a number in [0, 1], which is smoothed with a learned alpha.

The trunk's dilations double from layer to layer (as WaveNet's, van den Oord et al. 2016). It is
causal, and the position of a token enters as a bias of its score, so a layer's output for one frame
serves every later frame: training computes the trunk once per sequence, and `forward`, the graph
that is exported, computes the newest frame of each layer alone from the kept states of earlier
frames (as fast WaveNet generation, Paine et al. 2016). Both compute the same numbers.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from koemorph.blendshapes import BLENDSHAPES, INDEX

from .layers import OUTPUTS, TAP_AGES, Attention, Trunk
from .network_settings import RECENT_TOKENS, TOKEN_FPS, NetworkSettings

# First pooled row of the conditioning; the oldest is not available to the trunk's oldest frame.
CONDITIONING_FROM = 1
INITIAL_SCORE = 3.0  # the trunk's last layer starts with e^3 times the weight of another token
# The mouth uses the mel stream, the expression at first both. Functionals of 20 s identify every
# moment of a recording: a mouth that may use them memorizes the training data, and in noise and
# music they mislead it. The mouth's logits are so far apart that training leaves them there.
MOUTH_PARTS = ("jaw", "mouth", "tongue", "cheekPuff")
IS_MOUTH = tuple(name.startswith(MOUTH_PARTS) for name in BLENDSHAPES)
MOUTH_LOGITS = (8.0, -8.0)
# The parameters with a part per blend shape, and the axis of the blend shapes.
BLENDSHAPE_AXES = {
    "queries": 1, "stream_logits": 0, "hidden_bias": 0, "output_weight": 0, "output_bias": 0,
    "alpha_logit": 0, "style_hidden_bias": 1, "style_output_weight": 1, "style_output_bias": 1,
}  # fmt: skip


class Network(nn.Module):
    """The network; `forward` is the exported graph, `forward_sequence` computes whole sequences."""

    def __init__(self, settings: NetworkSettings) -> None:
        super().__init__()
        self.settings = settings
        channels, bands = settings.channels, settings.mel_bands
        self.trunk = Trunk(
            bands, settings.detail_frames, channels, conditioned=settings.conditioned
        )
        self.pooled_projection = nn.Linear(bands, channels)
        self.detail_projection = nn.Linear(bands, channels)
        self.queries = nn.Parameter(
            torch.randn(settings.num_heads, OUTPUTS, settings.d_model // settings.num_heads)
        )
        shape = settings.num_heads, settings.d_model // settings.num_heads, settings.hidden
        self.mel_attention = Attention(*shape, channels, settings.mel_tokens)
        with torch.no_grad():
            self.mel_attention.position[settings.pooled_rows + RECENT_TOKENS - 1] = INITIAL_SCORE
        if settings.expression_features:
            inputs = settings.expression_features * settings.expression_windows
            self.expression_projection = nn.Linear(inputs, settings.expression_dim)
            width = settings.expression_dim // settings.expression_tokens
            self.expression_attention = Attention(*shape, width, settings.expression_tokens)
            # Per blend shape the logits of mel and expression stream, (52, 2).
            self.stream_logits = nn.Parameter(
                torch.tensor([MOUTH_LOGITS if mouth else (0.0, 0.0) for mouth in IS_MOUTH]),
                requires_grad=settings.fixed_weights is None,
            )
        # Statistics of the training data; set once before training, kept in checkpoints.
        self.expression_mean: Tensor
        self.expression_scale: Tensor
        self.register_buffer("expression_mean", torch.zeros(settings.expression_features))
        self.register_buffer("expression_scale", torch.ones(settings.expression_features))
        self.hidden_bias = nn.Parameter(torch.zeros(OUTPUTS, settings.hidden))
        self.output_weight = nn.Parameter(torch.empty(OUTPUTS, settings.hidden))
        self.output_bias = nn.Parameter(torch.full((OUTPUTS,), -2.0))
        fixed = settings.fixed_alpha
        start = -1.0 if fixed is None else math.log(fixed / (1 - fixed))
        self.alpha_logit = nn.Parameter(torch.full((OUTPUTS,), start), requires_grad=fixed is None)
        # Differences of the decoder for each style after the first; the rest is shared.
        others = len(settings.styles) - 1
        if others:
            self.style_hidden_bias = nn.Parameter(torch.zeros(others, OUTPUTS, settings.hidden))
            self.style_output_weight = nn.Parameter(torch.zeros(others, OUTPUTS, settings.hidden))
            self.style_output_bias = nn.Parameter(torch.zeros(others, OUTPUTS))
        self.style: Tensor  # of `forward`: ratios of the styles after the first
        self.register_buffer("style", torch.zeros(others), persistent=False)
        nn.init.normal_(self.output_weight, std=1 / math.sqrt(settings.hidden))

    @property
    def alpha(self) -> Tensor:
        """Ratio of the previous frame in the next, (52,), at the network's frame rate.

        Smoothing delays by alpha / (1 - alpha) frames, the same number of seconds at every rate.
        """
        learned = torch.sigmoid(self.alpha_logit)
        delay = learned / (1 - learned) * (self.settings.fps / TOKEN_FPS)
        return delay / (1 + delay)

    @property
    def stream_weights(self) -> Tensor:
        """Weights of the mel and the expression stream for each blend shape, (52, 2)."""
        fixed = self.settings.fixed_weights if self.settings.expression_features else (1.0, 0.0)
        if fixed is not None:
            return self.output_bias.new_tensor([fixed]).expand(OUTPUTS, 2)
        return torch.softmax(self.stream_logits / self.settings.temperature, dim=-1)

    @property
    def information_balance(self) -> float:
        """Mel inputs per number of the expression stream (80.9 by default at 30 fps)."""
        settings = self.settings
        if not settings.expression_features:
            return math.inf
        frames = settings.context_frames + settings.detail_frames
        return frames * settings.mel_bands / settings.expression_dim

    def set_style(self, ratios: Mapping[str, float]) -> None:
        """Set the style of `forward`.

        Args:
            ratios: The ratio of each style of a mixture; they sum to 1.

        Raises:
            ValueError: For a style that was not trained.
        """
        unknown = sorted(set(ratios) - set(self.settings.styles))
        if unknown or abs(sum(ratios.values()) - 1) > 1e-6:
            names = ", ".join(self.settings.styles)
            raise ValueError(
                f"unknown style {unknown[0]}, expected one of {names}"
                if unknown
                else "ratios must sum to 1"
            )
        mixed = [ratios.get(name, 0.0) for name in self.settings.styles[1:]]
        self.style.copy_(torch.tensor(mixed))

    def freeze_except(self, names: Sequence[str]) -> dict[str, Tensor]:
        """Freeze all parameters except those of these blend shapes alone.

        Args:
            names: Blend shapes.

        Returns:
            A mask per trainable parameter, 1 where it is trained.
        """
        chosen = [INDEX[name] for name in names]
        masks = {}
        for key, parameter in self.named_parameters():
            if key not in BLENDSHAPE_AXES:
                parameter.requires_grad_(False)
            elif parameter.requires_grad:
                mask = torch.zeros_like(parameter).index_fill_(
                    BLENDSHAPE_AXES[key], torch.tensor(chosen, device=parameter.device), 1.0
                )
                parameter.register_hook(  # type: ignore[no-untyped-call]
                    lambda gradient, mask=mask: gradient * mask
                )
                masks[key] = mask
        return masks

    def smooth(self, raw: Tensor, previous: Tensor) -> Tensor:
        """Smooth one frame: (B, 52), (B, 52) -> (B, 52)."""
        return raw + self.alpha * (previous - raw)

    def forward(
        self,
        mel: Tensor,
        pooled_context: Tensor,
        detail: Tensor,
        previous_weights: Tensor,
        state_in: Tensor,
        egemaps: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Compute one frame of B streams.

        Args:
            mel: The newest frame, (B, bands).
            pooled_context: Means of pool_frames mel frames each, oldest first, (B, rows, bands).
            detail: The newest frame's short windows, (B, detail_frames, bands).
            previous_weights: The last output, zeros at the start, (B, 52).
            state_in: The trunk's states, see Trunk.forward.
            egemaps: Functionals, not normalized, zeros if missing, (B, windows, features).

        Returns:
            Smoothed weights in [0, 1], (B, 52), and state_out, kept for later frames.
        """
        recent, state_out = self.trunk(mel, detail, pooled_context[:, CONDITIONING_FROM:], state_in)
        tokens = [
            F.silu(self.pooled_projection(pooled_context)),
            recent,
            F.silu(self.detail_projection(detail)),
        ]
        joined = torch.cat(tokens, dim=1)
        attention = self.mel_attention
        raw, _ = self._decode(
            attention.scores(joined, self.queries), attention.value(joined), egemaps, self.style
        )
        return self.smooth(raw, previous_weights), state_out

    def forward_sequence(
        self,
        mel: Tensor,
        detail: Tensor,
        positions: Tensor,
        egemaps: Tensor | None = None,
        style: Tensor | None = None,
    ) -> Tensor:
        """Compute the unsmoothed outputs at some frames of S sequences, each token once.

        Args:
            mel: T frames and the history of the first, (S, context_frames - 1 + T, bands).
            detail: (S, trunk_history + T, detail_frames, bands).
            positions: Which of the T frames to compute, (n,).
            egemaps: Functionals at these frames, (S, n, windows, features).
            style: Each sequence's ratios of the styles after the first, (S, styles - 1); by
                default that of `forward`.

        Returns:
            (S, n, 52).
        """
        raw, _ = self.forward_with_attention(mel, detail, positions, egemaps, style)
        return raw.reshape(len(mel), -1, OUTPUTS)

    def forward_with_attention(
        self,
        mel: Tensor,
        detail: Tensor,
        positions: Tensor,
        egemaps: Tensor | None = None,
        style: Tensor | None = None,
    ) -> tuple[Tensor, list[Tensor]]:
        """Compute `forward_sequence` as (S * n, 52), and the attention weights of each stream.

        The attention weights are (S * n, tokens, heads, 52).
        """
        settings = self.settings
        step, past = settings.frames_per_token, settings.context_frames - 1
        start = past - settings.trunk_history
        size = settings.pool_frames
        pooled = F.avg_pool1d(mel.transpose(1, 2), size, stride=1).transpose(1, 2)
        starts = torch.arange(settings.pooled_rows, device=mel.device) * size
        frames = torch.arange(start - past, mel.shape[1] - past, device=mel.device)
        conditioning = pooled[:, frames[:, None] + starts[CONDITIONING_FROM:]]
        below, last = self.trunk.forward_sequence(mel[:, start:], detail, conditioning, step)
        ages = torch.tensor(TAP_AGES, device=mel.device) * step
        # The last layer starts at frame `past`, the layer below TAP_AGES[0] earlier.
        parts = [
            self._at(below, positions[:, None] + TAP_AGES[0] * step - ages),
            self._at(last, positions[:, None]),
        ]
        needed, index = torch.unique(positions[:, None] + starts, return_inverse=True)
        parts.insert(0, self._at(F.silu(self.pooled_projection(pooled[:, needed])), index))
        short = F.silu(self.detail_projection(detail[:, settings.trunk_history + positions]))
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

    def _at(self, tokens: Tensor, index: Tensor) -> tuple[Tensor, Tensor]:
        """Scores and values, computed once, of tokens (S, M, channels) at index (n, N) of M."""
        attention = self.mel_attention
        unique, inverse = torch.unique(index, return_inverse=True)
        needed = tokens[:, unique]
        scores, values = attention.scores(needed, self.queries), attention.value(needed)
        return scores[:, inverse], values[:, inverse]

    def _decode(
        self, scores: Tensor, values: Tensor, egemaps: Tensor | None, style: Tensor
    ) -> tuple[Tensor, list[Tensor]]:
        """Raw outputs and attention weights; style: ratios for all rows, or (S, styles - 1) for
        rows that are S sequences."""
        attended, weights = self.mel_attention.attend(scores, values)
        maps = [weights]
        if self.settings.expression_features:
            if egemaps is None:
                raise ValueError("this network needs egemaps")
            embedding, weights = self._expression_embedding(egemaps)
            streams = self.stream_weights
            attended = attended * streams[:, :1] + embedding * streams[:, 1:]
            maps.append(weights)
        bias: Tensor = self.hidden_bias
        output_weight: Tensor = self.output_weight
        output_bias: Tensor = self.output_bias
        if len(self.settings.styles) > 1:
            bias = bias + torch.tensordot(style, self.style_hidden_bias, dims=1)
            output_weight = output_weight + torch.tensordot(style, self.style_output_weight, dims=1)
            output_bias = output_bias + torch.tensordot(style, self.style_output_bias, dims=1)
        if bias.ndim > 2:  # a style for each sequence: (S, 1, 52, hidden)
            attended = attended.reshape(len(bias), -1, *attended.shape[1:])
            bias, output_weight = bias[:, None], output_weight[:, None]
            output_bias = output_bias[:, None]
        raw = torch.sigmoid((F.silu(attended + bias) * output_weight).sum(-1) + output_bias)
        return raw.flatten(0, -2), maps

    def _expression_embedding(self, egemaps: Tensor) -> tuple[Tensor, Tensor]:
        """(B, windows, features) -> (B, 52, hidden) and the attention weights."""
        settings = self.settings
        # All zeros: no functionals yet. They stay zero, the neutral input of the stream.
        available = egemaps.abs().sum(-1, keepdim=True).sign()
        normal = (egemaps - self.expression_mean) * self.expression_scale
        normal = normal.clamp(-5.0, 5.0) * available
        flat = normal.reshape(-1, self.expression_projection.in_features)
        tokens = F.silu(self.expression_projection(flat)).reshape(
            -1, settings.expression_tokens, settings.expression_dim // settings.expression_tokens
        )
        attention = self.expression_attention
        return attention.attend(attention.scores(tokens, self.queries), attention.value(tokens))
