"""Digits: 1,797 handwritten digits of the UCI repository, grey, 8x8; comes with scikit-learn."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from harness.data._base import Dataset, LoadContext, Splits
from harness.data._images import Preparation, Stored

MEAN = 0.3054
"""Of the training split in unit scale."""
STD = 0.3758
SPLIT_SEED = 0
TEST_EVERY = 5


def load(
    context: LoadContext,
    *,
    scale: str = "standard",
    fit: str = "auto",
    train_limit: int | None = None,
    test_limit: int | None = None,
) -> Splits:
    """Return the digits, prepared for the model.

    Args:
        context: the model's shape; nothing is fetched.
        scale: standard, unit or raw (see `_images.prepare`).
        fit: auto, pad, crop or resize (likewise).
        train_limit: take only this many training samples, the first ones of the fixed shuffled order.
        test_limit: likewise of the test samples.

    Raises:
        UsageError: an option that is not allowed.
    """
    preparation = Preparation(context.shape, fit, scale, train_limit, test_limit)
    preparation.check((1, 8, 8), (1437, 360))
    stored = _stored()
    train, test = (Stored(stored.images[chosen], stored.labels[chosen]) for chosen in _split(stored.labels))
    return preparation.splits(train, test, classes=tuple("0123456789"), mean=(MEAN,), std=(STD,))


def _stored() -> Stored:
    from sklearn.datasets import load_digits

    bunch = load_digits()
    sixteenths = bunch.images.astype(np.uint16)[:, np.newaxis]
    return Stored(((sixteenths * 255 + 8) // 16).astype(np.uint8), bunch.target)


def _split(labels: npt.NDArray[np.integer]) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Return which samples are for training and which for testing, the same for every run.

    All are shuffled once; of each class, in that order, every fifth is for testing; both keep the shuffled order, so
    that the first samples of either are a random draw of it. RandomState's streams are frozen (NumPy's NEP 19),
    those of numpy.random.Generator are not.
    """
    order = np.random.RandomState(SPLIT_SEED).permutation(len(labels))
    by_class = order[np.argsort(labels[order], kind="stable")]
    held_out = np.isin(order, by_class[::TEST_EVERY])
    return order[~held_out], order[held_out]


DATASET = Dataset(
    load=load,
    shape=(1, 8, 8),
    classes=10,
    sizes=(1437, 360),
    source="Alpaydin, Kaynak: Optical Recognition of Handwritten Digits (1998), UCI repository, its test part",
    licence="CC BY 4.0",
    preload=("sklearn.datasets",),
)
