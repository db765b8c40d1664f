"""Fashion-MNIST: 70,000 photographs of clothing, grey, 28x28."""

from __future__ import annotations

from harness.data._base import Dataset, LoadContext, Splits
from harness.data._fetch import gzip_file_hash
from harness.data._idx import IdxImages
from harness.data._images import Preparation

SOURCE = IdxImages(
    mirrors=(
        "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
        "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
    ),
    files=(
        ("train-images-idx3-ubyte.gz", gzip_file_hash("md5", "8d4fb7e6c68d591d4c3dfef9ec88bf0d")),
        ("train-labels-idx1-ubyte.gz", gzip_file_hash("md5", "25c81989df183df01b3e8a0aad5dffbe")),
        ("t10k-images-idx3-ubyte.gz", gzip_file_hash("md5", "bef4ecab320f06d8554ea6380940ec79")),
        ("t10k-labels-idx1-ubyte.gz", gzip_file_hash("md5", "bb300cfdad3c16e7a12a480ee83cd310")),
    ),
    shape=(1, 28, 28),
    sizes=(60000, 10000),
    classes=("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
    mean=0.2860,
    std=0.3530,
)


def load(
    context: LoadContext,
    *,
    scale: str = "standard",
    fit: str = "auto",
    train_limit: int | None = None,
    test_limit: int | None = None,
) -> Splits:
    """Return Fashion-MNIST, prepared for the model.

    Args:
        context: the cache folder and the model's shape.
        scale: standard, unit or raw (see `_images.prepare`).
        fit: auto, pad, crop or resize (likewise).
        train_limit: take only this many training samples, the first ones.
        test_limit: likewise of the test samples.

    Raises:
        UsageError: an option that is not allowed.
        DataError: a file cannot be fetched or is not the expected one.
    """
    return SOURCE.load(context.folder, Preparation(context.shape, fit, scale, train_limit, test_limit))


DATASET = Dataset(
    load=load,
    shape=(1, 28, 28),
    classes=10,
    sizes=(60000, 10000),
    source="Xiao, Rasul, Vollgraf: Fashion-MNIST (2017), arXiv 1708.07747",
    licence="MIT",
    download=True,
)
