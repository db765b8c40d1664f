"""CIFAR-10, on a small archive of its format."""

from __future__ import annotations

import hashlib
import io
import tarfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from harness.data import LoadContext
from harness.data._fetch import file_hash
from harness.data._images import Pixels, Preparation, Stored
from harness.data.cifar10 import ARCHIVE, CLASSES, DATASET, MEAN, STD, TEST_FILES, TRAIN_FILES, load, read
from harness.errors import DataError, UsageError

Serve = Callable[[dict[str, bytes]], str]

PER_FILE = 4


def images(count: int) -> Pixels:
    """Return random images, [N, 3, 32, 32]."""
    return np.random.RandomState(0).randint(0, 256, (count, 3, 32, 32)).astype(np.uint8)


def batches() -> dict[str, bytes]:
    """Return the six batches: labels count up through the files, images are `images(24)` in order."""
    names = (*TRAIN_FILES, *TEST_FILES)
    records = [bytes([index % 10]) + image.tobytes() for index, image in enumerate(images(PER_FILE * len(names)))]
    return {name: b"".join(records[PER_FILE * place : PER_FILE * (place + 1)]) for place, name in enumerate(names)}


def pack(members: dict[str, bytes]) -> bytes:
    """Return a .tar.gz archive that also holds a member that is no batch."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for name, content in {**members, "cifar-10-batches-bin/readme.html": b"<html>"}.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return packed.getvalue()


def read_archive(archive: bytes, folder: Path) -> tuple[Stored, Stored]:
    """Read an archive placed in the cache, behind the check of its own hash."""
    (folder / ARCHIVE).write_bytes(archive)
    return read(folder, [], file_hash("md5", hashlib.md5(archive, usedforsecurity=False).hexdigest()))


def test_records_become_images_and_labels(tmp_path: Path) -> None:
    """A record is a label and three planes; training batches come in their numbers' order, whatever the archive's."""
    train, test = read_archive(pack(dict(reversed(batches().items()))), tmp_path)

    assert np.array_equal(images(24)[:20], train.images)
    assert np.array_equal(images(24)[20:], test.images)
    assert train.labels.tolist() == [*range(10)] * 2
    assert test.labels.tolist() == [0, 1, 2, 3]


def test_the_archive_is_downloaded_and_not_unpacked(tmp_path: Path, serve: Serve) -> None:
    """The cache holds the archive alone."""
    archive = pack(batches())
    verify = file_hash("md5", hashlib.md5(archive, usedforsecurity=False).hexdigest())

    train, _ = read(tmp_path, [serve({ARCHIVE: archive}) + ARCHIVE], verify)

    assert len(train.labels) == 20
    assert {ARCHIVE} == {path.name for path in tmp_path.iterdir() if path.suffix != ".lock"}


def test_batches_serve_a_grey_model(tmp_path: Path) -> None:
    """Read splits are prepared like any others: 32x32 colour becomes 1x28x28 float32."""
    train, test = read_archive(pack(batches()), tmp_path)

    splits = Preparation((1, 28, 28), "auto", "standard").splits(train, test, classes=CLASSES, mean=MEAN, std=STD)

    assert (20, 1, 28, 28) == tuple(splits.train.inputs.shape)
    assert torch.float32 == splits.train.inputs.dtype
    assert DATASET.classes == len(splits.classes) == 10


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({TEST_FILES[0]: b""}, f"holds no {TEST_FILES[0]}; delete it to fetch it again"),
        (
            {TRAIN_FILES[2]: b"\0" * 3074},
            f"{TRAIN_FILES[2]} is 3074 bytes long, which is no whole number of 3073-byte records",
        ),
        ({TRAIN_FILES[0]: b"\x0a" + b"\0" * 3072}, f"{TRAIN_FILES[0]} holds label 10; labels go from 0 to 9"),
    ],
    ids=["absent", "length", "label"],
)
def test_a_wrong_batch_is_refused(change: dict[str, bytes], message: str, tmp_path: Path) -> None:
    """A batch that is absent, cut or out of range is an error that names archive and batch."""
    members = {name: content for name, content in {**batches(), **change}.items() if content}

    with pytest.raises(DataError) as caught:
        read_archive(pack(members), tmp_path)

    assert f"{tmp_path / ARCHIVE}: {message}" == str(caught.value)


@pytest.mark.parametrize("keep", [0, 100, -30], ids=["empty", "header", "end"])
def test_a_cut_archive_is_refused(keep: int, tmp_path: Path) -> None:
    """An archive that ends early, or is none, is an error and not a traceback."""
    with pytest.raises(DataError, match=r"no intact \.tar\.gz archive: .*; delete it to fetch it again"):
        read_archive(pack(batches())[:keep], tmp_path)


def test_cifar_10s_own_check_refuses_another_archive(tmp_path: Path) -> None:
    """A well-formed archive that is not CIFAR-10's is refused, and nothing is fetched."""
    (tmp_path / ARCHIVE).write_bytes(pack(batches()))

    with pytest.raises(DataError, match="md5 of the file: expected c32a1d4ab5d03f1284b67883e8d87530, found"):
        load(LoadContext(tmp_path, None, tmp_path))


def test_options_are_checked_before_anything_is_fetched(tmp_path: Path) -> None:
    """A wrong option is a usage error at once."""
    with pytest.raises(UsageError, match="option scale = 'none'"):
        load(LoadContext(tmp_path / "cifar10", None, tmp_path), scale="none")
    assert list(tmp_path.iterdir()) == []
