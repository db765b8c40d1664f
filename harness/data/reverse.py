"""Reverse: strings of symbols whose translation is the same string read backwards; made up, to see a translator learn."""

from __future__ import annotations

from string import ascii_lowercase

import numpy as np

from harness.data._base import Dataset, LoadContext, Split, Splits
from harness.data._option_checks import check_limit
from harness.data._pairs import pair_split
from harness.errors import UsageError
from harness.options import check_count
from harness.vocabulary import SPECIAL, Vocabulary

SIZES = (4000, 500)
"""Strings in the training and the test split."""
SEED = 0
LONGEST = 60


def load(
    context: LoadContext,
    *,
    symbols: int = 12,
    shortest: int = 4,
    length: int = 8,
    train_limit: int | None = None,
    test_limit: int | None = None,
) -> Splits:
    """Return the strings, every one different, so that none of the test split was trained on.

    A string's length is drawn first, each as likely as another, then its symbols; strings drawn before are passed over,
    so that short ones are rarer where there are few.

    Args:
        context: nothing of it is used.
        symbols: how many there are, 2 to 26: letters.
        shortest: symbols of the shortest strings.
        length: of the longest.
        train_limit: take only this many training strings, the first ones; the test split stays.
        test_limit: likewise of the test split.

    Raises:
        UsageError: an option that is not allowed, or too few different strings.
    """
    _check(symbols, shortest, length)
    check_limit("train_limit", train_limit, SIZES[0])
    check_limit("test_limit", test_limit, SIZES[1])
    strings = _strings(symbols, shortest, length)
    vocabulary = Vocabulary((*SPECIAL, *ascii_lowercase[:symbols]))

    def split(chosen: list[tuple[int, ...]]) -> Split:
        backwards = [string[::-1] for string in chosen]
        texts = [vocabulary.decode(string) for string in chosen], [vocabulary.decode(string) for string in backwards]
        return pair_split(chosen, backwards, texts, length)

    train, test = strings[: SIZES[0]], strings[SIZES[0] :]
    return Splits(split(train[:train_limit]), split(test[:test_limit]), vocabularies=(vocabulary, vocabulary))


def _strings(symbols: int, shortest: int, length: int) -> list[tuple[int, ...]]:
    """Return different strings of ids, in the order drawn. RandomState's streams are frozen (NumPy's NEP 19)."""
    random = np.random.RandomState(SEED)
    found: dict[tuple[int, ...], None] = {}
    while len(found) < sum(SIZES):
        lengths = random.randint(shortest, length + 1, size=sum(SIZES)).tolist()
        drawn = random.randint(len(SPECIAL), len(SPECIAL) + symbols, size=(sum(SIZES), length)).tolist()
        found |= dict.fromkeys(tuple(ids[:own]) for ids, own in zip(drawn, lengths, strict=True))
    return list(found)[: sum(SIZES)]


def _check(symbols: int, shortest: int, length: int) -> None:
    check_count("symbols", symbols, 2, len(ascii_lowercase))
    check_count("shortest", shortest, 1, LONGEST)
    check_count("length", length, shortest, LONGEST)
    # of fewer than twice as many, drawing would pass over most
    if sum(symbols**own for own in range(shortest, length + 1)) < 2 * sum(SIZES):
        raise UsageError(
            f"options symbols = {symbols}, length = {length}: too few different strings for {sum(SIZES)} samples; "
            "raise one of them"
        )


DATASET = Dataset(
    load=load,
    sizes=(4000, 500),
    source="generated: letters drawn by a fixed seed, and the same backwards",
    licence="none needed",
    synthetic=True,
)
