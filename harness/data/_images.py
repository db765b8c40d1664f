"""Prepares uint8 images for a model: first their size, then their channels, then their scale.

Sizes and channels are worked out in whole numbers and each step of the scale is one correctly rounded float32
operation. The same images and options therefore give the same bytes on every machine, whatever its instruction set
and number of threads.

Shapes: N images, C channels, H height, W width.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt
import torch

from harness.data._base import Split, Splits
from harness.data._option_checks import check_limit
from harness.errors import UsageError
from harness.options import check_choice

FITS = ("auto", "pad", "crop", "resize")
SCALES = ("standard", "unit", "raw")

NEAR_PIXELS = 8
"""auto: a side that differs by no more is padded or cropped."""
SMALL_PIXELS = 20
"""auto: images with a side below this are never padded; the border would outweigh them."""
LUMINANCE = (299, 587, 114)
"""Thousandths of red, green and blue in luminance (ITU-R BT.601)."""
CHUNK_IMAGES = 16
"""Images resized at once, which bounds the float64 copies."""
BLOCK_PIXELS = 32
"""New pixels of a side worked out at once: a large image's distant pixels then cost nothing."""

Pixels = npt.NDArray[np.uint8]
Reals = npt.NDArray[np.float64]
Weights = tuple[tuple[int, Reals], ...]
Shape = tuple[int, ...]


@dataclass(frozen=True)
class Stored:
    """One split as it is stored."""

    images: Pixels
    """[N, C, H, W]"""
    labels: npt.NDArray[np.integer]
    """[N]"""


@dataclass(frozen=True)
class Preparation:
    """What a suite asks of an image data set: its options, and the shape that the model takes."""

    shape: Shape | None
    fit: str
    scale: str
    train_limit: int | None = None
    test_limit: int | None = None

    def check(self, native: Shape, sizes: tuple[int, int]) -> None:
        """Raise UsageError for what cannot be met; for use before anything is fetched or read."""
        target_shape(native, shape=self.shape, fit=self.fit, scale=self.scale)
        check_limit("train_limit", self.train_limit, sizes[0])
        check_limit("test_limit", self.test_limit, sizes[1])

    def splits(
        self, train: Stored, test: Stored, *, classes: tuple[str, ...], mean: Sequence[float], std: Sequence[float]
    ) -> Splits:
        """Return both splits, cut to their first samples where limited, and prepared."""

        def prepared(stored: Stored, limit: int | None) -> Split:
            images = prepare(stored.images[:limit], shape=self.shape, fit=self.fit, scale=self.scale, mean=mean, std=std)
            return Split(images, torch.from_numpy(stored.labels[:limit].astype(np.int64)))

        return Splits(prepared(train, self.train_limit), prepared(test, self.test_limit), classes)


def prepare(
    images: Pixels, *, shape: Shape | None, fit: str, scale: str, mean: Sequence[float], std: Sequence[float]
) -> torch.Tensor:
    """Return images as a model takes them.

    Args:
        images: [N, C, H, W], 0 to 255.
        shape: (channels, height, width) of one prepared image; None keeps the images' own.
        fit: how the size is met. pad adds zeros (black) around, crop keeps the centre, resize interpolates. auto does
            nothing to images that fit, pads or crops where every side differs by at most 8 pixels, all one way (and,
            for padding, is at least 20 long), and resizes otherwise.
        scale: unit gives x / 255, standard (x / 255 - mean) / std, raw the numbers 0 to 255.
        mean: of each native channel in unit scale.
        std: likewise.

    Returns:
        float32 tensor [N, *shape], contiguous.

    Raises:
        UsageError: an unknown option, or a shape that cannot be met.
    """
    target = target_shape(images.shape[1:], shape=shape, fit=fit, scale=scale)
    fitted = match_channels(fit_size(images, (target[1], target[2]), fit), target[0])
    centre, spread = (_channel_values(values, target[0]) for values in (mean, std))
    scaled = fitted.astype(np.float32)
    if scale != "raw":
        scaled /= np.float32(255)
    if scale == "standard":
        scaled -= centre
        scaled /= spread
    return torch.from_numpy(scaled)


def target_shape(native: Shape, *, shape: Shape | None, fit: str, scale: str) -> tuple[int, int, int]:
    """Return the shape that images of shape `native` (C, H, W) get; raise UsageError where it cannot be met."""
    check_options(shape=shape, fit=fit, scale=scale)
    target = native if shape is None else shape
    if native[0] != target[0] and {native[0], target[0]} != {1, 3}:
        raise UsageError(
            f"the model takes {target[0]} channels and the images have {native[0]}; only 1 and 3 turn into each other"
        )
    _method((native[1], native[2]), (target[1], target[2]), fit)
    return target[0], target[1], target[2]


def check_options(*, shape: Shape | None, fit: str, scale: str) -> None:
    """Raise UsageError for what no images could meet."""
    check_choice("fit", fit, FITS)
    check_choice("scale", scale, SCALES)
    if shape is not None and (len(shape) != 3 or min(shape) < 1):
        raise UsageError(f"the model takes inputs of shape {shape}; images have a shape (channels, height, width)")


def _method(native: tuple[int, int], target: tuple[int, int], fit: str) -> str:
    """Return none, pad, crop or resize for images of (height, width) `native`."""
    if native == target:
        return "none"
    larger = [wanted - own for own, wanted in zip(native, target, strict=True)]
    can_pad, can_crop = min(larger) >= 0, max(larger) <= 0
    if fit == "auto":
        if can_pad and max(larger) <= NEAR_PIXELS and min(native) >= SMALL_PIXELS:
            return "pad"
        return "crop" if can_crop and min(larger) >= -NEAR_PIXELS else "resize"
    if (fit == "pad" and not can_pad) or (fit == "crop" and not can_crop):
        raise UsageError(
            f"option fit = {fit!r}: images of {_size(native)} cannot become {_size(target)} so; use auto or resize"
        )
    return fit


def _size(size: tuple[int, int]) -> str:
    return f"{size[0]}x{size[1]} pixels"


def fit_size(images: Pixels, size: tuple[int, int], fit: str) -> Pixels:
    """Return images [N, C, H, W] with (height, width) `size`; an odd rest of a border goes below and to the right."""
    method = _method((images.shape[2], images.shape[3]), size, fit)
    if method == "resize":
        return resize(images, size)
    height, width = size
    top, left = abs(height - images.shape[2]) // 2, abs(width - images.shape[3]) // 2
    if method == "crop":
        return images[:, :, top : top + height, left : left + width]
    if method == "pad":
        padded = np.zeros((*images.shape[:2], height, width), dtype=np.uint8)
        padded[:, :, top : top + images.shape[2], left : left + images.shape[3]] = images
        return padded
    return images


def match_channels(images: Pixels, channels: int) -> Pixels:
    """Return images [N, C, H, W] with `channels` channels: 1 is repeated to 3, 3 become their luminance."""
    if images.shape[1] == channels:
        return images
    if channels == 3:
        return np.repeat(images, 3, axis=1)
    luminance = np.full((len(images), 1, *images.shape[2:]), 500, dtype=np.int32)  # half of 1000, to round
    for channel, weight in enumerate(LUMINANCE):
        luminance[:, 0] += images[:, channel] * np.int32(weight)
    return (luminance // 1000).astype(np.uint8)


def _channel_values(values: Sequence[float], channels: int) -> npt.NDArray[np.float32]:
    """Return a constant of each channel, [1, C, 1, 1]; for 3 channels made into 1, weighted as the channels are."""
    own = np.array(values, dtype=np.float64)
    if len(own) == 3 and channels == 1:
        own = np.array([sum(weight * value for weight, value in zip(LUMINANCE, values, strict=True)) / 1000])
    return np.broadcast_to(own, channels).astype(np.float32).reshape(1, channels, 1, 1)


def resize(images: Pixels, size: tuple[int, int]) -> Pixels:
    """Return images [N, C, H, W] interpolated to (height, width) `size`.

    Bilinear between pixel centres; shrinking weighs all the pixels that a new one covers (triangle filter), so that
    nothing aliases. A tie between two values goes up.

    The weights are whole numbers, so the sums in float64 are exact up to 2^53 and no order of summation and no
    instruction set changes a byte. Images of several thousand pixels a side stay far below that.
    """
    count, channels, native_height, native_width = images.shape
    rows, columns = _weights(native_height, size[0]), _weights(native_width, size[1])
    total = np.outer(*(np.concatenate([block.sum(axis=0) for _, block in side]) for side in (rows, columns)))
    resized = np.empty((count, channels, *size), dtype=np.uint8)
    for start in range(0, count, CHUNK_IMAGES):
        sums = _weighted(images[start : start + CHUNK_IMAGES].astype(np.float64), columns)
        sums = _weighted(sums.swapaxes(2, 3), rows).swapaxes(2, 3)
        resized[start : start + CHUNK_IMAGES] = np.floor((2 * sums + total) / (2 * total))
    return resized


def _weighted(values: Reals, blocks: Weights) -> Reals:
    """Return the weighted sums over the last axis."""
    flat = values.reshape(-1, values.shape[-1])
    sums = [flat[:, start : start + len(weights)] @ weights for start, weights in blocks]
    return np.concatenate(sums, axis=1).reshape(*values.shape[:-1], -1)


@cache
def _weights(native: int, target: int) -> Weights:
    """Return whole-number weights of `native` pixels in each of `target` pixels.

    Lengths count in steps of 1 / (2 native target) of the side, in which every centre is a whole number: a native
    pixel is 2 target long, a new one 2 native. Weights fall linearly with the distance of the centres, to 0 at the
    longer of the two lengths. 2 -> 4 gives 1 0, 3 1, 1 3, 0 1.

    Returns:
        For each block of new pixels, the first native pixel that has weight in it, and [native pixels, new pixels].
    """
    reach = 2 * max(native, target)
    centres = (2 * np.arange(native) + 1) * target
    blocks = []
    for first in range(0, target, BLOCK_PIXELS):
        new = (2 * np.arange(first, min(first + BLOCK_PIXELS, target)) + 1) * native
        weights = np.maximum(0, reach - np.abs(centres[:, np.newaxis] - new))
        weights //= np.gcd.reduce(weights, axis=0)
        used = np.flatnonzero(weights.any(axis=1))
        blocks.append((int(used[0]), weights[used[0] : used[-1] + 1].astype(np.float64)))
    return tuple(blocks)
