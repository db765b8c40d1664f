"""Preparing images: size, channels and scale against closed forms, exact fractions and torch."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import numpy.typing as npt
import pytest
import torch
from torch.nn import functional as F

from harness.data._images import Preparation, Stored, fit_size, match_channels, prepare, resize
from harness.errors import UsageError

Pixels = npt.NDArray[np.uint8]


def noise(*shape: int) -> Pixels:
    """Return random images of a shape, always the same."""
    return np.random.RandomState(0).randint(0, 256, shape).astype(np.uint8)


def raw(images: Pixels, shape: tuple[int, ...] | None, fit: str = "auto") -> Pixels:
    """Return what `prepare` makes of images before they are scaled."""
    return prepare(images, shape=shape, fit=fit, scale="raw", mean=(0.0,), std=(1.0,)).numpy().astype(np.uint8)


def test_native_images_are_only_scaled() -> None:
    """Without a shape asked for, the pixels stay where they are."""
    images = noise(3, 1, 28, 28)

    assert np.array_equal(images, raw(images, None))
    assert np.array_equal(images, raw(images, (1, 28, 28)))


def test_the_result_is_a_float_tensor_of_its_own() -> None:
    """The tensor is float32, contiguous and shares no memory with the images, even from read-only ones."""
    images = noise(2, 1, 28, 28)
    images.flags.writeable = False

    prepared = prepare(images, shape=(1, 24, 24), fit="crop", scale="raw", mean=(0.0,), std=(1.0,))
    prepared += 1

    assert torch.float32 == prepared.dtype
    assert prepared.is_contiguous()
    assert np.array_equal(noise(2, 1, 28, 28), images)


def test_padding_centres_and_adds_background() -> None:
    """Padded images stand in the middle, and their border has the value that black pixels have."""
    images = noise(2, 1, 28, 28)

    padded = prepare(images, shape=(1, 32, 36), fit="pad", scale="standard", mean=(0.1307,), std=(0.3081,)).numpy()
    own = prepare(images, shape=None, fit="auto", scale="standard", mean=(0.1307,), std=(0.3081,)).numpy()

    background = np.float32(-np.float32(0.1307)) / np.float32(0.3081)
    border = np.ones((32, 36), dtype=bool)
    border[2:30, 4:32] = False
    assert np.array_equal(own, padded[:, :, 2:30, 4:32])
    assert {background} == set(padded[:, 0][:, border].flat)


def test_an_odd_border_is_larger_below_and_right() -> None:
    """A border of 3 pixels is 1 above and 2 below."""
    padded = raw(np.full((1, 1, 20, 20), 9, dtype=np.uint8), (1, 23, 23))

    assert (1, 20) == tuple(np.flatnonzero(padded[0, 0, :, 10])[[0, -1]])
    assert (1, 20) == tuple(np.flatnonzero(padded[0, 0, 10])[[0, -1]])


def test_cropping_keeps_the_centre() -> None:
    """28x28 cropped to 24x22 loses 2 rows and 3 columns on each side."""
    images = noise(2, 3, 28, 28)

    assert np.array_equal(images[:, :, 2:26, 3:25], raw(images, (3, 24, 22), "crop"))


@pytest.mark.parametrize(
    ("native", "target", "chosen"),
    [
        ((28, 28), (32, 32), "pad"),
        ((28, 28), (36, 36), "pad"),
        ((28, 28), (37, 37), "resize"),
        ((28, 28), (28, 36), "pad"),
        ((20, 20), (24, 24), "pad"),
        ((19, 19), (24, 24), "resize"),
        ((8, 8), (12, 12), "resize"),
        ((32, 32), (24, 24), "crop"),
        ((32, 32), (23, 23), "resize"),
        ((32, 32), (32, 28), "crop"),
        ((28, 28), (32, 24), "resize"),
        ((8, 8), (6, 6), "crop"),
    ],
)
def test_auto_chooses_by_how_far_the_sizes_are_apart(native: tuple[int, int], target: tuple[int, int], chosen: str) -> None:
    """Sides up to 8 pixels apart are padded (from 20 pixels on) or cropped; all else is resized."""
    images = noise(2, 1, *native)

    assert np.array_equal(fit_size(images, target, chosen), fit_size(images, target, "auto"))


def exact_triangle(images: Pixels, size: tuple[int, int]) -> Pixels:
    """Return triangle-filter interpolation in exact fractions, ties up: each new pixel by its own sum over all pixels."""

    def weights(native: int, target: int) -> list[list[Fraction]]:
        step = Fraction(native, target)
        width = max(step, Fraction(1))
        rows = []
        for index in range(target):
            centre = (index + Fraction(1, 2)) * step
            row = [max(Fraction(0), 1 - abs(own + Fraction(1, 2) - centre) / width) for own in range(native)]
            rows.append([value / sum(row) for value in row])
        return rows

    rows, columns = weights(images.shape[2], size[0]), weights(images.shape[3], size[1])
    made = np.empty((*images.shape[:2], *size), dtype=np.uint8)
    for place in np.ndindex(*images.shape[:2]):
        for y, row in enumerate(rows):
            for x, column in enumerate(columns):
                value = sum(
                    a * b * int(images[(*place, v, u)]) for v, a in enumerate(row) if a for u, b in enumerate(column) if b
                )
                made[(*place, y, x)] = int(value + Fraction(1, 2))
    return made


@pytest.mark.parametrize(
    ("native", "target"),
    [((8, 8), (28, 28)), ((12, 9), (5, 4)), ((6, 7), (6, 21)), ((9, 4), (4, 9)), ((1, 1), (3, 2)), ((40, 3), (37, 3))],
)
def test_resizing_is_exact(native: tuple[int, int], target: tuple[int, int]) -> None:
    """Every byte equals the interpolation worked out in fractions, ties included."""
    images = noise(2, 2, *native)

    assert np.array_equal(exact_triangle(images, target), resize(images, target))


@pytest.mark.parametrize(("native", "target"), [((28, 28), (40, 45)), ((28, 28), (18, 18)), ((100, 90), (33, 64))])
def test_resizing_agrees_with_torch(native: tuple[int, int], target: tuple[int, int]) -> None:
    """Values lie within half a grey level of torch's anti-aliased bilinear interpolation (plain where it enlarges)."""
    images = noise(20, 1, *native)
    reference = F.interpolate(torch.from_numpy(images).double(), target, mode="bilinear", antialias=True).numpy()

    assert np.abs(reference - resize(images, target)).max() <= 0.5 + 1e-9


def test_enlarging_agrees_with_plain_bilinear() -> None:
    """Enlarging is what torch calls bilinear with align_corners=False."""
    images = noise(20, 1, 8, 8)
    reference = F.interpolate(torch.from_numpy(images).double(), (28, 28), mode="bilinear", align_corners=False).numpy()

    assert np.abs(reference - resize(images, (28, 28))).max() <= 0.5 + 1e-9


def test_resizing_by_hand() -> None:
    """Two pixels 0 and 255 become 0, 63.75, 191.25, 255, rounded."""
    assert resize(np.array([[[[0, 255]]]], dtype=np.uint8), (1, 4)).tolist() == [[[[0, 64, 191, 255]]]]


def test_shrinking_averages() -> None:
    """A fine chequerboard shrinks to grey instead of to one of its colours."""
    chequered = (np.indices((32, 32)).sum(axis=0) % 2 * 255).astype(np.uint8)[np.newaxis, np.newaxis]

    shrunk = resize(chequered, (8, 8))

    assert 120 <= shrunk.min() <= shrunk.max() <= 135


def test_resizing_does_not_depend_on_neighbours_or_threads() -> None:
    """One image alone gives the bytes that it gives among many, with one thread or two."""
    images = noise(40, 1, 28, 28)
    threads = torch.get_num_threads()
    together = raw(images, (1, 17, 41))
    try:
        torch.set_num_threads(1 if threads > 1 else 2)
        alone = np.concatenate([raw(images[index : index + 1], (1, 17, 41)) for index in range(40)])
    finally:
        torch.set_num_threads(threads)

    assert np.array_equal(together, alone)


def test_luminance_weighs_the_colours() -> None:
    """Red, green and blue count .299, .587 and .114 (ITU-R BT.601), rounded."""
    colours = np.array([[255, 0, 0], [0, 255, 0], [0, 0, 255], [10, 20, 30], [255, 255, 255]], dtype=np.uint8)

    luminance = match_channels(colours.reshape(-1, 3, 1, 1), 1).ravel()

    assert luminance.tolist() == [76, 150, 29, 18, 255]


def test_grey_survives_as_colour_and_back() -> None:
    """One channel repeated three times has itself as luminance."""
    images = np.arange(256, dtype=np.uint8).reshape(1, 1, 16, 16)
    coloured = match_channels(images, 3)

    assert (1, 3, 16, 16) == coloured.shape
    assert np.array_equal(images, match_channels(coloured, 1))


def test_every_grey_level_is_scaled_as_torchvision_does() -> None:
    """unit and standard equal x / 255 and then (x - mean) / std in float32, bit for bit; raw keeps the number."""
    images = np.arange(256, dtype=np.uint8).reshape(1, 1, 16, 16)
    unit = torch.from_numpy(images).float().div(255)
    expected = {"raw": unit.new_tensor(images), "unit": unit, "standard": unit.clone().sub_(0.1307).div_(0.3081)}

    for scale, tensor in expected.items():
        prepared = prepare(images, shape=None, fit="auto", scale=scale, mean=(0.1307,), std=(0.3081,))

        assert torch.equal(tensor, prepared), scale


def test_each_channel_has_its_own_constants() -> None:
    """standard takes the mean and deviation of the channel, repeated ones for repeated channels."""
    white = np.full((1, 3, 1, 1), 255, dtype=np.uint8)

    coloured = prepare(white, shape=None, fit="auto", scale="standard", mean=(0.5, 0.4, 0.2), std=(0.5, 0.3, 0.4))
    repeated = prepare(white[:, :1], shape=(3, 1, 1), fit="auto", scale="standard", mean=(0.5,), std=(0.25,))

    assert coloured.ravel().tolist() == pytest.approx([1.0, 2.0, 2.0])
    assert repeated.ravel().tolist() == [2.0, 2.0, 2.0]


def test_constants_of_colours_are_weighted_for_luminance() -> None:
    """A colour set made grey is scaled by its constants weighted as the channels are."""
    white = np.full((1, 3, 1, 1), 255, dtype=np.uint8)

    grey = prepare(white, shape=(1, 1, 1), fit="auto", scale="standard", mean=(0.5, 0.4, 0.2), std=(0.5, 0.3, 0.4))

    mean, std = 0.299 * 0.5 + 0.587 * 0.4 + 0.114 * 0.2, 0.299 * 0.5 + 0.587 * 0.3 + 0.114 * 0.4
    assert grey.item() == pytest.approx((1 - mean) / std)


@pytest.mark.parametrize(
    ("shape", "fit", "scale", "message"),
    [
        (None, "padd", "unit", "option fit = 'padd': unknown, did you mean 'pad'?; allowed: auto, pad, crop, resize"),
        (None, "auto", "units", "option scale = 'units': unknown, did you mean 'unit'?; allowed: standard, unit, raw"),
        ((28, 28), "auto", "unit", "the model takes inputs of shape (28, 28); images have a shape (channels, height, width)"),
        ((1, 0, 28), "auto", "unit", "the model takes inputs of shape (1, 0, 28); images have"),
        ((4, 28, 28), "auto", "unit", "the model takes 4 channels and the images have 1; only 1 and 3 turn into each other"),
        ((1, 24, 32), "pad", "unit", "option fit = 'pad': images of 28x28 pixels cannot become 24x32 pixels so; use auto or"),
        ((1, 24, 32), "crop", "unit", "option fit = 'crop': images of 28x28 pixels cannot become 24x32 pixels so; use auto or"),
    ],
)
def test_what_cannot_be_met_is_a_usage_error(shape: tuple[int, ...] | None, fit: str, scale: str, message: str) -> None:
    """Unknown options and impossible shapes say what was found and what is allowed."""
    with pytest.raises(UsageError) as caught:
        prepare(noise(1, 1, 28, 28), shape=shape, fit=fit, scale=scale, mean=(0.0,), std=(1.0,))

    assert str(caught.value).startswith(message)


@pytest.mark.parametrize("limit", [0, -1, 11, True, 2.5, "5"])
def test_a_limit_is_a_number_of_samples(limit: int) -> None:
    """A limit that is no number from 1 to the size is refused, not clamped."""
    with pytest.raises(UsageError, match=r"option test_limit = .*: not a number of samples; allowed: 1 to 10, or left out"):
        Preparation(None, "auto", "unit", 20, limit).check((1, 8, 8), (20, 10))


def test_limits_take_the_first_samples() -> None:
    """Each split is cut to its own limit, images and labels alike."""
    train, test = Stored(noise(6, 1, 4, 4), np.arange(6)), Stored(noise(5, 1, 4, 4), np.arange(5, dtype=np.uint8))

    splits = Preparation(None, "auto", "raw", 3, 2).splits(train, test, classes=("a",), mean=(0.0,), std=(1.0,))

    assert (3, 2) == (len(splits.train), len(splits.test))
    assert splits.test.labels.tolist() == [0, 1]
    assert torch.int64 == splits.train.labels.dtype == splits.test.labels.dtype
    assert np.array_equal(train.images[:3], splits.train.inputs.numpy())
