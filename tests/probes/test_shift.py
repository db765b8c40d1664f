"""The shifted test set, against every move done by NumPy."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from harness.probes.shift import PIXELS, shift_images

MOVES = [(down, right) for down in range(-2, 3) for right in range(-2, 3)]


def images(count: int, channels: int = 1, height: int = 7, width: int = 5) -> torch.Tensor:
    """Images of random numbers, no two of them alike."""
    return torch.rand(count, channels, height, width, generator=torch.Generator().manual_seed(3))


def draw(seed: int = 0) -> torch.Generator:
    """A generator of its own."""
    return torch.Generator().manual_seed(seed)


def moved(image: np.ndarray, down: int, right: int) -> np.ndarray:
    """One image [C, H, W], moved with NumPy: its edges are repeated, and another window is cut out."""
    _, height, width = image.shape
    padded = np.pad(image, ((0, 0), (2, 2), (2, 2)), mode="edge")
    return padded[:, 2 - down : 2 - down + height, 2 - right : 2 - right + width]


def test_each_image_is_itself_moved_by_up_to_two_pixels() -> None:
    """Without noise every image is one of the 25 moves of it, of all its channels alike, and every move occurs."""
    given = images(400, channels=3)

    shifted = shift_images(given, 0.0, draw()).numpy()

    found = []
    for before, after in zip(given.numpy(), shifted, strict=True):
        fitting = [move for move in MOVES if np.array_equal(after, moved(before, *move))]
        assert len(fitting) == 1
        found += fitting
    assert set(found) == set(MOVES)
    counts = [found.count(move) for move in MOVES]
    assert max(counts) < 3 * 400 / 25  # about uniform: 16 each, with a standard deviation of 4


def test_noise_has_the_standard_deviation_asked_for() -> None:
    """What is added to the moved images is centred, has that deviation, and is another number at each pixel."""
    given = images(500)

    noise = (shift_images(given, 0.2, draw()) - shift_images(given, 0.0, draw())).numpy()

    count = noise.size
    assert abs(noise.mean()) < 4 * 0.2 / np.sqrt(count)
    assert noise.std() == pytest.approx(0.2, rel=4 / np.sqrt(2 * count))
    assert len(np.unique(np.round(noise, 9))) > 0.99 * count


def test_a_generator_decides_it_all() -> None:
    """The same seed gives the same images and another one others; the global stream and the images given stay as they were."""
    given = images(20)
    before, state = given.clone(), torch.get_rng_state()

    first, again, other = (shift_images(given, 0.2, draw(seed)) for seed in (1, 1, 2))

    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert torch.equal(before, given)
    assert torch.equal(state, torch.get_rng_state())
    assert first.shape == given.shape


def test_a_uniform_image_stays_what_it_is() -> None:
    """No value comes in from outside: a grey image, moved, is the same grey image."""
    grey = torch.full((5, 2, 4, 4), 0.3)

    assert PIXELS == 2
    assert torch.equal(grey, shift_images(grey, 0.0, draw()))
