"""Images moved and turned at random: test sets on which a network shows whether it generalises.

Pixels from beyond the border are 0, the background of images in unit scale.

Shape suffixes: N images, C channels, H height, W width.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def shifted(images_NCHW: Tensor, reach: int, generator: torch.Generator) -> Tensor:
    """Return each image moved by whole pixels, uniformly from −reach to reach along either side."""
    count, _, height, width = images_NCHW.shape
    top_N, left_N = torch.randint(2 * reach + 1, (2, count), generator=generator)
    windows = F.pad(images_NCHW, [reach] * 4).unfold(2, height, 1).unfold(3, width, 1)  # N x C x tops x lefts x H x W
    return windows[torch.arange(count), :, top_N, left_N]


def rotated(images_NCHW: Tensor, degrees: float, generator: torch.Generator) -> Tensor:
    """Return each square image turned about its centre by up to `degrees` either way, uniformly, interpolated bilinearly."""
    angles_N = torch.deg2rad(degrees * (2 * torch.rand(len(images_NCHW), generator=generator) - 1))
    cosine_N, sine_N, none_N = angles_N.cos(), angles_N.sin(), torch.zeros_like(angles_N)
    rows_N23 = torch.stack([cosine_N, -sine_N, none_N, sine_N, cosine_N, none_N], dim=1).view(-1, 2, 3)
    grid_NHW2 = F.affine_grid(rows_N23, list(images_NCHW.shape), align_corners=False)
    return F.grid_sample(images_NCHW, grid_NHW2, align_corners=False)
