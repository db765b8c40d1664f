"""What is left of a network without its activation functions: one affine map, and what such a map can tell apart.

Two tasks: points on two rings of one centre, which no straight line separates, and the digits. Each is learned by a network
with ReLU, by the same network without, and by a single linear layer.

- `rings_relu`, `rings_linear`, `rings_layer`: test accuracy on the rings; a perceptron of two hidden layers.
- `digits_relu`, `digits_linear`, `digits_layer`: test accuracy on the digits; two convolutional stages with average pooling,
  because the maximum of max pooling is no linear function.
- `affine_error_relu`, `affine_error_linear`: how far the trained convolutional network is from an affine map f, for which
  f(a + b − c) = f(a) + f(b) − f(c): the largest difference over pictures, relative to the largest logit, in float64.
- `xor_best_line`: largest share of the four points of XOR that any line puts on the right sides.

Source: article 001 (3.1, 3.2); Minsky and Papert, "Perceptrons", 1969; Goodfellow, Bengio and Courville, "Deep Learning",
2016, section 6.1.
"""

from __future__ import annotations

import copy
import itertools
import math
from collections.abc import Callable

import torch
from torch import Tensor, nn

from harness.data import Split, Splits
from harness.experiments import Experiment, Setting
from harness.experiments._digit_nets import TwoStages
from harness.options import check_count

RADII = (1.0, 2.0)
SPREAD = 0.15
"""Standard deviation of a point's distance from its ring."""
POINTS = 400
"""Of each split, half on either ring."""
RINGS_LR, DIGITS_LR = 1e-2, 1e-2


def run(setting: Setting, *, steps: int = 300) -> dict[str, float | None]:
    """Return what the module's docstring defines.

    Args:
        setting: draws weights, batches and points.
        steps: of 64 samples.

    Raises:
        UsageError: an option that is not allowed.
    """
    check_count("steps", steps, 1, 1_000_000)
    digits, points = setting.data("digits"), rings(setting.generator("points"))
    found: dict[str, float | None] = {}
    for name, build in {"relu": lambda: perceptron(True), "linear": lambda: perceptron(False), "layer": layer(2, 2)}.items():
        found[f"rings_{name}"] = learned(setting, build, points, steps, RINGS_LR)[1]
    for name, build in {"relu": lambda: stages(True), "linear": lambda: stages(False), "layer": layer(64, 10)}.items():
        model, found[f"digits_{name}"] = learned(setting, build, digits, steps, DIGITS_LR)
        if name != "layer":
            found[f"affine_error_{name}"] = affine_error(model, digits.test.inputs)
    return found | {"xor_best_line": xor_best_line()}


def rings(stream: torch.Generator) -> Splits:
    """Return points of two rings around 0 in the plane; the class is the ring."""

    def split() -> Split:
        labels_N = torch.arange(POINTS) % 2
        radii_N = torch.tensor(RADII)[labels_N] + SPREAD * torch.randn(POINTS, generator=stream)
        angles_N = 2 * math.pi * torch.rand(POINTS, generator=stream)
        return Split(radii_N[:, None] * torch.stack([angles_N.cos(), angles_N.sin()], dim=1), labels_N)

    return Splits(split(), split(), ("inner", "outer"))


def perceptron(activation: bool) -> nn.Module:
    """Return a network of two hidden layers of 32 for points of the plane."""
    relu = nn.ReLU() if activation else nn.Identity()
    return nn.Sequential(nn.Linear(2, 32), relu, nn.Linear(32, 32), relu, nn.Linear(32, 2))


def stages(activation: bool) -> nn.Module:
    """Return the convolutional network for 8x8 pixels."""
    return TwoStages(8, "average", activation=activation)


def layer(features: int, classes: int) -> Callable[[], nn.Module]:
    """Return what makes a single linear layer."""
    return lambda: nn.Sequential(nn.Flatten(), nn.Linear(features, classes))


def learned(setting: Setting, build: Callable[[], nn.Module], splits: Splits, steps: int, lr: float) -> tuple[nn.Module, float]:
    """Return a network after its training, and its test accuracy."""
    setting.seed_globals()
    model = build().to(setting.device)
    return model, setting.train(model, splits, steps=steps, lr=lr).evaluations[-1].scores["accuracy"]


@torch.no_grad()
def affine_error(model: nn.Module, inputs: Tensor) -> float:
    """Return how far a network is from an affine map: 0 up to rounding for one.

    Args:
        model: any; a copy in float64 is used.
        inputs: [N, ...], at least 3; the first three thirds are a, b and c.
    """
    exact = copy.deepcopy(model).cpu().double().eval()
    a, b, c = inputs.cpu().double()[: len(inputs) // 3 * 3].chunk(3)
    sums = exact(a) + exact(b) - exact(c)
    return float((exact(a + b - c) - sums).abs().max() / sums.abs().max())


def xor_best_line() -> float:
    """Return the largest share of XOR's four points that a line classifies rightly.

    Lines that part four points in another way than these do not exist: every way of parting the corners of a square by a line
    is met by weights of −1, 0 or 1 and a threshold halfway between their sums.
    """
    points = list(itertools.product((0, 1), repeat=2))
    shares = []
    for *weights, threshold in itertools.product((-1, 0, 1), (-1, 0, 1), (-2.5, -1.5, -0.5, 0.5, 1.5)):
        sides = [weights[0] * x + weights[1] * y > threshold for x, y in points]
        shares.append(sum(side == (x != y) for side, (x, y) in zip(sides, points, strict=True)) / 4)
    return max(shares)


EXPERIMENT = Experiment(
    run=run,
    title="Networks without activation functions",
    outcomes={
        "rings_relu": "1",
        "rings_linear": "1",
        "rings_layer": "1",
        "digits_relu": "1",
        "digits_linear": "1",
        "digits_layer": "1",
        "affine_error_relu": "1",
        "affine_error_linear": "1",
        "xor_best_line": "1",
    },
    source="Goodfellow, Bengio and Courville 2016, section 6.1",
)
