"""The IDX reader: exact on what is well-formed, a named error on everything else."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest

from harness.data._idx import read_idx
from harness.errors import DataError

Write = Callable[[npt.NDArray[np.uint8]], bytes]


@pytest.mark.parametrize("shape", [(5,), (2, 3, 4), (0,), (3, 0, 2)])
def test_reading_undoes_writing(shape: tuple[int, ...], idx_bytes: Write) -> None:
    """Every array comes back with its shape and values."""
    array = np.arange(np.prod(shape), dtype=np.uint8).reshape(shape)

    read = read_idx(idx_bytes(array), len(shape), "x")

    assert array.shape == read.shape
    assert np.uint8 == read.dtype
    assert np.array_equal(array, read)


def test_a_file_of_known_bytes() -> None:
    """The format is big-endian: this is the 2x2 image 1 2 / 3 4, byte for byte."""
    content = bytes([0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 2, 1, 2, 3, 4])

    assert [[[1, 2], [3, 4]]] == read_idx(content, 3, "x").tolist()


def test_sizes_beyond_one_byte(idx_bytes: Write) -> None:
    """A dimension above 255 is read whole."""
    assert (70_000,) == read_idx(idx_bytes(np.zeros(70_000, dtype=np.uint8)), 1, "x").shape


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"", "nothing"),
        (b"\x00\x00", "0000"),
        (b"\x00\x00\x08\x01\x00\x00\x00\x00", "00000801"),
        (b"\x00\x00\x0d\x03" + b"\x00" * 12, "00000d03"),
        (b"<html>", "3c68746d"),
    ],
    ids=["empty", "short", "labels", "floats", "page"],
)
def test_a_wrong_magic_is_refused(content: bytes, found: str) -> None:
    """Labels in the place of images, another type or another format are named by their first bytes."""
    with pytest.raises(DataError) as caught:
        read_idx(content, 3, "images.gz")

    assert f"images.gz: starts with {found}; 00000803 marks the IDX file expected" == str(caught.value)


@pytest.mark.parametrize("change", [-1, 1])
def test_a_wrong_length_is_refused(change: int, idx_bytes: Write) -> None:
    """A file one byte shorter or longer than its header says is an error with both lengths."""
    content = idx_bytes(np.zeros((2, 3, 4), dtype=np.uint8))
    wrong = content[:-1] if change < 0 else content + b"\0"

    with pytest.raises(DataError) as caught:
        read_idx(wrong, 3, "images.gz")

    assert f"images.gz: {40 + change} bytes; its header says 40" == str(caught.value)


def test_a_header_cut_short_is_refused() -> None:
    """A file that ends within its dimensions is an error."""
    with pytest.raises(DataError) as caught:
        read_idx(b"\x00\x00\x08\x03\x00\x00\x00\x01", 3, "images.gz")

    assert "images.gz: 8 bytes; its header alone takes 16" == str(caught.value)
