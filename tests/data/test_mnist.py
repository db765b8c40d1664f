"""MNIST: the real files where HARNESS_DATA_DIR holds them, else files of the same format from a server on loopback."""

from __future__ import annotations

import gzip
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from harness.data import LoadContext
from harness.data._images import Preparation
from harness.data.mnist import DATASET, SOURCE, load
from harness.errors import DataError, UsageError
from tests.data.mnist_support import Place, Serve, Write, real, stand_in, stand_ins

STANDARD = Preparation(None, "auto", "standard")


@pytest.fixture
def made(serve: Serve, idx_bytes: Write, tmp_path: Path) -> Place:
    """MNIST's stand-in and an empty cache."""
    return stand_in(serve, idx_bytes, tmp_path / "mnist")


@pytest.fixture
def place(request: pytest.FixtureRequest) -> Place:
    """The real MNIST and its folder where HARNESS_DATA_DIR holds it, else the stand-in."""
    made: Place = real() or request.getfixturevalue("made")
    return made


def test_sizes_shapes_and_types(place: Place) -> None:
    """Both splits have their declared sizes, 1x28x28 float32 images and int64 labels."""
    source, folder = place
    splits = source.load(folder, STANDARD)

    assert source.sizes == (len(splits.train), len(splits.test))
    assert DATASET.shape == tuple(splits.train.inputs.shape[1:]) == tuple(splits.test.inputs.shape[1:])
    assert splits.train.inputs.dtype == splits.test.inputs.dtype == torch.float32
    assert splits.train.labels.dtype == splits.test.labels.dtype == torch.int64
    assert splits.classes == tuple("0123456789")


def test_standard_scale_standardises(place: Place) -> None:
    """The documented constants give the training pixels mean 0 and deviation 1."""
    source, folder = place
    inputs = source.load(folder, STANDARD).train.inputs

    assert inputs.mean(dtype=torch.float64).item() == pytest.approx(0, abs=2e-3)
    assert inputs.std().item() == pytest.approx(1, abs=2e-3)


def test_classes_are_balanced(place: Place) -> None:
    """Each digit makes up 8 to 12 % of either split."""
    source, folder = place
    splits = source.load(folder, STANDARD)

    for split in (splits.train, splits.test):
        shares = torch.bincount(split.labels, minlength=10) / len(split)
        assert (10,) == tuple(shares.shape)
        assert 0.08 <= shares.min() <= shares.max() <= 0.12


def test_two_loads_give_the_same_bytes(place: Place) -> None:
    """Nothing but the options decides the data; the second load comes from the cache."""
    source, folder = place
    wanted = Preparation((3, 32, 32), "auto", "standard", 100, 50)
    first, second = (source.load(folder, wanted) for _ in range(2))

    assert torch.equal(first.train.inputs, second.train.inputs)
    assert torch.equal(first.test.inputs, second.test.inputs)
    assert torch.equal(first.train.labels, second.train.labels)


def test_a_limit_gives_a_prefix(place: Place) -> None:
    """Limited splits are the first samples in the published order."""
    source, folder = place
    whole = source.load(folder, STANDARD)
    part = source.load(folder, replace(STANDARD, train_limit=7, test_limit=5))

    assert torch.equal(whole.train.inputs[:7], part.train.inputs)
    assert torch.equal(whole.test.labels[:5], part.test.labels)


def test_padding_to_32_keeps_the_digits_whole(place: Place) -> None:
    """The 32x32 that LeNet takes is the 28x28 image within a border of background."""
    source, folder = place
    own, padded = (
        source.load(folder, replace(STANDARD, shape=shape, test_limit=9)).test.inputs for shape in (None, (1, 32, 32))
    )

    assert torch.equal(own, padded[:, :, 2:30, 2:30])
    assert padded[:, :, :2].unique().tolist() == [own.min().item()]


def test_images_and_labels_belong_together(made: Place, idx_bytes: Write) -> None:
    """What is loaded equals what was written, in order: raw pixels and labels of both splits."""
    source, folder = made
    splits = source.load(folder, replace(STANDARD, scale="raw"))
    contents = stand_ins(idx_bytes)

    for name, split in (("train", splits.train), ("t10k", splits.test)):
        images, labels = contents[f"{name}-images-idx3-ubyte.gz"], contents[f"{name}-labels-idx1-ubyte.gz"]
        assert images[16:] == split.inputs.numpy().astype(np.uint8).tobytes()
        assert labels[8:] == split.labels.numpy().astype(np.uint8).tobytes()


def test_the_cache_holds_the_published_names(made: Place, requested: list[str]) -> None:
    """All four files lie in the data set's folder under their own names and are fetched once."""
    source, folder = made
    for _ in range(2):
        source.load(folder, STANDARD)

    names = sorted(name for name, _ in SOURCE.files)
    assert names == sorted(path.name for path in folder.glob("*.gz"))
    assert names == sorted(path.lstrip("/") for path in requested)


def test_a_copy_packed_again_passes(made: Place, idx_bytes: Write, requested: list[str]) -> None:
    """The hash is of the content, so a cache packed by other means is as good."""
    source, folder = made
    folder.mkdir()
    for name, content in stand_ins(idx_bytes).items():
        (folder / name).write_bytes(gzip.compress(content, 9))

    assert len(source.load(folder, STANDARD).train) == 600
    assert requested == []


def test_mnists_own_check_refuses_another_file(tmp_path: Path, idx_bytes: Write) -> None:
    """A well-formed file that is not MNIST's is refused with the expected hash, and nothing is fetched."""
    name = "train-images-idx3-ubyte.gz"
    (tmp_path / name).write_bytes(gzip.compress(stand_ins(idx_bytes)[name]))

    with pytest.raises(DataError, match=rf"{name}: sha256 of the decompressed content: expected ba891046e6505d7a"):
        load(LoadContext(tmp_path, None, tmp_path))


def test_options_are_checked_before_anything_is_fetched(tmp_path: Path) -> None:
    """A wrong option is a usage error at once, without a download and without a cache folder."""
    context = LoadContext(tmp_path / "mnist", None, tmp_path)

    with pytest.raises(UsageError, match="option fit = 'stretch'"):
        load(context, fit="stretch")
    with pytest.raises(UsageError, match="option train_limit = 60001: not a number of samples; allowed: 1 to 60000"):
        load(context, train_limit=60001)
    assert list(tmp_path.iterdir()) == []
