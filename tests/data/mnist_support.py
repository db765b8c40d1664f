"""MNIST for tests: the real files where HARNESS_DATA_DIR holds them, and small files of the same format."""

from __future__ import annotations

import gzip
import hashlib
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from harness.data._fetch import gzip_content_hash
from harness.data._idx import IdxImages
from harness.data.mnist import SOURCE

Serve = Callable[[dict[str, bytes]], str]
Write = Callable[[npt.NDArray[np.uint8]], bytes]
Place = tuple[IdxImages, Path]
"""Where files come from, and the folder that holds them or shall."""

SIZES = (600, 200)


def stand_ins(write: Write) -> dict[str, bytes]:
    """Return four IDX files, small, with MNIST's names, and about its mean and deviation of pixels."""
    files = {}
    for split, size in zip(("train", "t10k"), SIZES, strict=True):
        images = np.zeros((size, 784), dtype=np.uint8)
        images[:, :120] = 218  # 120 of 784 pixels at 218: mean .1309, deviation .3078 in unit scale
        for index in range(size):
            images[index] = np.roll(images[index], 7 * index)
        files[f"{split}-images-idx3-ubyte.gz"] = write(images.reshape(size, 28, 28))
        files[f"{split}-labels-idx1-ubyte.gz"] = write((np.arange(size) % 10).astype(np.uint8))
    return files


def stand_in(serve: Serve, write: Write, folder: Path) -> Place:
    """Return MNIST's stand-in on a server, behind the real check with hashes of its own, and an empty folder."""
    contents = stand_ins(write)
    address = serve({name: gzip.compress(content, 1) for name, content in contents.items()})
    checks = tuple((name, gzip_content_hash("sha256", hashlib.sha256(contents[name]).hexdigest())) for name, _ in SOURCE.files)
    return replace(SOURCE, mirrors=(address,), files=checks, sizes=SIZES), folder


def real() -> Place | None:
    """Return the real MNIST and its folder, None where HARNESS_DATA_DIR does not hold it."""
    named = os.environ.get("HARNESS_DATA_DIR")
    if named and all((Path(named) / "mnist" / name).is_file() for name, _ in SOURCE.files):
        return SOURCE, Path(named).resolve() / "mnist"
    return None
