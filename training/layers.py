"""The layers of the network: the trunk over mel frames, and the attention of the queries."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from koemorph.blendshapes import BLENDSHAPES

from .streaming import SILENCE_LEVEL

OUTPUTS = len(BLENDSHAPES)
DILATIONS = (1, 2, 4, 8)
TRUNK_FRAMES = 1 + 2 * sum(DILATIONS)  # 31: receptive field of kernels of 3
# Ages of the tokens made from the last layer's inputs, in frames; its output is a fourth token.
TAP_AGES = (2 * DILATIONS[-1], DILATIONS[-1], 0)
MAX_SCORE = 80.0
SILENCE_MARGIN = 0.01  # above SILENCE_LEVEL, 0.2 dB; lower levels count as silence
ABOVE_ANY_LEVEL = 20.0


class AcousticConditioning(nn.Module):
    """A learned shift of the trunk's input, computed from the levels of the preceding seconds.

    A microphone adds a constant to a log spectrum, the noise of a room is its lower bound. Both
    show in the highest and the lowest level of each band, independent of the words. The initial
    shift is zero.
    """

    def __init__(self, bands: int, channels: int) -> None:
        super().__init__()
        self.levels = nn.Linear(2 * bands, channels)
        self.shift = nn.Linear(channels, channels, bias=False)
        nn.init.zeros_(self.shift.weight)

    def forward(self, pooled_context: Tensor) -> Tensor:
        """Compute the shift.

        Args:
            pooled_context: Means of mel frames, (..., rows, bands).

        Returns:
            (..., channels).
        """
        # Digital silence, as before the start of a file, is not the noise of a room.
        audible = torch.where(
            pooled_context > SILENCE_LEVEL + SILENCE_MARGIN, pooled_context, ABOVE_ANY_LEVEL
        )
        lowest = audible.amin(-2)
        lowest = torch.where(lowest < ABOVE_ANY_LEVEL, lowest, SILENCE_LEVEL)
        levels = torch.cat([pooled_context.amax(-2), lowest], dim=-1)
        shift: Tensor = self.shift(F.silu(self.levels(levels)))
        return shift


class Trunk(nn.Module):
    """Residual dilated convolutions over mel frames and the detail frames of the same time.

    conditioned: Shift the input by the acoustic conditioning.
    """

    def __init__(self, bands: int, detail_frames: int, channels: int, *, conditioned: bool) -> None:
        super().__init__()
        self.input = nn.Linear(bands * (1 + detail_frames), channels)
        self.conditioning = AcousticConditioning(bands, channels) if conditioned else None
        self.dilated = nn.ModuleList(nn.Conv1d(channels, channels, 3) for _ in DILATIONS)
        self.pointwise = nn.ModuleList(nn.Conv1d(channels, channels, 1) for _ in DILATIONS)

    def forward(
        self, mel: Tensor, detail: Tensor, pooled_context: Tensor, state_in: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Compute one frame from its features and the kept states of earlier frames.

        Args:
            mel: (B, bands).
            detail: (B, detail_frames, bands).
            pooled_context: (B, rows, bands), for the conditioning.
            state_in: (B, layers * 2 * channels), the `state_out` of each layer two and one of its
                dilations ago.

        Returns:
            The tokens of the newest frame, (B, 4, channels): the inputs of the last layer, oldest
            first, and its output; and state_out, (B, layers * channels), each layer's input now.
        """
        channels = self.input.out_features
        taps = torch.split(state_in, 2 * channels, dim=1)
        # Signals without the biases that the layers add to them: the sum of these is added where
        # the signals are used, which saves an addition per layer.
        signal = self._project(mel, detail, pooled_context)
        omitted_bias = torch.zeros_like(self.input.bias)
        inputs, last_bias = [], omitted_bias
        for dilated, pointwise, earlier in zip(self.dilated, self.pointwise, taps, strict=True):
            assert isinstance(dilated, nn.Conv1d)
            assert isinstance(pointwise, nn.Conv1d)
            assert pointwise.bias is not None
            inputs.append(signal)
            last_bias = omitted_bias
            # A causal layer: its last tap is the frame that the output belongs to.
            weight = dilated.weight.permute(0, 2, 1).flatten(1)
            bias = F.linear(omitted_bias.repeat(3), weight, dilated.bias)
            activation = F.silu(F.linear(torch.cat([earlier, signal], dim=1), weight, bias))
            signal = torch.addmm(signal, activation, pointwise.weight[:, :, 0].T)
            omitted_bias = omitted_bias + pointwise.bias
        shift = torch.cat([last_bias.repeat(3), omitted_bias])
        tokens = torch.cat([taps[-1], inputs[-1], signal], dim=1) + shift
        return tokens.reshape(-1, len(TAP_AGES) + 1, channels), torch.cat(inputs, dim=1)

    def _project(self, mel: Tensor, detail: Tensor, pooled_context: Tensor) -> Tensor:
        """(..., bands), (..., detail_frames, bands), (..., rows, bands) to (..., channels)."""
        signal = self.input(torch.cat([mel, detail.flatten(-2)], dim=-1))
        if self.conditioning is not None:
            signal = signal + self.conditioning(pooled_context)
        return F.silu(signal)

    def forward_sequence(
        self, mel: Tensor, detail: Tensor, pooled_context: Tensor, frames_per_token: int
    ) -> list[Tensor]:
        """Compute the outputs of the last two layers at every position within L frames.

        Args:
            mel: (B, L, bands).
            detail: (B, L, detail_frames, bands).
            pooled_context: (B, L, rows, bands).
            frames_per_token: Frames between neighbouring tokens.

        Returns:
            Two tensors (B, positions, channels); the last layer has fewer positions.
        """
        signal = self._project(mel, detail, pooled_context).transpose(1, 2)
        outputs = []
        for dilated, pointwise, dilation in zip(
            self.dilated, self.pointwise, DILATIONS, strict=True
        ):
            assert isinstance(dilated, nn.Conv1d)
            spacing = dilation * frames_per_token
            activation = F.silu(F.conv1d(signal, dilated.weight, dilated.bias, dilation=spacing))
            signal = signal[:, :, 2 * spacing :] + pointwise(activation)
            outputs.append(signal.transpose(1, 2))
        return outputs[-2:]


class Attention(nn.Module):
    """Cross-attention of the 52 queries to tokens (..., N, channels).

    The queries are constants of the model, so query and key projection are one matrix: each token
    gives its scores for all queries and heads, and its values, in one product each. The outputs of
    the heads are summed. Values are as wide as the decoder: its projection of the joined heads is
    part of the value projection.
    """

    def __init__(self, heads: int, size: int, hidden: int, channels: int, tokens: int) -> None:
        super().__init__()
        self.heads, self.hidden = heads, hidden
        self.key = nn.Parameter(torch.empty(heads, size, channels))
        self.value = nn.Linear(channels, heads * hidden, bias=False)
        self.position = nn.Parameter(torch.zeros(tokens, heads * OUTPUTS))
        nn.init.normal_(self.key, std=1 / math.sqrt(channels))

    def scores(self, tokens: Tensor, queries: Tensor) -> Tensor:
        """Score tokens (..., N, channels): (..., N, heads * 52), without the position bias."""
        size = self.key.shape[1]
        merged = torch.matmul(queries, self.key).flatten(0, 1) / math.sqrt(size)
        return F.linear(tokens, merged)

    def attend(self, scores: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        """Attend to tokens.

        Args:
            scores: (B, N, heads * 52).
            values: (B, N, heads * hidden).

        Returns:
            The attended values, (B, 52, hidden), and the attention weights, (B, N, heads, 52), in
            this order so that no table is transposed.
        """
        tokens = len(self.position)
        # Softmax over the tokens. torch's is slow along an axis that is not the last, and bounds
        # are cheaper than the largest score: e^80 times any number of tokens is finite.
        exponentials = (scores + self.position).clamp(-MAX_SCORE, MAX_SCORE).exp()
        weights = exponentials / exponentials.sum(1, keepdim=True)
        attended = torch.matmul(
            weights.reshape(-1, tokens * self.heads, OUTPUTS).transpose(1, 2),
            values.reshape(-1, tokens * self.heads, self.hidden),
        )
        return attended, weights.reshape(-1, tokens, self.heads, OUTPUTS)
