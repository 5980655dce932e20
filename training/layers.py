"""What the network is made of: the trunk over mel frames, and the attention of the queries."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from koemorph.blendshapes import BLENDSHAPES

OUTPUTS = len(BLENDSHAPES)
DILATIONS = (1, 2, 4, 8)
TRUNK_FRAMES = 1 + 2 * sum(DILATIONS)  # 31: what the trunk's last layer hears, with kernels of 3
# Where the tokens of the last layer's inputs are, in frames before now; its own is a fourth.
AGES = (2 * DILATIONS[-1], DILATIONS[-1], 0)
MOST_SCORE = 80.0
SILENCE = -2.0  # what the mel stage gives for no sound at all: (log10(1e-10) + 6) / 2
QUIET_ROOM = -0.5  # no band of a quiet room is louder: (log10(1e-7) + 6) / 2
NO_SOUND = 0.01  # what is less above silence is silence, 0.2 dB
LOUDEST = 20.0  # more than any mel band can be


class Tuning(nn.Module):
    """What the seconds before tell of the talker, the microphone and the room: a shift.

    A microphone adds to a log spectrum, a room's noise is its lower bound. Both show in how loud
    each band was at its loudest and at its quietest, whatever was said. At first it shifts nothing.
    """

    def __init__(self, bands: int, channels: int) -> None:
        super().__init__()
        self.extremes = nn.Linear(2 * bands, channels)
        self.shift = nn.Linear(channels, channels, bias=False)
        nn.init.zeros_(self.shift.weight)

    def forward(self, blocks: Tensor) -> Tensor:
        """Means of mel frames, (..., blocks, bands), to (..., channels)."""
        # No sound at all, as before a file is played, is no room's noise.
        heard = torch.where(blocks > SILENCE + NO_SOUND, blocks, LOUDEST)
        quietest = heard.amin(-2)
        quietest = torch.where(quietest < LOUDEST, quietest, SILENCE)
        told = torch.cat([blocks.amax(-2), quietest], dim=-1)
        shift: Tensor = self.shift(F.silu(self.extremes(told)))
        return shift


class Trunk(nn.Module):
    """Residual dilated convolutions over mel frames, each with the detail frames of its time.

    tuned: what enters is shifted by what the seconds before it tell, see Tuning.
    """

    def __init__(self, bands: int, detail_frames: int, channels: int, *, tuned: bool) -> None:
        super().__init__()
        self.enter = nn.Linear(bands * (1 + detail_frames), channels)
        self.tuning = Tuning(bands, channels) if tuned else None
        self.spread = nn.ModuleList(nn.Conv1d(channels, channels, 3) for _ in DILATIONS)
        self.mix = nn.ModuleList(nn.Conv1d(channels, channels, 1) for _ in DILATIONS)

    def forward(
        self, mel: Tensor, detail: Tensor, blocks: Tensor, past: Tensor
    ) -> tuple[Tensor, Tensor]:
        """One frame, of its own features and what is kept of the frames before.

        mel: (B, bands); detail: (B, detail_frames, bands); blocks: (B, blocks, bands), what tunes
        it; past: (B, layers * 2 * channels), each layer's input two and one of its dilations ago,
        as they were in `present` then. Returns the tokens that the newest frame needs, (B, 4,
        channels): what the last layer is made of, oldest first, and that layer; and present, (B,
        layers * channels), each layer's input now.
        """
        channels = self.enter.out_features
        before = torch.split(past, 2 * channels, dim=1)
        # The signals without the biases that the layers add to them: what these sum up to is put
        # back where the signals are used, which saves an addition a layer.
        plain = self._entered(mel, detail, blocks)
        left_out = torch.zeros_like(self.enter.bias)
        inputs, last_bias = [], left_out
        for spread, mix, heard in zip(self.spread, self.mix, before, strict=True):
            assert isinstance(spread, nn.Conv1d)
            assert isinstance(mix, nn.Conv1d)
            assert mix.bias is not None
            inputs.append(plain)
            last_bias = left_out
            # A causal layer: its last tap is the place that the output belongs to.
            weight = spread.weight.permute(0, 2, 1).flatten(1)
            bias = F.linear(left_out.repeat(3), weight, spread.bias)
            spoken = F.silu(F.linear(torch.cat([heard, plain], dim=1), weight, bias))
            plain = torch.addmm(plain, spoken, mix.weight[:, :, 0].T)
            left_out = left_out + mix.bias
        shift = torch.cat([last_bias.repeat(3), left_out])
        tokens = torch.cat([before[-1], inputs[-1], plain], dim=1) + shift
        return tokens.reshape(-1, len(AGES) + 1, channels), torch.cat(inputs, dim=1)

    def _entered(self, mel: Tensor, detail: Tensor, blocks: Tensor) -> Tensor:
        """(..., bands), (..., detail_frames, bands), (..., blocks, bands) to (..., channels)."""
        signal = self.enter(torch.cat([mel, detail.flatten(-2)], dim=-1))
        if self.tuning is not None:
            signal = signal + self.tuning(blocks)
        return F.silu(signal)

    def everywhere(self, mel: Tensor, detail: Tensor, blocks: Tensor, step: int) -> list[Tensor]:
        """The last two layers' outputs at every place that L frames allow.

        mel: (B, L, bands); detail: (B, L, detail_frames, bands); blocks: (B, L, blocks, bands).

        Neighbours of the network's window are `step` frames apart.
        """
        signal = self._entered(mel, detail, blocks).transpose(1, 2)
        outputs = []
        for spread, mix, dilation in zip(self.spread, self.mix, DILATIONS, strict=True):
            assert isinstance(spread, nn.Conv1d)
            apart = dilation * step
            heard = F.conv1d(signal, spread.weight, spread.bias, dilation=apart)
            signal = signal[:, :, 2 * apart :] + mix(F.silu(heard))
            outputs.append(signal.transpose(1, 2))
        return outputs[-2:]


class Attention(nn.Module):
    """Cross-attention of the 52 queries to tokens (..., N, channels).

    The queries are constants of the model, so query and key projection are one matrix: a token
    gives its scores for all queries and heads, and its values, each in one product. What the heads
    heard is summed: values are as wide as the decoder, whose projection of joined heads is part of
    theirs.
    """

    def __init__(self, heads: int, size: int, hidden: int, channels: int, tokens: int) -> None:
        super().__init__()
        self.heads, self.hidden = heads, hidden
        self.key = nn.Parameter(torch.empty(heads, size, channels))
        self.value = nn.Linear(channels, heads * hidden, bias=False)
        self.position = nn.Parameter(torch.zeros(tokens, heads * OUTPUTS))
        nn.init.normal_(self.key, std=1 / math.sqrt(channels))

    def scores(self, tokens: Tensor, queries: Tensor) -> Tensor:
        """(..., N, channels) -> (..., N, heads * 52), without the position's share."""
        size = self.key.shape[1]
        merged = torch.matmul(queries, self.key).flatten(0, 1) / math.sqrt(size)
        return F.linear(tokens, merged)

    def attend(self, scores: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        """scores (B, N, heads * 52), values (B, N, heads * hidden) -> (B, 52, hidden), weights.

        The attention weights are (B, N, heads, 52), so that no table is transposed on its way.
        """
        tokens = len(self.position)
        # Softmax over the tokens. The library's is slow along an axis that is not the last, and
        # bounds are cheaper than the largest score: e^80 times any number of tokens is finite.
        grown = (scores + self.position).clamp(-MOST_SCORE, MOST_SCORE).exp()
        weights = grown / grown.sum(1, keepdim=True)
        heard = torch.matmul(
            weights.reshape(-1, tokens * self.heads, OUTPUTS).transpose(1, 2),
            values.reshape(-1, tokens * self.heads, self.hidden),
        )
        return heard, weights.reshape(-1, tokens, self.heads, OUTPUTS)
