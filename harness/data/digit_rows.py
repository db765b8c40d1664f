"""Digit rows: scikit-learn's 1,797 handwritten digits, enlarged to 28x28, as sequences of 28 rows of 28 numbers.

The images, their split and their scale are those of the data set `digits`; a step is one row, from the top.
"""

from __future__ import annotations

from dataclasses import replace

from harness.data import digits
from harness.data._base import Dataset, LoadContext, Splits
from harness.data._rows import as_rows

SIDE = 28


def load(
    context: LoadContext,
    *,
    scale: str = "standard",
    train_limit: int | None = None,
    test_limit: int | None = None,
) -> Splits:
    """Return the digits, [28 rows, 28 numbers] float32.

    Args:
        context: nothing is fetched.
        scale: standard, unit or raw (see `_images.prepare`).
        train_limit: take only this many training samples, the first ones of the fixed shuffled order. A small number may
            leave a class without samples; it stays among the data set's classes.
        test_limit: likewise of the test samples.

    Raises:
        UsageError: an option that is not allowed.
    """
    enlarged = replace(context, shape=(1, SIDE, SIDE))
    return as_rows(digits.load(enlarged, scale=scale, fit="resize", train_limit=train_limit, test_limit=test_limit))


DATASET = Dataset(
    load=load,
    shape=(28, 28),
    classes=10,
    sizes=(1437, 360),
    source="Alpaydin, Kaynak: Optical Recognition of Handwritten Digits (1998), UCI repository, its test part",
    licence="CC BY 4.0",
    preload=("sklearn.datasets",),
)
