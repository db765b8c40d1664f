"""MNIST rows: MNIST as sequences, read from MNIST's own folder of the cache."""

from __future__ import annotations

import gzip
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import torch

from harness.data import LoadContext, mnist, mnist_rows
from harness.data._base import Split, Splits
from harness.data._rows import as_rows
from harness.data.mnist import SOURCE
from harness.digests import tensors_digest
from harness.errors import DataError, UsageError

Write = Callable[[npt.NDArray[np.uint8]], bytes]
RECORDED = "5ac20d6812c10e64dbdccc4f58f4660a9c01d0addf75b97cc706d81123e5447b"
"""SHA-256 of the real files' first 1,000 training and 500 test samples."""


def cached() -> Path | None:
    """The cache that HARNESS_DATA_DIR names, where it holds MNIST."""
    named = os.environ.get("HARNESS_DATA_DIR")
    there = named and all((Path(named) / "mnist" / name).is_file() for name, _ in SOURCE.files)
    return Path(named).resolve() if named and there else None


def contexts(cache: Path) -> tuple[LoadContext, LoadContext]:
    """Return what the runner tells the two data sets: each its own folder of one cache."""
    return LoadContext(cache / "mnist", (1, 28, 28), cache), LoadContext(cache / str(mnist_rows.DATASET.folder), None, cache)


def test_rows_are_those_of_the_images() -> None:
    """Step t is row t of the image; labels and classes stay."""
    draw = np.random.RandomState(0)
    images = [torch.from_numpy(draw.random_sample((count, 1, 28, 28))).float() for count in (7, 5)]
    labels = [torch.from_numpy(draw.randint(0, 10, count)) for count in (7, 5)]
    train, test = (Split(*pair) for pair in zip(images, labels, strict=True))
    whole = Splits(train, test, SOURCE.classes)

    rows = as_rows(whole)

    for split, own, wanted in zip((rows.train, rows.test), images, labels, strict=True):
        assert [own[:, 0, step].tolist() for step in range(28)] == [split.inputs[:, step].tolist() for step in range(28)]
        assert torch.equal(wanted, split.labels)
    assert whole.classes == rows.classes


def test_the_real_files_give_the_recorded_bytes() -> None:
    """Where the cache holds MNIST, its samples are those of `mnist`, sequences of 28 rows, and the recorded ones."""
    if cache := cached():
        own, ours = contexts(cache)
        images = mnist.load(own, train_limit=1000, test_limit=500)
        rows = mnist_rows.load(ours, train_limit=1000, test_limit=500)

        assert torch.equal(images.train.inputs.squeeze(1), rows.train.inputs)
        assert torch.equal(images.test.labels, rows.test.labels)
        assert RECORDED == tensors_digest((rows.train.inputs, rows.train.labels, rows.test.inputs, rows.test.labels))


def test_the_files_are_those_of_mnist(tmp_path: Path, idx_bytes: Write) -> None:
    """The folder `mnist` is read, so nothing is stored twice: a wrong file there is what is refused."""
    _, ours = contexts(tmp_path)
    (tmp_path / "mnist").mkdir()
    name = SOURCE.files[0][0]
    (tmp_path / "mnist" / name).write_bytes(gzip.compress(idx_bytes(np.zeros((2, 28, 28), dtype=np.uint8))))

    with pytest.raises(DataError, match=rf"mnist/{name}: sha256 of the decompressed content: expected ba891046e6505d7a"):
        mnist_rows.load(ours)


def test_options_are_checked_before_anything_is_fetched(tmp_path: Path) -> None:
    """A wrong option is a usage error at once, without a download and without a cache folder."""
    _, ours = contexts(tmp_path)

    with pytest.raises(UsageError, match="option scale = 'grey'"):
        mnist_rows.load(ours, scale="grey")
    with pytest.raises(UsageError, match="option train_limit = 60001: not a number of samples; allowed: 1 to 60000"):
        mnist_rows.load(ours, train_limit=60001)
    assert list(tmp_path.iterdir()) == []


def test_it_declares_what_mnist_declares() -> None:
    """Source, licence, sizes and classes are the same; only the shape of a sample differs."""
    for field in ("source", "licence", "sizes", "classes", "download", "synthetic"):
        assert getattr(mnist.DATASET, field) == getattr(mnist_rows.DATASET, field)
    assert (28, 28) == mnist_rows.DATASET.shape
