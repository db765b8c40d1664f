"""Moving digits: real digits that move in the direction of their class over a field with joined edges."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from harness.data import LoadContext, Split, Splits, digits
from harness.data.moving_digits import DATASET, load

CONTEXT = LoadContext(Path("/nonexistent/data"), None, Path("/nonexistent"))
STEPS = {
    "right": (0, 1),
    "down": (1, 0),
    "left": (0, -1),
    "up": (-1, 0),
    "down-right": (1, 1),
    "down-left": (1, -1),
    "up-left": (-1, -1),
    "up-right": (-1, 1),
}


@pytest.fixture(scope="module")
def splits() -> Splits:
    """The data set with default options."""
    return load(CONTEXT)


def moved(frames: torch.Tensor, name: str, speed: int) -> torch.Tensor:
    """Return each frame as it looks one step later, if it moves in a direction."""
    down, right = STEPS[name]
    return torch.roll(frames, (down * speed, right * speed), dims=(-2, -1))


@pytest.mark.parametrize(("directions", "speed"), [(8, 2), (4, 1), (8, 13)])
def test_each_frame_is_the_last_one_moved(directions: int, speed: int) -> None:
    """Rolling a frame in one direction gives the next in its class alone, so that two frames tell it: the ceiling is 1."""
    splits = load(CONTEXT, train_samples=40, test_samples=40, directions=directions, speed=speed)

    assert tuple(STEPS)[:directions] == splits.classes
    for split in (splits.train, splits.test):
        before, after = split.inputs[:, :-1], split.inputs[:, 1:]
        fits = torch.stack([(moved(before, name, speed) == after).flatten(1).all(dim=1) for name in splits.classes], dim=1)
        assert torch.equal(torch.nn.functional.one_hot(split.labels, directions).bool(), fits)


def test_shape_type_and_range(splits: Splits) -> None:
    """Ten frames of one grey channel, 28x28, float32, black at 0 and white at 1."""
    inputs = splits.train.inputs

    assert (10, 1, 28, 28) == DATASET.shape == tuple(inputs.shape[1:]) == tuple(splits.test.inputs.shape[1:])
    assert torch.float32 == inputs.dtype
    assert (0, 1) == (inputs.min().item(), inputs.max().item())
    assert (4, 1, 28, 28) == tuple(load(CONTEXT, frames=4, train_samples=1, test_samples=1).train.inputs.shape[1:])


def shown(split: Split) -> list[torch.Tensor]:
    """Return the 12x12 digits of each video: the window of the first frame, rolled, that holds everything bright."""
    found = []
    for frame in split.inputs[:, 0, 0]:
        rolled = torch.stack([torch.roll(frame, (-top, -left), (0, 1)) for top in range(28) for left in range(28)])
        inside = rolled[:, :12, :12].sum(dim=(1, 2))
        found += [rolled[index, :12, :12] for index in (inside >= frame.sum() - 1e-3).nonzero()[:, 0]]
    return found


def test_training_videos_show_training_digits_and_test_videos_test_digits() -> None:
    """Every video holds a digit of its own split, resized to 12 pixels, and none of the other split."""
    splits = load(CONTEXT, train_samples=30, test_samples=30)
    own = digits.load(LoadContext(Path(), (1, 12, 12), Path()), scale="unit", fit="resize")
    pixels = {
        name: {image.numpy().tobytes() for image in split.inputs[:, 0]}
        for name, split in (("train", own.train), ("test", own.test))
    }
    for name, other, split in (("train", "test", splits.train), ("test", "train", splits.test)):
        windows = [window.numpy().tobytes() for window in shown(split)]
        assert 30 <= sum(window in pixels[name] for window in windows)
        assert 0 == sum(window in pixels[other] for window in windows)


@pytest.mark.parametrize("frame", [0, 9])
def test_the_place_in_a_frame_is_uniform_in_every_class(frame: int) -> None:
    """The mean picture of each class is flat, at the first frame and at the last: a single frame tells nothing."""
    split = load(CONTEXT, train_samples=4000, test_samples=1).train
    flat = split.inputs[:, frame, 0].mean().item()
    for label in range(8):
        pixels = split.inputs[split.labels == label, frame, 0]
        deviation = pixels.std(dim=0) / len(pixels) ** 0.5
        assert ((pixels.mean(dim=0) - flat) / deviation).abs().max() < 5.5


def test_backwards_is_the_opposite_direction(splits: Splits) -> None:
    """A video played backwards moves the other way, so frames without their order leave two directions."""
    opposite = {"right": "left", "down": "up", "down-right": "up-left", "down-left": "up-right"}
    for name, other in opposite.items():
        videos = splits.train.inputs[splits.train.labels == splits.classes.index(name)].flip(1)
        assert torch.equal(moved(videos[:, :-1], other, 2), videos[:, 1:])


def test_digits_of_every_kind_are_shown() -> None:
    """The digit is drawn whatever the direction: many different ones are shown in each class."""
    split = load(CONTEXT, train_samples=800, test_samples=1).train
    brightness = split.inputs[:, 0].sum(dim=(1, 2, 3))
    for label in range(8):
        own = brightness[split.labels == label]
        assert len(own.unique()) >= 80
        assert abs(own.mean() - brightness.mean()) < 4.5 * brightness.std() / np.sqrt(len(own))
