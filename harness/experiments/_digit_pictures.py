"""Pictures of digits as the experiments on them need them: on a larger field, moved, mirrored, drawn, repeated.

Background is 0 wherever something moves in from outside, so that pictures are in unit scale until they are standardised.

Shape suffixes: N pictures, C channels, H height, W width.
"""

from __future__ import annotations

import math
from dataclasses import replace

import torch
import torch.nn.functional as F
from torch import Tensor

from harness.data import Split, Splits

AROUND = ((-1, -1), (-1, 0), (-1, 1), (0, -1), (0, 1), (1, -1), (1, 0), (1, 1))
"""Steps down and to the right, to the eight neighbours of a place."""


def on_field(splits: Splits, margin: int) -> Splits:
    """Return both splits with `margin` pixels of background on every side of each picture."""
    train, test = (replace(split, inputs=F.pad(split.inputs, [margin] * 4)) for split in (splits.train, splits.test))
    return replace(splits, train=train, test=test)


def standardised(split: Split, pixels: Tensor) -> Split:
    """Return a split less the mean of `pixels`, in units of their standard deviation: those of the training split as it is."""
    return replace(split, inputs=(split.inputs - pixels.mean()) / pixels.std())


def moved(pictures_NCHW: Tensor, down: int, right: int) -> Tensor:
    """Return the pictures moved by whole pixels, background moving in; negative ones go up and to the left."""
    height, width = pictures_NCHW.shape[2:]
    most = max(abs(down), abs(right))
    return F.pad(pictures_NCHW, [most] * 4)[:, :, most - down : most - down + height, most - right : most - right + width]


def moved_around(split: Split, pixels: int) -> Split:
    """Return eight copies of a split, one moved by `pixels` in each of the eight directions: nothing is drawn."""
    pictures = [moved(split.inputs, pixels * down, pixels * right) for down, right in AROUND]
    return Split(torch.cat(pictures), split.labels.repeat(len(AROUND)))


def turned(pictures_NCHW: Tensor, degrees: float) -> Tensor:
    """Return square pictures turned counter-clockwise about their centre, interpolated bilinearly, background moving in."""
    cosine, sine = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    rows_N23 = torch.tensor([[cosine, -sine, 0], [sine, cosine, 0]]).expand(len(pictures_NCHW), 2, 3)
    grid_NHW2 = F.affine_grid(rows_N23, list(pictures_NCHW.shape), align_corners=False)
    return F.grid_sample(pictures_NCHW, grid_NHW2, align_corners=False)


def turned_both_ways(split: Split, degrees: float) -> Split:
    """Return two copies of a split, one turned by so many degrees counter-clockwise and one clockwise: nothing is drawn."""
    return Split(torch.cat([turned(split.inputs, degrees), turned(split.inputs, -degrees)]), split.labels.repeat(2))


def mirrored(pictures_NCHW: Tensor, stream: torch.Generator) -> Tensor:
    """Return each picture with left and right exchanged, or as it is, with even chances."""
    chosen_N = torch.rand(len(pictures_NCHW), generator=stream) < 0.5
    return torch.where(chosen_N[:, None, None, None], pictures_NCHW.flip(3), pictures_NCHW)


def drawn(split: Split, count: int, stream: torch.Generator) -> Split:
    """Return `count` samples of a split, drawn without repeats; equal streams give a small draw as the head of a larger one."""
    return split.take(torch.randperm(len(split), generator=stream)[:count])


def repeated(split: Split, times: int) -> Split:
    """Return the samples of a split several times over: all of them, then all of them again."""
    return Split(split.inputs.repeat(times, *[1] * (split.inputs.ndim - 1)), split.labels.repeat(times))
