"""Training at several learning rates, so that no network is compared at a rate that suits another better."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from torch import nn

from harness.data import Splits
from harness.experiments._setting import Setting
from harness.train import DivergedError

HELD_OUT = 0.2
"""Share of the training split that the learning rate is chosen on; the test split has no part in it."""


@dataclass(frozen=True)
class Trained:
    """A network after one training."""

    model: nn.Module
    lr: float
    validation: tuple[float, float]
    """Accuracy on the samples held out, and loss with a minus: what sorts trainings by how well they did; both −inf after a
    loss that was not finite."""


def train_at(
    setting: Setting, build: Callable[[], nn.Module], splits: Splits, rates: Iterable[float], **recipe: Any
) -> dict[float, Trained]:
    """Return a network trained at each rate, on all but the samples held out; one that diverges is left as it then is.

    Args:
        setting: gives the seed, so that every training starts from the same weights and sees the same batches.
        build: makes the network with fresh weights, on the device.
        splits: what it learns from.
        rates: learning rates.
        recipe: the other arguments of `Setting.train`.
    """
    found = {}
    for lr in rates:
        setting.seed_globals()
        model = build()
        try:
            scores = setting.train(model, splits, lr=lr, validation=HELD_OUT, **recipe).evaluations[-1].scores
            found[lr] = Trained(model, lr, _rank(scores["accuracy"], scores["loss"]))
        except DivergedError:
            found[lr] = Trained(model, lr, (-math.inf, -math.inf))
    return found


def _rank(accuracy: float, loss: float) -> tuple[float, float]:
    return (accuracy, -loss) if math.isfinite(loss) else (-math.inf, -math.inf)


def best(trained: Iterable[Trained]) -> Trained:
    """Return the training that did best on the samples held out, the first of equals."""
    return max(trained, key=lambda each: each.validation)
