"""Adding: the class is the sum of the two marked numbers."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from harness.data import LoadContext, Split, Splits
from harness.data.adding import load

CONTEXT = LoadContext(Path("/nonexistent/data"), None, Path("/nonexistent"))


@pytest.fixture(scope="module")
def splits() -> Splits:
    """A larger data set with the default task, of 5 levels, over 20 steps."""
    return load(CONTEXT, train_samples=20_000, length=20)


def added(split: Split, levels: int) -> list[int]:
    """Add the marked numbers of each sample, one by one."""
    return [sum(round(number * (levels - 1)) for number, marker in sample if marker == 1) for sample in split.inputs.tolist()]


@pytest.mark.parametrize(("levels", "length"), [(5, 20), (2, 2), (3, 7), (100, 30)])
def test_the_class_is_the_sum_of_the_marked_numbers(levels: int, length: int) -> None:
    """Adding up the two marked numbers gives every label; the best possible accuracy is therefore 1."""
    splits = load(CONTEXT, train_samples=60, test_samples=30, levels=levels, length=length)

    for split in (splits.train, splits.test):
        assert split.labels.tolist() == added(split, levels)
        assert (length, 2) == tuple(split.inputs.shape[1:])
    assert tuple(map(str, range(2 * levels - 1))) == splits.classes


def test_one_marker_is_in_each_half(splits: Splits) -> None:
    """The marker is 1 at one step of the first half and at one of the second, each step equally often, and else 0."""
    markers = splits.train.inputs[:, :, 1]

    assert [0, 1] == markers.unique().tolist()
    assert {1} == set(markers[:, :10].sum(dim=1).tolist()) == set(markers[:, 10:].sum(dim=1).tolist())
    assert (markers.sum(dim=0) - 2000).abs().max() <= 5 * (20_000 * 0.1 * 0.9) ** 0.5


def test_numbers_are_uniform_on_their_levels(splits: Splits) -> None:
    """Five levels from 0 to 1, each a fifth of all numbers."""
    levels, counts = splits.train.inputs[:, :, 0].unique(return_counts=True)

    assert [0, 0.25, 0.5, 0.75, 1] == levels.tolist()
    assert (counts - 80_000).abs().max() <= 5 * (400_000 * 0.2 * 0.8) ** 0.5


def test_classes_have_the_documented_shares(splits: Splits) -> None:
    """Sum s of 5 levels has share (5 - |s - 4|) / 25; the middle one, 1/5, is the chance level."""
    shares = torch.bincount(splits.train.labels, minlength=9) / 20_000

    for total, share in enumerate(shares.tolist()):
        expected = sum(first + second == total for first in range(5) for second in range(5)) / 25
        assert expected == (5 - abs(total - 4)) / 25
        assert abs(share - expected) <= 5 * (expected * (1 - expected) / 20_000) ** 0.5


def test_one_marked_number_alone_is_worth_nothing(splits: Splits) -> None:
    """The best guess of the sum from the first marked number alone is right one time in five, as without it."""
    inputs, labels = splits.train.inputs, splits.train.labels
    first = (inputs[:, :10, 0] * inputs[:, :10, 1]).sum(dim=1).mul(4).round().long()
    best = torch.bincount(first * 9 + labels, minlength=45).view(5, 9).amax(dim=1).sum().item() / 20_000

    assert 0.2 <= best <= 0.22


def test_a_rare_class_may_be_absent() -> None:
    """Labels are drawn: ten samples hold few of the nine classes, all of which stay."""
    splits = load(CONTEXT, train_samples=10, test_samples=10)

    assert len(splits.train.labels.unique()) < 9 == len(splits.classes)
