"""MNIST: 70,000 handwritten digits, grey, 28x28."""

from __future__ import annotations

from harness.data._base import Dataset, LoadContext, Splits
from harness.data._fetch import gzip_content_hash
from harness.data._idx import IdxImages
from harness.data._images import Preparation

SOURCE = IdxImages(
    mirrors=("https://ossci-datasets.s3.amazonaws.com/mnist/", "https://storage.googleapis.com/cvdf-datasets/mnist/"),
    # hashes of the decompressed content: the mirrors pack it differently
    files=(
        (
            "train-images-idx3-ubyte.gz",
            gzip_content_hash("sha256", "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db"),
        ),
        (
            "train-labels-idx1-ubyte.gz",
            gzip_content_hash("sha256", "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5"),
        ),
        (
            "t10k-images-idx3-ubyte.gz",
            gzip_content_hash("sha256", "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7"),
        ),
        (
            "t10k-labels-idx1-ubyte.gz",
            gzip_content_hash("sha256", "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"),
        ),
    ),
    shape=(1, 28, 28),
    sizes=(60000, 10000),
    classes=("0", "1", "2", "3", "4", "5", "6", "7", "8", "9"),
    mean=0.1307,
    std=0.3081,
)


def load(
    context: LoadContext,
    *,
    scale: str = "standard",
    fit: str = "auto",
    train_limit: int | None = None,
    test_limit: int | None = None,
) -> Splits:
    """Return MNIST, prepared for the model.

    Args:
        context: the cache folder and the model's shape.
        scale: standard, unit or raw (see `_images.prepare`).
        fit: auto, pad, crop or resize (likewise).
        train_limit: take only this many training samples, the first ones.
        test_limit: likewise of the test samples. The first 5,000 are easier than the rest: they come from the cleaner of
            the two sources.

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
    source="LeCun, Cortes, Burges: The MNIST database of handwritten digits (1998)",
    licence="CC BY-SA 3.0",
    download=True,
)
