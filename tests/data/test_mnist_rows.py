"""MNIST rows: MNIST as sequences, read from MNIST's own folder of the cache."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest
import torch

from harness.data import LoadContext, mnist, mnist_rows
from harness.data._base import Split, Splits
from harness.data._images import Preparation
from harness.data._rows import as_rows
from harness.data.mnist import SOURCE
from harness.data.mnist_rows import read
from harness.digests import tensors_digest
from harness.errors import DataError, UsageError
from tests.data.mnist_support import SIZES, Place, Serve, Write, real, stand_in

RECORDED = {
    (1000, 500): "5ac20d6812c10e64dbdccc4f58f4660a9c01d0addf75b97cc706d81123e5447b",
    SIZES: "cf6e93fb7d768703d15704aeb88d141f437ba384319b242b0fcafd1ce1840507",
}
"""Samples taken of the real files, or of their stand-ins -> SHA-256 of both splits."""


@pytest.fixture
def place(serve: Serve, idx_bytes: Write, tmp_path: Path) -> Place:
    """The real MNIST and its folder where HARNESS_DATA_DIR holds it, else the stand-in."""
    return real() or stand_in(serve, idx_bytes, tmp_path / "mnist")


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


def test_the_files_give_the_recorded_bytes(place: Place) -> None:
    """Samples are those of `mnist` as sequences of 28 rows, and the recorded ones."""
    source, folder = place
    limits = (1000, 500) if source is SOURCE else SIZES
    wanted = Preparation(source.shape, "auto", "standard", *limits)
    images, rows = source.load(folder, wanted), read(folder, source, wanted)

    assert torch.equal(images.train.inputs.squeeze(1), rows.train.inputs)
    assert torch.equal(images.test.labels, rows.test.labels)
    digest = tensors_digest((rows.train.inputs, rows.train.labels, rows.test.inputs, rows.test.labels))
    assert RECORDED[limits] == digest


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
