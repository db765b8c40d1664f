"""Recall: the first symbol is the class, and nothing else is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from harness.data import LoadContext, Splits
from harness.data.recall import load

CONTEXT = LoadContext(Path("/nonexistent/data"), None, Path("/nonexistent"))
DEVIATIONS = 5
"""Standard deviations that a share may be off."""


@pytest.fixture(scope="module")
def splits() -> Splits:
    """The data set with default options."""
    return load(CONTEXT)


def test_the_first_symbol_is_the_class(splits: Splits) -> None:
    """Symbol k is id 4 + k; the best possible accuracy is therefore 1."""
    for split in (splits.train, splits.test):
        assert torch.equal(split.inputs[:, 0] - 4, split.labels)
        assert ["s0", "s9"] == [splits.classes[0], splits.vocabularies[0].words[13]]


def test_later_symbols_are_uniform_and_tell_nothing(splits: Splits) -> None:
    """At every later step each symbol follows each class equally often, to within chance."""
    inputs, labels = splits.train.inputs - 4, splits.train.labels
    expected = len(labels) / 100
    for step in range(1, 10):
        together = torch.bincount(labels * 10 + inputs[:, step], minlength=100)
        assert 100 == len(together)
        assert (together - expected).abs().max() <= DEVIATIONS * expected**0.5


@pytest.mark.parametrize(
    ("options", "shape", "dtype"),
    [
        ({}, (10,), torch.int64),
        ({"length": 30, "classes": 3}, (30,), torch.int64),
        ({"encoding": "onehot"}, (10, 100), torch.float32),
        ({"encoding": "onehot", "vocabulary": 14}, (10, 14), torch.float32),
    ],
)
def test_options_set_the_shape(options: dict[str, Any], shape: tuple[int, ...], dtype: torch.dtype) -> None:
    """Ids or one-hot, of the length and with the vocabulary asked for."""
    splits = load(CONTEXT, train_samples=20, test_samples=10, **options)

    assert (20, *shape) == tuple(splits.train.inputs.shape)
    assert (10, *shape) == tuple(splits.test.inputs.shape)
    assert dtype == splits.train.inputs.dtype == splits.test.inputs.dtype


def test_onehot_holds_the_same_sequences(splits: Splits) -> None:
    """The encoding changes how a symbol is written, not which one it is; one-hot has no ids and so no vocabulary."""
    onehot = load(CONTEXT, encoding="onehot")

    assert torch.equal(splits.train.inputs, onehot.train.inputs.argmax(dim=2))
    assert torch.equal(onehot.train.inputs.sum(dim=2), torch.ones(2000, 10))
    assert [100] == [len(vocabulary) for vocabulary in splits.vocabularies]
    assert () == onehot.vocabularies
