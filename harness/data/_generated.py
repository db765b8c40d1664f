"""What generated data sets share: streams that never change, balanced classes, symbols as ids or one-hot.

Each quantity of each split has a stream of its own, filled sample by sample. So the test split is the same whatever the
size of the training split, and a smaller split is the first part of a larger one.

Bytes must be the same on every machine. So draws come from RandomState, whose streams are frozen (NumPy's NEP 19), and
what is worked out of them uses whole numbers and single correctly rounded operations (+ - * / sqrt), never sin, exp or
log, whose last bit depends on the instruction set.

Shape suffixes: N samples, T steps, V ids.
"""

from __future__ import annotations

import zlib

import numpy as np
import numpy.typing as npt
import torch

from harness.vocabulary import PAD, SPECIAL, Vocabulary

ENCODINGS = ("ids", "onehot")

Numbers = npt.NDArray[np.int64]
Reals = npt.NDArray[np.float64]

BYTE_SUM_MEAN = 510
"""Of four uniform bytes: 4 x 127.5."""
BYTE_SUM_VARIANCE = 21845
"""Likewise: 4 x (256^2 - 1) / 12."""


def stream(name: str) -> np.random.RandomState:
    """Return the stream of draws called `name`, such as "recall/train/labels"; other names give unrelated draws."""
    return np.random.RandomState(zlib.crc32(name.encode()))


def draw(name: str, size: int | tuple[int, ...], below: int) -> Numbers:
    """Return whole numbers, uniform from 0 to `below` - 1."""
    return np.asarray(stream(name).randint(0, below, size, dtype=np.int64))


def draw_bell(name: str, size: int | tuple[int, ...]) -> Numbers:
    """Return whole numbers, roughly normal: sums of four uniform bytes less their mean; standard deviation 147.8."""
    words = stream(name).randint(0, 1 << 32, size, dtype=np.uint32)
    pairs = (words & 0xFF00FF) + (words >> 8 & 0xFF00FF)
    return np.asarray(((pairs & 0xFFFF) + (pairs >> 16)).astype(np.int64) - BYTE_SUM_MEAN)


def draw_classes(name: str, count: int, classes: int) -> Numbers:
    """Return `count` labels: the classes in random order, again and again, so that each is as frequent as the next.

    Fewer samples than classes leave classes out.
    """
    source = stream(name)
    rounds = [source.permutation(classes) for _ in range(-(-count // classes))]
    return np.concatenate(rounds)[:count].astype(np.int64)


def symbols(size: int) -> Vocabulary:
    """Return a vocabulary of `size` ids: the special ones, then the symbols s0, s1, …"""
    return Vocabulary((*SPECIAL, *(f"s{number}" for number in range(size - len(SPECIAL)))))


def encode(ids_NT: Numbers, encoding: str, size: int) -> torch.Tensor:
    """Return ids as they are, [N, T] int64, or one-hot, [N, T, V] float32 with zeros for PAD."""
    ids = torch.from_numpy(ids_NT)
    if encoding == "ids":
        return ids
    onehot_NTV = torch.zeros(*ids.shape, size)
    return onehot_NTV.scatter_(2, ids[:, :, None], (ids != PAD).float()[:, :, None])


def vocabularies(encoding: str, size: int) -> tuple[Vocabulary, ...]:
    """Return what ids stand for; nothing for one-hot, which has no ids."""
    return (symbols(size),) if encoding == "ids" else ()
