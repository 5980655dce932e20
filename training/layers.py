"""What the network is made of: the trunk over mel frames, and the attention of the queries."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from koemorph.coefficients import COEFFICIENTS

OUTPUTS = len(COEFFICIENTS)
DILATIONS = (1, 2, 4, 8)
TRUNK_FRAMES = 1 + 2 * sum(DILATIONS)  # 31: what the trunk's last layer hears, with kernels of 3


class Trunk(nn.Module):
    """Residual dilated convolutions over mel frames."""

    def __init__(self, bands: int, channels: int) -> None:
        super().__init__()
        self.enter = nn.Linear(bands, channels)
        self.spread = nn.ModuleList(nn.Conv1d(channels, channels, 3) for _ in DILATIONS)
        self.mix = nn.ModuleList(nn.Conv1d(channels, channels, 1) for _ in DILATIONS)

    def forward(self, mel: Tensor) -> list[Tensor]:
        """The outputs of the last two layers at the places that the newest frame needs.

        mel (B, TRUNK_FRAMES, bands) to (B, 3, channels) and (B, 1, channels), oldest first. Each
        layer's three taps are laid side by side, which makes it one product over all its places:
        convolutions of short signals are slow.
        """
        signal = F.silu(self.enter(mel))
        outputs = []
        for spread, mix in zip(self.spread, self.mix, strict=True):
            assert isinstance(spread, nn.Conv1d)
            assert isinstance(mix, nn.Conv1d)
            channels, places = spread.out_channels, int(signal.shape[1]) // 2
            # A causal layer: its last tap is the place that the output belongs to.
            newest = signal[:, 2::2]
            taps = torch.cat([signal[:, :-1].reshape(-1, places, 2 * channels), newest], dim=2)
            weight = spread.weight.permute(0, 2, 1).flatten(1)
            heard = F.silu(F.linear(taps, weight, spread.bias))
            signal = newest + F.linear(heard, mix.weight[:, :, 0], mix.bias)
            outputs.append(signal)
        return outputs[-2:]

    def everywhere(self, mel: Tensor, step: int) -> list[Tensor]:
        """The same at every place that mel (B, L, bands) allows.

        Neighbours of the network's window are `step` frames apart.
        """
        signal = F.silu(self.enter(mel)).transpose(1, 2)
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
        scored = scores + self.position
        # Softmax over the tokens. The library's is slow along an axis that is not the last.
        grown = (scored - scored.detach().amax(1, keepdim=True)).exp()
        weights = grown / grown.sum(1, keepdim=True)
        heard = torch.matmul(
            weights.reshape(-1, tokens * self.heads, OUTPUTS).transpose(1, 2),
            values.reshape(-1, tokens * self.heads, self.hidden),
        )
        return heard, weights.reshape(-1, tokens, self.heads, OUTPUTS)
