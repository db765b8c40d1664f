"""Reverse: every target is its source backwards, no string twice, the same bytes everywhere."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.data import LoadContext, Splits
from harness.data.reverse import DATASET, load
from harness.digests import tensors_digest
from harness.errors import UsageError
from harness.vocabulary import END, PAD, SPECIAL, START

DIGEST = "3336c3b31fb2ed59d2eef24639414830f006d294dfa836e38586bcc709ed81c6"
"""SHA-256 of both splits with default options."""


def loaded(**options: Any) -> Splits:
    """Load from folders that do not exist: nothing may be fetched."""
    return load(LoadContext(Path("/nonexistent"), None, Path("/nonexistent")), **options)


def digest(splits: Splits) -> str:
    """One digest of every tensor."""
    return tensors_digest((splits.train.inputs, splits.train.labels, splits.test.inputs, splits.test.labels))


def strings(splits: Splits) -> list[tuple[int, ...]]:
    """Every source, training split first, without marks."""
    rows = splits.train.inputs.tolist() + splits.test.inputs.tolist()
    return [tuple(number for number in row if number not in (PAD, END)) for row in rows]


def test_the_bytes_are_the_recorded_ones() -> None:
    """The data set is the same on every machine, in every release, whatever the global streams."""
    np.random.seed(1)
    assert DIGEST == digest(loaded())
    untouched = np.random.random()
    np.random.seed(1)
    assert np.random.random() == untouched


def test_targets_are_the_sources_backwards() -> None:
    """START, the source's symbols from the last to the first, END, and nothing but PAD after it; the texts say the same."""
    splits = loaded(train_limit=300)
    assert DATASET.sizes == (4000, len(splits.test))
    for split in (splits.train, splits.test):
        rows = zip(
            split.inputs.tolist(), split.labels.tolist(), split.columns["source"], split.columns["reference"], strict=True
        )
        for source, target, text, reference in rows:
            own = source.index(END)
            assert [PAD] * (8 - own) == source[own + 1 :]
            assert [START, *source[:own][::-1], END, *[PAD] * (8 - own)] == target
            assert text.split()[::-1] == reference.split()
            assert [splits.vocabularies[1].ids[word] for word in reference.split()] == target[1 : own + 1]


def test_no_string_stands_twice() -> None:
    """A test string was never trained on."""
    found = strings(loaded(symbols=6, length=6))

    assert 4500 == len(found) == len(set(found))


def test_lengths_and_symbols_are_about_evenly_spread() -> None:
    """Each length from 4 to 8 makes up 17 to 23 % of the strings, each of the twelve letters 7.8 to 8.9 % of the symbols."""
    found = strings(loaded())
    lengths = np.bincount([len(string) for string in found]) / len(found)
    symbols = np.bincount([number for string in found for number in string])[len(SPECIAL) :]

    assert (0,) * 4 == tuple(lengths[:4])
    assert 0.17 <= lengths[4:].min() <= lengths[4:].max() <= 0.23
    assert 12 == len(symbols)
    assert 0.078 <= (symbols / symbols.sum()).min() <= (symbols / symbols.sum()).max() <= 0.089


def test_limits_give_prefixes() -> None:
    """Limited splits are the first samples of the whole, and a limit on one leaves the other as it is."""
    whole, part = loaded(), loaded(train_limit=7, test_limit=5)

    assert (whole.train.labels[:7] == part.train.labels).all()
    assert (whole.test.inputs[:5] == part.test.inputs).all()
    assert (7, 5) == (len(part.train.columns["reference"]), len(part.test))


def test_options_change_what_is_drawn() -> None:
    """So many letters in the vocabulary, strings so long."""
    splits = loaded(symbols=26, shortest=10, length=12, train_limit=50)

    assert (30, 30) == tuple(map(len, splits.vocabularies))
    assert {10, 11, 12} == set(map(len, strings(splits)))
    assert (13, 14) == (splits.train.inputs.shape[1], splits.train.labels.shape[1])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"symbols": 27}, "option symbols = 27: not a whole number in reach; allowed: 2 to 26"),
        ({"length": 3}, "option length = 3: not a whole number in reach; allowed: 4 to 60"),
        ({"shortest": 0}, "option shortest = 0"),
        ({"symbols": 2}, "options symbols = 2, length = 8: too few different strings for 4500 samples"),
        ({"train_limit": 4001}, "option train_limit = 4001"),
    ],
)
def test_wrong_options_are_refused(options: dict[str, int], message: str) -> None:
    """An option that is not allowed is a usage error that says what is."""
    with pytest.raises(UsageError) as refused:
        loaded(**options)
    assert message in str(refused.value)
