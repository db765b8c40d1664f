"""Reads IDX files (yann.lecun.com/exdb/mnist), and data sets made of four of them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from harness.data._base import Splits
from harness.data._fetch import Verify, fetch
from harness.data._images import Pixels, Preparation, Stored
from harness.errors import DataError

UNSIGNED_BYTE = 8
"""The code of uint8 in the third byte of the header."""


def read_idx(content: bytes, dimensions: int, where: str) -> Pixels:
    """Return the array of an IDX file of unsigned bytes, as a read-only view of `content`.

    The header is 0, 0, the type's code, the number of dimensions, then each dimension as a big-endian uint32.

    Args:
        content: the file, decompressed.
        dimensions: how many it must have: 3 for images, 1 for labels.
        where: the file's name, for messages.

    Raises:
        DataError: it is no such file, or not as long as its header says.
    """
    header = 4 + 4 * dimensions
    expected = bytes((0, 0, UNSIGNED_BYTE, dimensions))
    if content[:4] != expected:
        raise DataError(f"{where}: starts with {content[:4].hex() or 'nothing'}; {expected.hex()} marks the IDX file expected")
    if len(content) < header:
        raise DataError(f"{where}: {len(content)} bytes; its header alone takes {header}")
    shape = tuple(int(side) for side in np.frombuffer(content[:header], dtype=">u4")[1:])
    length = header + math.prod(shape)
    if len(content) != length:
        raise DataError(f"{where}: {len(content)} bytes; its header says {length}")
    return np.frombuffer(content, dtype=np.uint8, offset=header).reshape(shape)


@dataclass(frozen=True)
class IdxImages:
    """A data set of grey images in four gzipped IDX files."""

    mirrors: tuple[str, ...]
    """Addresses of folders that hold all four, each ending in '/'."""
    files: tuple[tuple[str, Verify], ...]
    """Name and check of: training images, training labels, test images, test labels."""
    shape: tuple[int, int, int]
    sizes: tuple[int, int]
    classes: tuple[str, ...]
    mean: float
    std: float

    def load(self, folder: Path, preparation: Preparation) -> Splits:
        """Fetch, read and prepare both splits.

        Raises:
            UsageError: `preparation` cannot be met.
            DataError: a file cannot be fetched or is not the expected one.
        """
        preparation.check(self.shape, self.sizes)
        train, test = (
            Stored(self._read(folder, first, 3)[:, np.newaxis], self._read(folder, first + 1, 1)) for first in (0, 2)
        )
        return preparation.splits(train, test, classes=self.classes, mean=(self.mean,), std=(self.std,))

    def _read(self, folder: Path, index: int, dimensions: int) -> Pixels:
        name, verify = self.files[index]
        content = fetch(folder, name, [f"{mirror}{name}" for mirror in self.mirrors], verify)
        return read_idx(content, dimensions, str(folder / name))
