"""A multilayer perceptron on images of any size: the baseline of every claim for convolution.

Article 003, section 4.1: names the multilayer perceptron as the start of deep networks, without a listing. Pixels go to
one hidden layer of 128 with ReLU, and from there to the classes.

Input: x_BCHW, [B, C, H, W], float. Output: logits_BK, [B, K]. Parameters: 101,770 with 1x28x28 and 10 classes.

Shape suffixes: B batch, C channels, H height, W width, K classes.
"""

from __future__ import annotations

import math
from itertools import pairwise

from torch import Tensor, nn

from harness.models._base import DataSpec, Model
from harness.models._option_checks import require_counts
from harness.models._shape import require_form


class Mlp(nn.Module):
    """Linear layers with ReLU between them.

    Args:
        widths: of the input, of each hidden layer, of the output.
    """

    def __init__(self, widths: list[int]) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for inputs, outputs in pairwise(widths):
            layers += [nn.ReLU(), nn.Linear(inputs, outputs)]
        self.layers = nn.Sequential(nn.Flatten(), *layers[1:])

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """Return the logits, [B, K]."""
        logits_BK: Tensor = self.layers(x_BCHW)
        return logits_BK


def build(spec: DataSpec, *, hidden: int = 128, layers: int = 1) -> nn.Module:
    """Return the network with fresh weights, drawn from torch's global stream.

    Args:
        spec: images (C, H, W).
        hidden: width of a hidden layer.
        layers: hidden ones.

    Raises:
        UsageError: the inputs are no images, or an option is not allowed.
    """
    require_form(__name__, spec, "image")
    require_counts(__name__, hidden=hidden, layers=layers)
    return Mlp([math.prod(spec.shape), *[hidden] * layers, spec.classes])


MODEL = Model(
    build=build,
    parameters=101_770,
    example=((1, 28, 28), 10, ()),
    article="003",
    section="4.1",
    repairs=("the article names the network without giving one; one hidden layer of 128 is built",),
    source="Rumelhart, Hinton, Williams 1986",
)
