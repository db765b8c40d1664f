"""Number words: every target names its source, read back by a grammar of its own; the same bytes everywhere."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from harness.data import LoadContext, Splits
from harness.data.number_words import DATASET, in_words, load
from harness.digests import tensors_digest
from harness.errors import UsageError
from harness.vocabulary import END, PAD, START

DIGEST = "79263d91a21253e93c95076bb39cf92b31dcf0bcd4647bcf6e9117076253cd46"
"""SHA-256 of both splits."""
NAMES = """
zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen
nineteen twenty thirty forty fifty sixty seventy eighty ninety
"""
VALUES = dict(zip(NAMES.split(), [*range(20), *range(20, 100, 10)], strict=True))


def loaded(**options: Any) -> Splits:
    """Load from folders that do not exist: nothing may be fetched."""
    return load(LoadContext(Path("/nonexistent"), None, Path("/nonexistent")), **options)


def digest(splits: Splits) -> str:
    """One digest of every tensor."""
    return tensors_digest((splits.train.inputs, splits.train.labels, splits.test.inputs, splits.test.labels))


def read(words: list[str]) -> int:
    """The number that words name: units add up, "hundred" and "thousand" multiply what stands before them."""
    total = current = 0
    for word in words:
        if word == "thousand":
            total, current = total + current * 1000, 0
        elif word == "hundred":
            total, current = total + current * 100, 0
        elif word != "and":
            current += VALUES[word]
    return total + current


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (0, "zero"),
        (13, "thirteen"),
        (40, "forty"),
        (99, "ninety nine"),
        (100, "one hundred"),
        (207, "two hundred and seven"),
        (1000, "one thousand"),
        (4007, "four thousand and seven"),
        (8010, "eight thousand and ten"),
        (5600, "five thousand six hundred"),
        (3333, "three thousand three hundred and thirty three"),
    ],
)
def test_numbers_in_words(number: int, words: str) -> None:
    """As one says them in British English."""
    assert words.split() == in_words(number)


def test_every_number_can_be_read_back() -> None:
    """No two numbers have the same name, and no name says another number."""
    assert list(range(10_000)) == [read(in_words(number)) for number in range(10_000)]


def test_the_bytes_are_the_recorded_ones() -> None:
    """The data set is the same on every machine and in every release."""
    assert DIGEST == digest(loaded())


def test_ids_and_texts_say_the_same() -> None:
    """Digits and END; START, the words and END; PAD after either; the texts in the columns."""
    splits = loaded()
    digits, words = splits.vocabularies
    for split in (splits.train, splits.test):
        rows = zip(
            split.inputs.tolist(), split.labels.tolist(), split.columns["source"], split.columns["reference"], strict=True
        )
        for source, target, text, reference in rows:
            assert text == digits.decode(source)
            assert reference == words.decode(target)
            assert int(text.replace(" ", "")) == read(reference.split())
            assert [END, *[PAD] * (len(source) - 1 - len(text.split()))] == source[len(text.split()) :]
            assert START == target[0]
            assert END in target


def test_texts_are_as_long_as_the_longest_name() -> None:
    """Seven words at most are the name of a number below 10,000, and the room that texts have is exactly that."""
    splits = loaded()

    assert 7 == max(len(in_words(number)) for number in range(10_000))
    assert (7 + 1, 7 + 2) == (splits.train.inputs.shape[1], splits.train.labels.shape[1])


def test_no_number_stands_twice() -> None:
    """A test number was never trained on; the sizes are the declared ones."""
    splits = loaded()
    numbers = [*splits.train.columns["source"], *splits.test.columns["source"]]

    assert 4500 == len(numbers) == len(set(numbers))
    assert DATASET.sizes == (len(splits.train), len(splits.test))


def test_limits_give_prefixes() -> None:
    """Limited splits are the first samples of the whole; a wrong limit is a usage error."""
    whole, part = loaded(), loaded(train_limit=7, test_limit=5)

    assert (whole.train.labels[:7] == part.train.labels).all()
    assert (whole.test.inputs[:5] == part.test.inputs).all()
    with pytest.raises(UsageError, match="option train_limit = 4001"):
        loaded(train_limit=4001)
