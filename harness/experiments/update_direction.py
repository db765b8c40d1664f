"""Which way an update has to go: along the gradient of the loss, or against it.

- `quadratic_along`, `quadratic_against`: change of L(w) = ½ Σ k (w_k − k)², k = 1 … 4, from w = 0 by a step of 1/8 along its
  gradient, and against it. All numbers are fractions of powers of two, so that float64 holds them exactly: L(0) = 50, and a
  step against the gradient takes each distance times 1 − k/8.
- `networks_along`, `networks_against`: of 20 networks with fresh weights and a batch of the digits each, how many have a
  smaller loss after a step of 0.01 along their gradient, and against it, in float64.

Source: article 004, section 3.1.3; Cauchy 1847 (steepest descent goes against the gradient).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from harness.experiments import Experiment, Setting

NETWORKS, BATCH, RATE = 20, 64, 0.01


def run(setting: Setting) -> dict[str, float | None]:
    """Return the outcomes that the module's docstring defines.

    Args:
        setting: not drawn from: the networks' weights have seeds of their own, 0 to 19, the same in every run.
    """
    splits = setting.data("digits")
    falls = {"along": 0, "against": 0}
    for number in range(NETWORKS):
        inputs, labels = (part[number * BATCH : (number + 1) * BATCH] for part in (splits.train.inputs, splits.train.labels))
        for way, sign in (("along", 1.0), ("against", -1.0)):
            weights = fresh_weights(number, inputs[0].numel())
            before, after = before_and_after(weights, inputs.flatten(1).double(), labels, sign * RATE)
            falls[way] += after < before
    return {
        "quadratic_along": quadratic_change(1 / 8),
        "quadratic_against": quadratic_change(-1 / 8),
        "networks_along": falls["along"],
        "networks_against": falls["against"],
    }


def quadratic_change(step: float) -> float:
    """Return how L(w) = ½ Σ k (w_k − k)² changes from w = 0 by `step` times its gradient, −k² in each k."""
    targets = [1.0, 2.0, 3.0, 4.0]
    weights = [step * -(target * target) for target in targets]
    return sum(k * ((weight - k) ** 2 - k**2) / 2 for k, weight in zip(targets, weights, strict=True))


def fresh_weights(seed: int, inputs: int) -> list[Tensor]:
    """Return the two weight matrices of a ReLU network of 32 hidden units and 10 classes, float64."""
    draw = torch.Generator().manual_seed(seed)
    shapes = ((32, inputs), (10, 32))
    return [torch.randn(shape, generator=draw, dtype=torch.float64) / shape[1] ** 0.5 for shape in shapes]


def before_and_after(weights: list[Tensor], inputs: Tensor, labels: Tensor, step: float) -> tuple[float, float]:
    """Return the loss before and after the weights move by `step` times the gradient."""
    weights = [weight.requires_grad_() for weight in weights]
    before = _loss(weights, inputs, labels)
    gradients = torch.autograd.grad(before, weights)
    moved = [weight.detach() + step * gradient for weight, gradient in zip(weights, gradients, strict=True)]
    return before.item(), _loss(moved, inputs, labels).item()


def _loss(weights: list[Tensor], inputs: Tensor, labels: Tensor) -> Tensor:
    return F.cross_entropy(F.relu(inputs @ weights[0].T) @ weights[1].T, labels)


EXPERIMENT = Experiment(
    run=run,
    title="Direction of an update",
    outcomes={
        "quadratic_along": "1",
        "quadratic_against": "1",
        "networks_along": "{network}",
        "networks_against": "{network}",
    },
    metric_class="exact",
    source="article 004, section 3.1.3",
)
