"""Number words: whole numbers in digits, whose translation is their name in English; made up, to see a translator learn."""

from __future__ import annotations

import numpy as np

from harness.data._base import Dataset, LoadContext, Split, Splits
from harness.data._option_checks import check_limit
from harness.data._pairs import pair_split
from harness.vocabulary import SPECIAL, Vocabulary

NUMBERS = 10_000
SIZES = (4000, 500)
"""Numbers in the training and the test split; the others are in neither."""
SEED = 0
LONGEST = 7
"""Words of the longest, such as "three thousand three hundred and thirty three"."""
UNITS = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"),
    *("thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"),
)
TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
DIGITS = Vocabulary((*SPECIAL, *"0123456789"))
WORDS = Vocabulary((*SPECIAL, *UNITS, *TENS, "hundred", "thousand", "and"))


def load(context: LoadContext, *, train_limit: int | None = None, test_limit: int | None = None) -> Splits:
    """Return the numbers from 0 to 9,999 in an order drawn once: the first for training, the next for testing.

    Args:
        context: nothing of it is used.
        train_limit: take only this many training numbers, the first ones; the test split stays.
        test_limit: likewise of the test split.

    Raises:
        UsageError: an option that is not allowed.
    """
    check_limit("train_limit", train_limit, SIZES[0])
    check_limit("test_limit", test_limit, SIZES[1])
    # RandomState's streams are frozen (NumPy's NEP 19)
    order = np.random.RandomState(SEED).permutation(NUMBERS).tolist()
    train, test = order[: SIZES[0]], order[SIZES[0] : sum(SIZES)]
    return Splits(_split(train[:train_limit]), _split(test[:test_limit]), vocabularies=(DIGITS, WORDS))


def in_words(number: int) -> list[str]:
    """Return a number from 0 to 9,999 in words, with the "and" of British English and without hyphens."""
    thousands, rest = divmod(number, 1000)
    hundreds, below = divmod(rest, 100)
    words = [UNITS[thousands], "thousand"] if thousands else []
    words += [UNITS[hundreds], "hundred"] if hundreds else []
    if below or not words:
        words += [*(["and"] if words else []), *_below_hundred(below)]
    return words


def _below_hundred(number: int) -> list[str]:
    if number < len(UNITS):
        return [UNITS[number]]
    tens, units = divmod(number, 10)
    return [TENS[tens - 2], *([UNITS[units]] if units else [])]


def _split(numbers: list[int]) -> Split:
    sources, targets = [list(str(number)) for number in numbers], [in_words(number) for number in numbers]
    texts = [" ".join(words) for words in sources], [" ".join(words) for words in targets]
    return pair_split([DIGITS.encode(words) for words in sources], [WORDS.encode(words) for words in targets], texts, LONGEST)


DATASET = Dataset(
    load=load,
    sizes=(4000, 500),
    source="generated: numbers in an order drawn by a fixed seed, and their names",
    licence="none needed",
    synthetic=True,
)
