"""MNIST rows: 70,000 handwritten digits as sequences of 28 rows of 28 numbers.

Files, split and scale are those of the data set `mnist`; a step is one row, from the top.
"""

from __future__ import annotations

from pathlib import Path

from harness.data._base import Dataset, LoadContext, Splits
from harness.data._idx import IdxImages
from harness.data._images import Preparation
from harness.data._rows import as_rows
from harness.data.mnist import SOURCE


def load(
    context: LoadContext,
    *,
    scale: str = "standard",
    train_limit: int | None = None,
    test_limit: int | None = None,
) -> Splits:
    """Return MNIST, [28 rows, 28 numbers] float32.

    Args:
        context: the cache folder; the files are those of `mnist`.
        scale: standard, unit or raw (see `_images.prepare`).
        train_limit: take only this many training samples, the first ones. A small number may leave a class without
            samples; it stays among the data set's classes.
        test_limit: likewise of the test samples.

    Raises:
        UsageError: an option that is not allowed.
        DataError: a file cannot be fetched or is not the expected one.
    """
    return read(context.folder, SOURCE, Preparation(SOURCE.shape, "auto", scale, train_limit, test_limit))


def read(folder: Path, source: IdxImages, preparation: Preparation) -> Splits:
    """Return images as rows, from the files in `folder`, fetching them first where they are absent; raises as `load` does."""
    return as_rows(source.load(folder, preparation))


DATASET = Dataset(
    load=load,
    shape=(28, 28),
    classes=10,
    sizes=(60000, 10000),
    source="LeCun, Cortes, Burges: The MNIST database of handwritten digits (1998)",
    licence="CC BY-SA 3.0",
    download=True,
    folder="mnist",
)
