"""Applying a fixed operator: scores against errors planted by hand."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from harness.catalog import Catalog
from harness.data import Split, Splits
from harness.errors import DataError, UsageError
from harness.observations import Observations, null, number
from harness.tasks import Learning, Task

TASK: Task = Catalog().load("tasks", "operator")


class Doubling(nn.Module):
    """Twice its input; the reference is what a test says."""

    def __init__(self, reference: Callable[[Tensor], Tensor] = lambda inputs: 2 * inputs) -> None:
        super().__init__()
        self.reference = reference
        self.register_buffer("two", torch.tensor(2.0))

    def forward(self, inputs: Tensor) -> Tensor:
        """Return twice the input."""
        return self.get_buffer("two") * inputs


def split_of(*values: float) -> Split:
    """One number a sample."""
    return Split(torch.tensor(values)[:, None], torch.zeros(len(values), dtype=torch.int64))


def learning() -> Learning:
    """The task at work."""
    return TASK.start(Splits(split_of(1.0), split_of(1.0)))


def max_error(model: nn.Module, split: Split, batch_size: int = 2) -> float:
    """The one score of a model."""
    (value,) = learning().evaluate(model, split, batch_size).values.values()
    return value


@pytest.mark.parametrize("batch_size", [1, 2, 5, 100])
def test_largest_error_is_found_in_whichever_batch(batch_size: int) -> None:
    """References off by 0.25, 0.5 and -0.75 at three of five samples: the largest magnitude counts, batch size or not."""
    off = {1.0: 0.25, 3.0: -0.75, 5.0: 0.5}

    def reference(inputs: Tensor) -> Tensor:
        return torch.tensor([[2 * value + off.get(value, 0.0)] for value in inputs.flatten().tolist()])

    assert 0.75 == max_error(Doubling(reference), split_of(1.0, 2.0, 3.0, 4.0, 5.0), batch_size)


def test_an_exact_operator_scores_zero() -> None:
    """No difference is 0, not some rounding."""
    assert 0.0 == max_error(Doubling(), split_of(0.1, 0.2, 0.3))


def test_difference_is_taken_in_float64() -> None:
    """A reference in float64 that is 2^-40 off float32's 2.0 is told apart."""
    assert 2.0**-40 == max_error(Doubling(lambda inputs: 2 * inputs.double() + 2.0**-40), split_of(1.0))


def test_a_nan_is_not_lost_among_numbers() -> None:
    """A NaN in the first of several batches makes the score NaN; Python's max would drop it."""
    assert math.isnan(max_error(Doubling(), split_of(math.nan, 1.0, 2.0, 3.0)))


def test_reference_runs_in_full_precision_under_autocast() -> None:
    """Autocasting rounds the operator to bfloat16; the reference's products stay in float32."""
    layer = nn.Linear(1, 1, bias=False)
    nn.init.constant_(layer.weight, 1 + 2.0**-10)
    model = Doubling(layer)
    with torch.autocast("cpu", torch.bfloat16):
        error = max_error(model, split_of(1.0))

    assert 1 - 2.0**-10 == error  # 2 against 1 + 2^-10; in bfloat16 the reference would be 1


def test_shapes_that_differ_are_an_error() -> None:
    """[2, 1] against [2]: broadcasting would compare all pairs; both shapes are named instead."""
    with pytest.raises(UsageError, match=r"gives shape \(2, 1\), its reference \(2,\)"):
        max_error(Doubling(lambda inputs: 2 * inputs[:, 0]), split_of(1.0, 2.0))


def test_a_model_without_reference_is_an_error() -> None:
    """The message names the class and what it lacks."""
    with pytest.raises(UsageError, match=r"Identity has no method `reference\(inputs\)`"):
        max_error(nn.Identity(), split_of(1.0))


def test_empty_split_is_an_error() -> None:
    """No score is made up for no samples."""
    with pytest.raises(DataError, match="the split holds no samples"):
        max_error(Doubling(), Split(torch.zeros(0, 1), torch.zeros(0, dtype=torch.int64)))


def test_loss_is_the_mean_magnitude_without_gradient() -> None:
    """Twice 1, -2 and 3 has mean magnitude (2 + 4 + 6) / 3; nothing is recorded for a backward pass."""
    (turn,) = learning().turns
    split = split_of(1.0, -2.0, 3.0)
    split.inputs.requires_grad_()

    loss = turn.loss(Doubling(), split.inputs, split.labels)

    assert isinstance(loss, Tensor)
    assert (4.0, (), False, torch.float32) == (loss.item(), tuple(loss.shape), loss.requires_grad, loss.dtype)


def test_inference_is_the_operator() -> None:
    """What is timed as inference is the forward pass."""
    assert torch.equal(torch.tensor([[6.0]]), learning().infer(Doubling(), torch.tensor([[3.0]])))  # type: ignore[arg-type]


def test_evaluating_leaves_modes_and_random_streams_alone() -> None:
    """A model in training mode stays so, and the global stream stands where it stood."""
    model = Doubling().train()
    before = torch.get_rng_state()

    max_error(model, split_of(1.0, 2.0))

    assert model.training
    assert torch.equal(before, torch.get_rng_state())


def test_declares_its_score() -> None:
    """What the source declares is what evaluating yields, and a metric of that name reads it."""
    fields = Catalog().part("tasks", "operator").fields
    scores = learning().evaluate(Doubling(), split_of(1.0, 2.0), 2).values

    assert {"primary": "max_error", "scores": {"max_error": "lower"}} == fields
    assert fields["scores"].keys() == scores.keys()


def test_metric_reads_the_score() -> None:
    """The metric is the score, drawn from the test samples; a run of another task has none."""
    measure = Catalog().load("metrics", "max_error").measure

    assert number(0.5, 3) == measure(Observations(scores={"max_error": 0.5}, test_samples=3))
    assert number(math.inf, 3, "not_finite") == measure(Observations(scores={"max_error": math.inf}, test_samples=3))
    assert null("not_applicable") == measure(Observations(scores={"accuracy": 0.5}, test_samples=3))
