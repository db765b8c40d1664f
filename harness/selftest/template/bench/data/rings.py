"""Points of two rings, one around the other, which no straight line parts."""

from __future__ import annotations

import math

import torch

from harness.data import Dataset, LoadContext, Split, Splits

SEED = 7


def load(context: LoadContext) -> Splits:
    """Return 512 points to train on and 256 to test on."""
    draw = torch.Generator().manual_seed(SEED)
    labels_B = torch.arange(768) % 2
    angles_B = 2 * math.pi * torch.rand(768, generator=draw)
    radii_B = 1.0 + labels_B + 0.1 * torch.randn(768, generator=draw)
    points_B2 = torch.stack((radii_B * angles_B.cos(), radii_B * angles_B.sin()), 1)
    return Splits(Split(points_B2[:512], labels_B[:512]), Split(points_B2[512:], labels_B[512:]), ("inner", "outer"))


DATASET = Dataset(load=load, shape=(2,), classes=2, sizes=(512, 256), synthetic=True)
