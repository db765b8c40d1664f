"""What the models of speech share: the first convolution, the check that a recording is long enough for it, the GRU.

Shape suffixes: B batch, T windows in time, F features, S steps, G places left of the bands, L layers and ways, H hidden.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from harness.errors import UsageError
from harness.models._base import DataSpec
from harness.models._shape import require_form

MAPS = 32
WINDOW = (20, 5)
"""Windows in time and bands that one place of a map sees."""
STRIDE = (8, 2)


def first_convolution() -> nn.Conv2d:
    """Return the convolution from [B, 1, T, F] to [B, MAPS, S, G]."""
    return nn.Conv2d(1, MAPS, WINDOW, STRIDE)


def map_size(module: str, spec: DataSpec, smallest: tuple[int, int] = (1, 1)) -> tuple[int, int]:
    """Return S and G: the size of a map after the first convolution.

    Args:
        module: `__name__` of the model's file; its last part is the model's name.
        spec: what the data set gives.
        smallest: S and G that the layers after it need at least.

    Raises:
        UsageError: the data set gives no sequences, or ones that are too small.
    """
    require_form(module, spec, "sequence")
    steps, places = ((side - window) // stride + 1 for side, window, stride in zip(spec.shape, WINDOW, STRIDE, strict=True))
    if steps < smallest[0] or places < smallest[1]:
        least = [(size - 1) * stride + window for size, stride, window in zip(smallest, STRIDE, WINDOW, strict=True)]
        raise UsageError(
            f"model {module.rpartition('.')[2]!r}: the data set gives sequences of {spec.shape[0]} steps of {spec.shape[1]} "
            f"features, the model needs at least {least[0]} steps of {least[1]}; choose another data set, or another model"
        )
    return steps, places


class TwoWayGru(nn.Module):
    """Gated recurrent layers that read a sequence forwards and backwards.

    Source: Cho et al. 2014 (the unit); Schuster and Paliwal 1997 (both ways).

    Args:
        features: of one step.
        hidden: of one direction.
        layers: one upon the other.
    """

    def __init__(self, features: int, hidden: int, layers: int) -> None:
        super().__init__()
        self.gru = nn.GRU(features, hidden, layers, batch_first=True, bidirectional=True)

    def forward(self, x_BSF: Tensor) -> Tensor:
        """Return the top layer's state at the last step of each way, [B, 2·hidden].

        The last step of the way back is the first in time. Read at the last step in time instead, that way would have seen
        one step only, and its recurrent weights would never learn.
        """
        _, state_LBH = self.gru(x_BSF)
        return torch.cat([state_LBH[-2], state_LBH[-1]], dim=1)
