"""Moving digits: generated videos of a handwritten digit that moves in a straight line; the class is the direction.

A digit of scikit-learn's (see the data set `digits`), enlarged to 12 pixels, moves `speed` pixels a frame over a field of
28x28 whose opposite edges are joined: what leaves on one side comes back on the other. Where it starts is uniform, so at
every frame its place is uniform whatever the direction: a single frame does not tell the class, two frames in their order
do. Training videos show training digits, test videos test digits.

Chance 1 / directions, best possible 1. All frames without their order tell along which axis the digit moves and not which
way, since a video played backwards is one of the opposite direction: whatever ignores order reaches 1/2 at most.

Shape suffixes: N samples, T frames, H height, W width.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import torch

from harness.data import digits
from harness.data._base import Dataset, LoadContext, Split, Splits
from harness.data._generated import Numbers, draw, draw_classes
from harness.data._option_checks import check_samples
from harness.options import check_choice, check_count

SIDE = 28
"""Pixels of the field's sides."""
DIGIT_SIDE = 12
DIRECTIONS = {
    "right": (0, 1),
    "down": (1, 0),
    "left": (0, -1),
    "up": (-1, 0),
    "down-right": (1, 1),
    "down-left": (1, -1),
    "up-left": (-1, -1),
    "up-right": (-1, 1),
}
"""Name -> steps down and to the right."""
MOST_SAMPLES = 10_000
MOST_SPEED = 13
"""From half of SIDE on, a step to the left looks like one to the right."""


def load(
    context: LoadContext,
    *,
    train_samples: int = 600,
    test_samples: int = 200,
    frames: int = 10,
    directions: int = 8,
    speed: int = 2,
) -> Splits:
    """Return the videos, [T, 1, 28, 28] float32, from 0 (background) to 1.

    Classes take turns, so that in either split none has more than one sample more than another. With fewer samples than
    classes some have none; they stay among the data set's classes.

    Args:
        context: nothing is fetched.
        train_samples: in the training split.
        test_samples: in the test split, which is the same whatever the training split.
        frames: of a video.
        directions: 4 (right, down, left, up) or 8 (and the diagonals).
        speed: pixels from one frame to the next, along either side.

    Raises:
        UsageError: an option that is not allowed.
    """
    check_samples(train_samples, test_samples, MOST_SAMPLES)
    check_count("frames", frames, 2, 100)
    check_choice("directions", directions, (4, 8))
    check_count("speed", speed, 1, MOST_SPEED)
    stored = digits.load(replace(context, shape=(1, DIGIT_SIDE, DIGIT_SIDE)), scale="unit", fit="resize")

    def split(name: str, count: int, shown: Split) -> Split:
        labels_N = draw_classes(f"moving_digits/{directions}/{name}/labels", count, directions)
        chosen_N = draw(f"moving_digits/{name}/digits", count, len(shown))
        videos = _videos(name, shown.inputs.numpy()[chosen_N, 0], labels_N, frames, speed)
        return Split(torch.from_numpy(videos), torch.from_numpy(labels_N))

    train, test = split("train", train_samples, stored.train), split("test", test_samples, stored.test)
    return Splits(train, test, tuple(DIRECTIONS)[:directions])


def _videos(
    name: str, digits_NHW: npt.NDArray[np.float32], labels_N: Numbers, frames: int, speed: int
) -> npt.NDArray[np.float32]:
    """Return videos, [N, T, 1, SIDE, SIDE]: the field is gathered from where each pixel was before the move."""
    count = len(labels_N)
    fields_NHW = np.zeros((count, SIDE, SIDE), dtype=np.float32)
    fields_NHW[:, :DIGIT_SIDE, :DIGIT_SIDE] = digits_NHW
    start_N2 = draw(f"moving_digits/{name}/starts", (count, 2), SIDE)
    step_N2 = speed * np.array(list(DIRECTIONS.values()))[labels_N]
    videos = np.empty((count, frames, 1, SIDE, SIDE), dtype=np.float32)
    for frame in range(frames):
        place_N2 = start_N2 + frame * step_N2
        rows_NH, columns_NW = ((np.arange(SIDE) - place_N2[:, axis, None]) % SIDE for axis in (0, 1))
        videos[:, frame, 0] = fields_NHW[np.arange(count)[:, None, None], rows_NH[:, :, None], columns_NW[:, None, :]]
    return videos


DATASET = Dataset(
    load=load,
    shape=(10, 1, 28, 28),
    classes=8,
    sizes=(600, 200),
    source="generated from Alpaydin, Kaynak: Optical Recognition of Handwritten Digits (1998), UCI repository, its test part",
    licence="CC BY 4.0",
    synthetic=True,
    preload=("sklearn.datasets",),
)
