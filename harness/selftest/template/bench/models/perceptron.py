"""A perceptron with one hidden layer."""

from __future__ import annotations

from torch import Tensor, nn

from harness.models import DataSpec, Model

WIDTH = 64


class Perceptron(nn.Module):
    """Input: x_BF, [B, F]. Output: logits_BK, [B, K]."""

    def __init__(self, features: int, classes: int) -> None:
        super().__init__()
        self.hidden = nn.Linear(features, WIDTH)
        self.output = nn.Linear(WIDTH, classes)

    def forward(self, x_BF: Tensor) -> Tensor:
        """Return the logits."""
        hidden_BW = self.hidden(x_BF).relu()
        logits_BK: Tensor = self.output(hidden_BW)
        return logits_BK


def build(spec: DataSpec) -> nn.Module:
    """Return the network."""
    return Perceptron(spec.shape[0], spec.classes)


MODEL = Model(build=build)
