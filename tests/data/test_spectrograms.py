"""Spectrograms: the order of glides is the class, and neither one frame nor all of them without their order tell it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import torch
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression

from harness.data import LoadContext, Split, Splits
from harness.data.spectrograms import DATASET, load

CONTEXT = LoadContext(Path("/nonexistent/data"), None, Path("/nonexistent"))
Reals = npt.NDArray[np.float64]


@pytest.fixture(scope="module")
def splits() -> Splits:
    """The data set with default options."""
    return load(CONTEXT)


def tone(name: str, duration: int) -> Reals:
    """Draw the tone of a class from its name alone, [duration, 40]: a parabola around a centre that glides from 6 to 33."""
    glides = name.split("-")
    drawn = np.zeros((duration, 40))
    for frame in range(duration):
        along = (frame + 0.5) / duration * len(glides)
        glide, phase = glides[int(along)], along % 1
        centre = 6 + 27 * (phase if glide == "up" else 1 - phase)
        for band in range(40):
            drawn[frame, band] = max(0.0, 1 - ((band - centre) / 3) ** 2)
    return drawn


def templates(names: tuple[str, ...], durations: range, step: int) -> tuple[Reals, list[int]]:
    """Return tones of each class at each duration and every `step`-th onset, of length 1 each, and their classes."""
    drawn, labels = [], []
    for label, name in enumerate(names):
        for duration in durations:
            sound = tone(name, duration)
            for onset in range(0, 101 - duration + 1, step):
                whole = np.zeros((101, 40))
                whole[onset : onset + duration] = sound
                drawn.append(whole.ravel() / np.linalg.norm(whole))
                labels.append(label)
    return np.stack(drawn), labels


def test_shape_type_and_classes(splits: Splits) -> None:
    """101 frames of 40 bands, float32; ten rows of glides, or up to fourteen."""
    assert (101, 40) == DATASET.shape == tuple(splits.train.inputs.shape[1:]) == tuple(splits.test.inputs.shape[1:])
    assert torch.float32 == splits.train.inputs.dtype
    assert ("up", "down", "up-down", "down-up") == splits.classes[:4]
    assert 14 == len(set(load(CONTEXT, classes=14, train_samples=1, test_samples=1).classes))


def test_without_noise_a_sample_is_its_tone_and_a_hum() -> None:
    """Fitting onset, duration and gain of the class's tone, and a constant spectrum, leaves nothing of the sample."""
    split = load(CONTEXT, noise=0, classes=14, train_samples=14, test_samples=1).train
    names = load(CONTEXT, classes=14, train_samples=1, test_samples=1).classes
    for sound, label in zip(split.inputs.double().numpy(), split.labels.tolist(), strict=True):
        hum = sound.min(axis=0)  # every band is silent but for the hum in some frame
        left = sound - hum
        voiced = np.flatnonzero(left.max(axis=1) > 0)
        onset, duration = voiced[0], voiced[-1] - voiced[0] + 1
        expected = tone(names[label], duration)
        gain = left[onset : onset + duration].max() / expected.max()

        assert 60 <= duration <= 84
        assert 0.5 <= gain <= 1.5
        assert hum.max() <= 0.5
        assert np.abs(left[onset : onset + duration] - gain * expected).max() < 1e-5


def test_noise_has_the_given_deviation() -> None:
    """What the option adds to a sample has mean 0 and the deviation asked for, in every band."""
    quiet, loud = (load(CONTEXT, noise=noise, train_samples=100, test_samples=1).train.inputs for noise in (0, 0.3))
    noise = (loud - quiet).double()

    assert abs(noise.mean().item()) < 5 * 0.3 / noise.numel() ** 0.5
    assert (noise.std(dim=(0, 1)) / 0.3 - 1).abs().max() < 0.03


def test_a_matched_filter_makes_hardly_a_mistake(splits: Splits) -> None:
    """The best-fitting of the true tones tells the class of 99 % of the test samples: the ceiling is practically 1."""
    drawn, labels = templates(splits.classes, range(60, 85, 3), 2)
    inputs = splits.test.inputs.double()
    inputs = (inputs - inputs.median(dim=1, keepdim=True).values).flatten(1)  # without the hum
    best = (inputs @ torch.from_numpy(drawn).T).argmax(dim=1)
    accuracy = (torch.tensor(labels)[best] == splits.test.labels).double().mean().item()

    assert accuracy >= 0.99


def frames(split: Split, seed: int) -> Reals:
    """One random frame of each sample."""
    chosen = np.random.RandomState(seed).randint(0, 101, len(split))
    return split.inputs.numpy()[np.arange(len(split)), chosen].astype(np.float64)


def test_one_frame_does_not_tell_the_class(splits: Splits) -> None:
    """A forest that learns from single frames stays at chance: below 16 of 100, where 10 is chance (four deviations: 17)."""
    forest = RandomForestClassifier(100, min_samples_leaf=3, random_state=0)
    forest.fit(frames(splits.train, 0), splits.train.labels.numpy())

    assert forest.score(frames(splits.test, 1), splits.test.labels.numpy()) < 0.17


def test_frames_without_their_order_do_not_tell_the_class(splits: Splits) -> None:
    """Nor does a linear model of the mean spectrum, which is the same for every class."""
    linear = LogisticRegression(max_iter=1000)
    linear.fit(splits.train.inputs.mean(dim=1).numpy(), splits.train.labels.numpy())

    assert linear.score(splits.test.inputs.mean(dim=1).numpy(), splits.test.labels.numpy()) < 0.17


def test_onset_duration_and_gain_vary_alike_in_every_class() -> None:
    """Neither when a tone begins or ends nor how loud it is tells the class."""
    split = load(CONTEXT, noise=0, train_samples=1000, test_samples=1).train
    left = split.inputs - split.inputs.amin(dim=1, keepdim=True)
    voiced = (left.amax(dim=2) > 0).float()
    onset, duration, gain = voiced.argmax(dim=1).float(), voiced.sum(dim=1), left.amax(dim=(1, 2))

    for value in (onset, duration, gain):
        means = torch.stack([value[split.labels == label].mean() for label in range(10)])
        assert (means - value.mean()).abs().max() < 4.5 * value.std() / 10
    assert [60, 84] == [duration.min().item(), duration.max().item()]
    assert 0 == onset.min()
    assert onset.max() >= 35
