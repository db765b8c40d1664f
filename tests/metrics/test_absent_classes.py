"""What scores say of rare and absent classes: as small, imbalanced or cut test splits give them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from harness.data import LoadContext, Splits, adding, digit_rows
from harness.observations import Observations, Value
from harness.tasks.classification import TASK

Measure = Callable[[str, Observations], Value]
About = Callable[[float, int], Value]
CONTEXT = LoadContext(Path("/nonexistent/data"), None, Path("/nonexistent"))


class Always(nn.Module):
    """A model with an output for each class of a data set, which answers the same class to everything."""

    def __init__(self, classes: int, answer: int) -> None:
        super().__init__()
        self.logits = nn.functional.one_hot(torch.tensor(answer), classes).float()

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        return self.logits.expand(len(inputs), -1)


def evaluated(splits: Splits, answer: int) -> Observations:
    """What a run observes of a model that always answers one class."""
    scores = TASK.start(splits).evaluate(Always(len(splits.classes), answer), splits.test, 64)
    assert scores.labels is not None
    assert scores.predictions is not None
    values = dict(scores.values)
    return Observations(scores=values, test_samples=len(splits.test), labels=scores.labels, predictions=scores.predictions)


def seen(labels: list[int], predictions: list[int]) -> Observations:
    """A run's test split and predictions."""
    return Observations(labels=np.array(labels), predictions=np.array(predictions))


def test_a_class_neither_true_nor_predicted_does_not_count(measure: Measure, about: About) -> None:
    """Classes 0 and 2 of any number of classes: the mean is over these two, right in 2 of 2 and in 1 of 2 samples."""
    observations = seen([0, 0, 2, 2], [0, 0, 2, 0])

    assert about((2 / 2 + 1 / 2) / 2, 4) == measure("macro_recall", observations)
    assert about((2 / 3 + 1 / 1) / 2, 4) == measure("macro_precision", observations)
    assert about((4 / 5 + 2 / 3) / 2, 4) == measure("macro_f1", observations)


def test_an_absent_class_that_is_predicted_counts_as_zero(measure: Measure, about: About) -> None:
    """One wrong answer of a class without samples costs its whole share of the macro scores, and one sample's accuracy."""
    right, wrong = seen([0, 0, 1, 1], [0, 0, 1, 1]), seen([0, 0, 1, 1], [0, 0, 1, 2])

    assert [about(1, 4)] * 3 == [measure(name, right) for name in ("accuracy", "macro_recall", "macro_f1")]
    assert about(3 / 4, 4) == measure("accuracy", wrong)
    assert about((1 + 1 / 2 + 0) / 3, 4) == measure("macro_recall", wrong)
    assert about((1 + 1 + 0) / 3, 4) == measure("macro_precision", wrong)
    assert about((1 + 2 / 3 + 0) / 3, 4) == measure("macro_f1", wrong)


@pytest.mark.parametrize("name", ["accuracy", "macro_precision", "macro_recall", "macro_f1"])
def test_a_split_of_one_class_has_scores(name: str, measure: Measure, about: About) -> None:
    """All samples of one class, all right: 1; all answered with another: 0. Neither is an error or a warning."""
    assert about(1, 3) == measure(name, seen([4, 4, 4], [4, 4, 4]))
    assert about(0, 3) == measure(name, seen([4, 4, 4], [5, 5, 5]))


def test_the_majority_class_alone_has_the_macro_scores_of_chance(measure: Measure, about: About) -> None:
    """On the imbalanced sums of two numbers, answering the most frequent one has its share as accuracy, 1/9 as recall."""
    splits = adding.load(CONTEXT)
    counts = torch.bincount(splits.test.labels, minlength=9)
    observations = evaluated(splits, answer=4)

    assert 0 < counts.min() < counts[4] / 3
    assert about(counts[4].item() / 500, 500) == measure("accuracy", observations)
    assert about(1 / 9, 500) == measure("macro_recall", observations)
    assert about(counts[4].item() / 500 / 9, 500) == measure("macro_precision", observations)


def test_a_limit_that_leaves_classes_out_changes_what_macro_scores_average(measure: Measure, about: About) -> None:
    """Three test samples show three of ten classes; the other seven do not count, unless they are answered."""
    splits = digit_rows.load(CONTEXT, test_limit=3)
    there = splits.test.labels.unique().tolist()
    absent = next(label for label in range(10) if label not in there)

    assert (10, 3) == (len(splits.classes), len(there))
    assert about(1 / 3, 3) == measure("macro_recall", evaluated(splits, there[0]))
    assert about(0, 3) == measure("macro_recall", evaluated(splits, absent))


def test_the_loss_of_an_absent_class_is_defined(measure: Measure, about: About) -> None:
    """A model keeps an output for a class without samples, so that its loss is finite: ln(9 + e) for logits 1 and 0."""
    splits = digit_rows.load(CONTEXT, test_limit=3)
    absent = next(label for label in range(10) if label not in splits.test.labels.tolist())

    assert about(float(np.log(9 + np.e)), 3) == measure("test_loss", evaluated(splits, absent))
