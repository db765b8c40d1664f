"""CIFAR-10: 60,000 photographs of ten kinds of thing, colour, 32x32; the canonical binary version."""

from __future__ import annotations

import io
import tarfile
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from harness.data._base import Dataset, LoadContext, Splits
from harness.data._fetch import Verify, fetch, file_hash
from harness.data._images import Preparation, Stored
from harness.errors import DataError

ARCHIVE = "cifar-10-binary.tar.gz"
URLS = (f"https://www.cs.toronto.edu/~kriz/{ARCHIVE}",)
VERIFY = file_hash("md5", "c32a1d4ab5d03f1284b67883e8d87530")
TRAIN_FILES = tuple(f"cifar-10-batches-bin/data_batch_{number}.bin" for number in range(1, 6))
TEST_FILES = ("cifar-10-batches-bin/test_batch.bin",)
RECORD_BYTES = 1 + 3 * 32 * 32
"""A label, then the red, green and blue planes, each row by row."""
CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
MEAN = (0.4914, 0.4822, 0.4465)
STD = (0.2470, 0.2435, 0.2616)


def load(
    context: LoadContext,
    *,
    scale: str = "standard",
    fit: str = "auto",
    train_limit: int | None = None,
    test_limit: int | None = None,
) -> Splits:
    """Return CIFAR-10, prepared for the model.

    Args:
        context: the cache folder and the model's shape.
        scale: standard, unit or raw (see `_images.prepare`).
        fit: auto, pad, crop or resize (likewise).
        train_limit: take only this many training samples, the first ones.
        test_limit: likewise of the test samples.

    Raises:
        UsageError: an option that is not allowed.
        DataError: the archive cannot be fetched or is not the expected one.
    """
    preparation = Preparation(context.shape, fit, scale, train_limit, test_limit)
    preparation.check((3, 32, 32), (50000, 10000))
    train, test = read(context.folder, URLS, VERIFY)
    return preparation.splits(train, test, classes=CLASSES, mean=MEAN, std=STD)


def read(folder: Path, urls: Sequence[str], verify: Verify) -> tuple[Stored, Stored]:
    """Return the training and the test split of the archive in `folder`, fetching it first where it is absent.

    Raises:
        DataError: it cannot be fetched, is not the expected one, or is no such archive.
    """
    file = fetch(folder, ARCHIVE, urls, verify)
    where = str(folder / ARCHIVE)
    members = _members(file, where)
    train, test = (b"".join(_member(members, name, where) for name in names) for names in (TRAIN_FILES, TEST_FILES))
    return _records(train), _records(test)


def _members(file: bytes, where: str) -> dict[str, bytes]:
    """Return the contents of the batches, read in the archive's order so that it is unpacked once."""
    try:
        with tarfile.open(fileobj=io.BytesIO(file), mode="r:gz") as archive:
            wanted = (member for member in archive if member.name in (*TRAIN_FILES, *TEST_FILES))
            return {member.name: content.read() for member in wanted if (content := archive.extractfile(member))}
    except (tarfile.TarError, OSError, EOFError, zlib.error) as error:
        raise DataError(f"{where}: no intact .tar.gz archive: {error}; delete it to fetch it again") from error


def _member(members: dict[str, bytes], name: str, where: str) -> bytes:
    content = members.get(name)
    if not content:
        raise DataError(f"{where}: holds no {name}; delete it to fetch it again")
    if len(content) % RECORD_BYTES:
        raise DataError(
            f"{where}: {name} is {len(content)} bytes long, which is no whole number of {RECORD_BYTES}-byte records"
        )
    if max(content[::RECORD_BYTES]) >= len(CLASSES):
        raise DataError(f"{where}: {name} holds label {max(content[::RECORD_BYTES])}; labels go from 0 to {len(CLASSES) - 1}")
    return content


def _records(content: bytes) -> Stored:
    records = np.frombuffer(content, dtype=np.uint8).reshape(-1, RECORD_BYTES)
    return Stored(records[:, 1:].reshape(-1, 3, 32, 32), records[:, 0])


DATASET = Dataset(
    load=load,
    shape=(3, 32, 32),
    classes=10,
    sizes=(50000, 10000),
    source="Krizhevsky: Learning Multiple Layers of Features from Tiny Images (2009)",
    licence="none stated; see www.cs.toronto.edu/~kriz/cifar.html",
    download=True,
)
