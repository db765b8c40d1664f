"""Fashion-MNIST, on small files of its format behind its check of the published bytes."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import torch

from harness.data import LoadContext
from harness.data._fetch import gzip_file_hash
from harness.data._images import Preparation
from harness.data.fashion_mnist import DATASET, SOURCE, load
from harness.errors import DataError

Serve = Callable[[dict[str, bytes]], str]
Write = Callable[[npt.NDArray[np.uint8]], bytes]


def arrays() -> list[npt.NDArray[np.uint8]]:
    """Return small splits in the order of the source's files."""
    draw = np.random.RandomState(0)
    shapes = ((30, 28, 28), (30,), (20, 28, 28), (20,))
    return [draw.randint(0, 256 if len(shape) == 3 else 10, shape).astype(np.uint8) for shape in shapes]


def test_loading_gives_what_was_published(serve: Serve, idx_bytes: Write, tmp_path: Path) -> None:
    """Four files behind the MD5 of their gzipped bytes come back as images and labels, in order."""
    files = {name: gzip.compress(idx_bytes(array)) for (name, _), array in zip(SOURCE.files, arrays(), strict=True)}
    checks = tuple(
        (name, gzip_file_hash("md5", hashlib.md5(file, usedforsecurity=False).hexdigest())) for name, file in files.items()
    )
    source = replace(SOURCE, mirrors=(serve(files),), files=checks, sizes=(30, 20))

    splits = source.load(tmp_path, Preparation(None, "auto", "raw"))

    images, labels, test_images, test_labels = arrays()
    assert np.array_equal(images[:, None], splits.train.inputs.numpy())
    assert np.array_equal(test_images[:, None], splits.test.inputs.numpy())
    assert labels.tolist() == splits.train.labels.tolist()
    assert test_labels.tolist() == splits.test.labels.tolist()
    assert torch.float32 == splits.train.inputs.dtype
    assert DATASET.classes == len(splits.classes)


def test_another_packing_is_refused(idx_bytes: Write, tmp_path: Path) -> None:
    """Only the published bytes pass, because the hashes of their content are not known."""
    name = "train-images-idx3-ubyte.gz"
    (tmp_path / name).write_bytes(gzip.compress(idx_bytes(arrays()[0])))

    with pytest.raises(DataError, match=rf"{name}: md5 of the file: expected 8d4fb7e6c68d591d4c3dfef9ec88bf0d, found"):
        load(LoadContext(tmp_path, None, tmp_path))
