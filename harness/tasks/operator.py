"""Applying a fixed operator: nothing is learned, its output is held against a slower reference, and its steps are timed.

The model has no trainable parameters. Its `forward(inputs)` is the operator, its `reference(inputs)` computes by
independent and slower means what the operator should give, in float64 where that helps. A step is one pass over a
batch; its "loss" is the mean magnitude of the output, so that the digest of the loss curve pins the operator's numbers.

Shape suffixes: none; outputs have whatever shape the operator gives.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from harness.data import Split, Splits
from harness.errors import DataError, UsageError
from harness.tasks._base import Learning, Scores, Task, Turn, evaluation_mode


def start(splits: Splits) -> Learning:
    """Return how an operator is run over the data set."""
    return Learning(turns=(Turn(loss),), evaluate=evaluate)


def loss(model: nn.Module, inputs: Tensor, labels: Tensor) -> Tensor:
    """Return the mean magnitude of the operator's output, a scalar without a gradient.

    Args:
        model: the operator.
        inputs: [B, *shape].
        labels: not used.
    """
    with torch.no_grad():
        magnitude: Tensor = model(inputs).float().abs().mean()
    return magnitude


def evaluate(model: nn.Module, split: Split, batch_size: int) -> Scores:
    """Return the largest |forward − reference| over a split; NaN where the difference is NaN anywhere.

    The difference is taken in float64. The operator runs in the precision that is in force, the reference never in a
    lower one than its input's. No random number is drawn, and each module keeps the mode it had.

    Args:
        model: the operator; on the split's device.
        split: inputs [N, *shape]; labels are not used.
        batch_size: samples a pass takes; the last may be smaller. An operator on whole batches depends on it.

    Raises:
        DataError: the split is empty.
        UsageError: the model has no reference, or its shape is not the operator's.
    """
    if len(split) == 0:
        raise DataError("evaluating: the split holds no samples, at least 1 is needed; choose a larger data set or share")
    reference = _reference(model)
    largest = torch.zeros((), dtype=torch.float64, device=split.inputs.device)
    with evaluation_mode(model):
        for inputs in split.inputs.split(batch_size):
            # torch's maximum, unlike Python's, hands a NaN on.
            largest = torch.maximum(largest, _largest_error(model(inputs), _in_full(reference, inputs)))
    return Scores({"max_error": largest.item()})


def _reference(model: nn.Module) -> Callable[[Tensor], Tensor]:
    """Return the model's own reference.

    Raises:
        UsageError: it has none.
    """
    found = getattr(model, "reference", None)
    if not callable(found):
        raise UsageError(
            f"task 'operator': {type(model).__name__} has no method `reference(inputs)` to hold its output against; "
            "give it one, or train the model by another task"
        )
    wanted: Callable[[Tensor], Tensor] = found
    return wanted


def _in_full(reference: Callable[[Tensor], Tensor], inputs: Tensor) -> Tensor:
    """Return what the output should be, computed without autocasting."""
    with torch.autocast(inputs.device.type, enabled=False):
        return reference(inputs)


def _largest_error(output: Tensor, wanted: Tensor) -> Tensor:
    """Return the largest difference, a scalar.

    Raises:
        UsageError: the shapes differ; broadcasting would compare values that do not belong together.
    """
    if output.shape != wanted.shape:
        raise UsageError(
            f"task 'operator': the operator gives shape {tuple(output.shape)}, its reference {tuple(wanted.shape)}; both have "
            "to compute the same thing: mend one of them"
        )
    return (output.double() - wanted.to(output.device).double()).abs().max()


TASK = Task(
    primary="max_error",
    scores={"max_error": "lower"},
    start=start,
)
