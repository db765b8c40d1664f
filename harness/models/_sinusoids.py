"""Sinusoidal positions, for any length.

Shape suffixes: T positions, D width.

Source: Vaswani et al., "Attention Is All You Need", 2017, section 3.5.
"""

from __future__ import annotations

import torch
from torch import Tensor


def sinusoids(x_BTD: Tensor) -> Tensor:
    """Return the positions of the T steps of `x_BTD`, [T, D], in its number format and on its device.

    Feature 2j is sin(t / 10000^(2j / D)), feature 2j + 1 the cosine of the same angle; D may be odd.
    """
    steps, width = x_BTD.shape[1:]
    even_J = torch.arange(0, width, 2, device=x_BTD.device)
    angles_TJ = torch.arange(steps, device=x_BTD.device)[:, None] / 10000 ** (even_J / width)
    pairs_TD = torch.stack([angles_TJ.sin(), angles_TJ.cos()], dim=2).flatten(1)
    return pairs_TD[:, :width].to(x_BTD.dtype)
