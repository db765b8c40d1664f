"""Judges generated digits: how far they lie from real ones, and how many of the classes they reach.

Shape suffixes: N samples, C channels, H height, W width, K classes.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from harness.data import Split
from harness.tasks._features import CLASSES, Gaussian, describe, fit, frechet_distance

SEED = 2014
"""Of the fixed noise that every evaluation makes its samples from, and of the noise images."""
COVERED = 0.1
"""Share of a class' real share that must fall into it."""
GRID = 8
"""Rows and columns of the picture of samples."""


def spread(split: Split, count: int) -> Tensor:
    """Return the places of at most `count` samples, at even distances over the whole split, which may be sorted."""
    held = len(split)
    taken = min(count, held)
    return torch.arange(taken, device=split.inputs.device) * held // taken


@dataclass(frozen=True)
class Reference:
    """What generated images are compared with: the real ones of one split."""

    real: Gaussian
    shares: tuple[float, ...]
    """Share of each class among the real images, by their labels."""
    floor: float
    """Fréchet distance of as many real training images: what a perfect generator is about at."""
    noise: float
    """Fréchet distance of as many images of uniform noise."""


def refer(real: Split, train: Split, batch_size: int) -> Reference:
    """Return what images are compared with; both splits hold images from 0 to 1."""
    gaussian = fit(describe(real.inputs, batch_size).features)
    counts_K = np.bincount(real.labels.cpu().numpy(), minlength=CLASSES)
    chosen = train.inputs[spread(train, len(real))].to(real.inputs.device)
    uniform = torch.rand(real.inputs.shape, generator=torch.Generator().manual_seed(SEED)).to(real.inputs.device)
    floor, noise = (frechet_distance(gaussian, fit(describe(images, batch_size).features)) for images in (chosen, uniform))
    return Reference(gaussian, tuple((counts_K / counts_K.sum()).tolist()), floor, noise)


def judge(generated_NCHW: Tensor, reference: Reference, batch_size: int) -> dict[str, float]:
    """Return the scores of generated images from 0 to 1; a distance is not a number where an image is not finite."""
    found = describe(generated_NCHW, batch_size)
    distance = frechet_distance(reference.real, fit(found.features))
    return {
        "frechet_distance": distance,
        "frechet_floor": reference.floor,
        "frechet_noise": reference.noise,
        "frechet_ratio": reference.noise / distance if distance else float("inf"),
        "class_coverage": float(covered(found.classes, reference.shares)),
    }


def covered(classes_N: npt.NDArray[np.int64], shares: Sequence[float]) -> int:
    """Return how many classes the samples reach.

    A class counts when at least a tenth of the samples that its share of the real images would give fall into it; a
    class without real images cannot count.

    Args:
        classes_N: class of each sample; -1 for none.
        shares: of each class among the real images.
    """
    counts_K = np.bincount(classes_N[classes_N >= 0], minlength=len(shares))
    wanted_K = COVERED * len(classes_N) * np.array(shares)
    return int(((counts_K >= wanted_K) & (wanted_K > 0)).sum())


def picture(generated_NCHW: Tensor) -> bytes:
    """Return the first samples, images from 0 to 1, as a PNG of GRID x GRID, row by row; what is lacking is black."""
    from PIL import Image

    first = torch.nan_to_num(generated_NCHW[: GRID * GRID, 0]).clamp(0, 1).mul(255).round().byte().cpu()
    height, width = first.shape[1:]
    tiles = torch.zeros(GRID * GRID, height, width, dtype=torch.uint8)
    tiles[: len(first)] = first
    pixels = tiles.reshape(GRID, GRID, height, width).transpose(1, 2).reshape(GRID * height, GRID * width)
    file = io.BytesIO()
    Image.fromarray(pixels.numpy()).save(file, "PNG", optimize=True)
    return file.getvalue()
