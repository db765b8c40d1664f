"""The test set as another camera might have taken it: each image moved by a few pixels, with noise on it.

What a model has learned of the classes survives that; what it has learned of where its samples happen to lie does not.

Shape suffixes: N images, C channels, H height, W width.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

PIXELS = 2
"""Farthest that an image is moved, in either direction of both axes."""
NOISE = 0.2
"""Standard deviation of the noise, in standard deviations of the training images' values."""


def shift_images(images_NCHW: Tensor, noise: float, draw: torch.Generator, pixels: int = PIXELS) -> Tensor:
    """Return the images, each moved by whole pixels along both axes and with normal noise added.

    Moves are uniform from −pixels to pixels, the same for all channels of an image; what comes in at an edge repeats that edge,
    so that no value appears that the images do not hold, however they are scaled. Down and right are positive.

    Args:
        images_NCHW: on any device; not changed.
        noise: standard deviation of the noise, in the images' unit.
        draw: on the CPU, so that every device gets the same images; moves are drawn first, then the noise.
        pixels: farthest move, in pixels.
    """
    count, _, height, width = images_NCHW.shape
    moves_N2 = torch.randint(-pixels, pixels + 1, (count, 2), generator=draw)
    noise_NCHW = noise * torch.randn(images_NCHW.shape, generator=draw)
    padded_NCHW = F.pad(images_NCHW, (pixels, pixels, pixels, pixels), mode="replicate")
    rows_NH = torch.arange(height) + pixels - moves_N2[:, :1]  # a move down by 1 shows what stood 1 above
    columns_NW = torch.arange(width) + pixels - moves_N2[:, 1:]
    images, rows, columns = torch.arange(count)[:, None, None], rows_NH[:, :, None], columns_NW[:, None, :]
    moved_NHWC = padded_NCHW.movedim(1, -1)[images, rows, columns]
    return moved_NHWC.movedim(-1, 1) + noise_NCHW.to(images_NCHW)
