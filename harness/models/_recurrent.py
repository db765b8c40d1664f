"""Recurrent classifiers that ignore PAD: the canonical networks beside the articles' own listings.

Shape suffixes: B batch, T steps, F features of a step, H hidden width, K classes; D is H, or 2 · H in both directions.
"""

from __future__ import annotations

from bisect import bisect_right

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from harness.models._steps import Steps, last_real, max_real, mean_real

POOLS = {"last": last_real, "mean": mean_real, "max": max_real}
"""How the real steps become one vector: the last one, their mean, or each feature's largest."""
EQUAL = ("hidden", "parameters")
"""What a gated network has in common with a plain one of `hidden` units."""


class Recurrent(nn.Module):
    """Steps, recurrent layers, the real steps pooled, a linear layer.

    Args:
        steps: makes a vector of each step.
        recurrent: the layers, batch first, as wide as `steps` makes them.
        classes: width of the last layer.
        pool: a key of POOLS. The last step of the backward direction is a text's first one.
        dropout: rate of dropout before the last layer.
    """

    def __init__(self, steps: Steps, recurrent: nn.RNNBase, classes: int, *, pool: str = "last", dropout: float = 0.0) -> None:
        super().__init__()
        self.steps = steps
        self.recurrent = recurrent
        self.pool = pool
        self.dropout = nn.Dropout(dropout)
        self.fc = nn.Linear(recurrent.hidden_size * (2 if recurrent.bidirectional else 1), classes)

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits, [B, K], of features [B, T, F] or ids [B, T]."""
        x_BTF, lengths_B = self.steps(x)
        h_BTD = self._run(x_BTF, lengths_B)
        logits_BK: Tensor = self.fc(self.dropout(self._pooled(h_BTD, lengths_B)))
        return logits_BK

    def _run(self, x_BTF: Tensor, lengths_B: Tensor | None) -> Tensor:
        """Return the top layer's states, [B, T, D], PAD unseen by every real step.

        Forward states cannot see the PAD behind them, so only the backward direction needs packing.
        """
        if lengths_B is None or not self.recurrent.bidirectional:
            h_BTD: Tensor = self.recurrent(x_BTF)[0]
            return h_BTD
        packed = pack_padded_sequence(x_BTF, lengths_B.cpu(), batch_first=True, enforce_sorted=False)
        return pad_packed_sequence(self.recurrent(packed)[0], batch_first=True, total_length=x_BTF.shape[1])[0]

    def _pooled(self, h_BTD: Tensor, lengths_B: Tensor | None) -> Tensor:
        if self.pool == "last" and self.recurrent.bidirectional:
            width = self.recurrent.hidden_size
            return torch.cat([last_real(h_BTD[..., :width], lengths_B), h_BTD[:, 0, width:]], dim=1)
        return POOLS[self.pool](h_BTD, lengths_B)


def one_bias(recurrent: nn.RNN) -> nn.RNN:
    """Return the layers with the second of torch's two biases held at zero: the formula has one."""
    for name, parameter in recurrent.named_parameters():
        if name.startswith("bias_hh"):
            nn.init.zeros_(parameter)
            parameter.requires_grad_(False)
    return recurrent


def equal_width(features: int, hidden: int, classes: int, *, gates: int, layers: int, bidirectional: bool) -> int:
    """Return the largest hidden width at which a gated network has no more parameters than a plain one of `hidden`.

    Counted are the trainable parameters behind the embedding: the plain network is one Elman layer with one bias, the
    gated one has `gates` weight sets with two biases each; both end in a linear layer. At least 1.
    """
    budget = hidden * (features + hidden + 1) + (hidden + 1) * classes
    directions = 2 if bidirectional else 1
    # several gates cost more than the plain network's one layer, so that the width is never above `hidden`
    within = bisect_right(
        range(1, hidden + 1), budget, key=lambda width: _gated(features, width, classes, gates, layers, directions)
    )
    return max(within, 1)


def _gated(features: int, width: int, classes: int, gates: int, layers: int, directions: int) -> int:
    first = directions * gates * width * (features + width + 2)
    further = (layers - 1) * directions * gates * width * (directions * width + width + 2)
    return first + further + (directions * width + 1) * classes
