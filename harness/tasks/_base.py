"""What a task part is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.observations import Array, Direction

if TYPE_CHECKING:
    from torch import Tensor, nn

    from harness.data import Split


@dataclass(frozen=True)
class Scores:
    """What evaluating a model on one split gives."""

    loss: float
    """Mean loss over samples."""
    predictions: Array
    """[N] predicted class of each sample."""
    labels: Array
    """[N] true class of each sample."""
    values: dict[str, float]
    """Scores by metric name; holds the task's primary metric."""


@dataclass(frozen=True)
class Task:
    """How a kind of model learns and is scored. All fields but the functions are literals."""

    primary: str
    """The metric that selects models and decides first."""
    direction: Direction
    scores: tuple[str, ...]
    """Metrics that every evaluation yields; a suite's targets may name these."""
    loss: Callable[[nn.Module, Tensor, Tensor], Tensor]
    """`loss(model, inputs, labels)`: mean training loss of a batch, a scalar with a gradient."""
    evaluate: Callable[[nn.Module, Split, int], Scores]
    """`evaluate(model, split, batch_size)`: scores; draws no random numbers and leaves the model's mode as it was."""
