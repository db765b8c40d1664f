"""Experiments on training data: subsets, noise, augmentation, scaling, and the learning rate chosen for each network."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from scipy import ndimage
from torch import Generator, Tensor, nn

from harness.catalog import Catalog
from harness.data import Split, Splits
from harness.errors import UsageError
from harness.experiments import Experiment, Setting
from harness.experiments._digit_pictures import (
    AROUND,
    drawn,
    mirrored,
    moved,
    moved_around,
    on_field,
    repeated,
    standardised,
    turned_both_ways,
)
from harness.experiments._rates import HELD_OUT, Trained, best, train_at
from harness.experiments.augmentation import BORDER, augmented, changes
from harness.experiments.data_by_width import samples_needed
from harness.experiments.data_quality import noisy, wrong_labels
from harness.experiments.input_scale import ARTICLE, RATES, compare
from harness.seeds import generator

SMALLEST: dict[str, dict[str, Any]] = {
    "data_size": {"steps": 1},
    "data_by_width": {"steps": 1},
    "data_quality": {"epochs": 1},
    "augmentation": {"steps": 1, "copies": 1},
}
"""Experiments of this block, with options that make them short."""


def stream(seed: int = 3) -> Generator:
    """A stream of draws."""
    return Generator().manual_seed(seed)


def pictures(count: int = 30, side: int = 8) -> Split:
    """Random pictures, without two equal pixels, labelled in turn."""
    return Split(torch.rand(count, 1, side, side, generator=stream()), torch.arange(count) % 10)


def load(name: str) -> Experiment:
    """The experiment of that name."""
    experiment: Experiment = Catalog().load("experiments", name)
    return experiment


@pytest.mark.parametrize("name", SMALLEST)
def test_a_seed_decides_every_outcome(name: str) -> None:
    """The declared outcomes come back, accuracies as shares of 360 digits; the same seed gives them again, another others."""
    experiment = load(name)
    first, again, other = (experiment.perform(SMALLEST[name], seed=seed) for seed in (1, 1, 2))
    accuracies = [
        value for key, value in first.items() if not key.startswith("needed") and not key.endswith(("moved", "turned"))
    ]

    assert first == again != other
    for value in accuracies:
        assert value is not None
        assert 0 <= value <= 1
        assert abs(value * 360 - round(value * 360)) < 1e-9


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("data_size", {"pictures": "cats"}),
        ("data_size", {"steps": 0}),
        ("data_by_width", {"steps": 1.5}),
        ("data_quality", {"epochs": 0}),
        ("augmentation", {"copies": 0}),
        ("augmentation", {"pictures": "cats"}),
        ("input_scale", {"network": "p004_gru"}),
    ],
)
def test_options_are_checked(name: str, options: dict[str, Any]) -> None:
    """What an experiment cannot do is a usage error, before anything is trained."""
    with pytest.raises(UsageError, match=f"option {next(iter(options))} = "):
        load(name).perform(options, seed=1)


@pytest.mark.parametrize(("down", "right"), [*AROUND, (3, -2), (0, 0), (-8, 8)])
def test_moved_pictures_are_those_of_scipy(down: int, right: int) -> None:
    """Moving by whole pixels is scipy's shift without interpolation, background moving in."""
    split = pictures()
    expected = np.stack([ndimage.shift(image, (down, right), order=0, cval=0) for image in split.inputs[:, 0].numpy()])

    assert np.array_equal(expected, moved(split.inputs, down, right)[:, 0].numpy())


def test_moving_around_keeps_labels_and_loses_nothing_within_a_margin() -> None:
    """Eight versions of each picture, all different, with its label; within a margin each keeps its pixels."""
    splits = on_field(Splits(pictures(), pictures(5)), 2)
    around = moved_around(splits.train, 2)
    versions = around.inputs.unflatten(0, (8, 30))

    assert (30, 1, 12, 12) == tuple(splits.train.inputs.shape)
    assert torch.equal(splits.train.labels.repeat(8), around.labels)
    for first, second in itertools.combinations(versions, 2):
        assert not (first == second).flatten(1).all(dim=1).any()
    sorted_pixels = versions.flatten(2).sort(dim=2).values
    assert torch.equal(splits.train.inputs.flatten(1).sort(dim=1).values.expand(8, -1, -1), sorted_pixels)


def test_standardised_pixels_have_mean_0_and_deviation_1() -> None:
    """Pictures are standardised by numpy's mean and deviation of the training pixels, and others by the same two numbers."""
    split, other = pictures(), pictures(5)
    pixels = split.inputs.numpy().astype(np.float64)
    expected = (other.inputs.numpy() - pixels.mean()) / pixels.std(ddof=1)

    np.testing.assert_allclose(standardised(other, split.inputs).inputs.numpy(), expected, rtol=1e-4, atol=1e-5)
    assert torch.equal(other.labels, standardised(other, split.inputs).labels)


def test_a_mirrored_picture_is_one_of_two() -> None:
    """Each picture is as it was or numpy's left-right flip of it; with 200 pictures both come up 70 to 130 times."""
    split = pictures(200)
    found = mirrored(split.inputs, stream()).numpy()
    same = (found == split.inputs.numpy()).all(axis=(1, 2, 3))
    flipped = (found == np.flip(split.inputs.numpy(), axis=3)).all(axis=(1, 2, 3))

    assert np.array_equal(same, ~flipped)
    assert 70 <= flipped.sum() <= 130


def test_a_smaller_draw_is_the_head_of_a_larger_one() -> None:
    """Equal streams draw nested subsets without repeats, each picture with its own label; other streams draw others."""
    split = pictures()
    small, large, other = drawn(split, 5, stream()), drawn(split, 20, stream()), drawn(split, 20, stream(4))
    places = [int((split.inputs == picture).flatten(1).all(dim=1).nonzero()) for picture in large.inputs]

    assert torch.equal(large.inputs[:5], small.inputs)
    assert 20 == len(set(places))
    assert torch.equal(split.labels[places], large.labels)
    assert not torch.equal(large.inputs, other.inputs)


def test_without_a_change_augmentation_repeats() -> None:
    """Three versions of 30 pictures are the pictures three times, which is also numpy's tile."""
    split = pictures()
    copies = augmented(split, 3, None, stream())

    assert np.array_equal(np.tile(split.inputs.numpy(), (3, 1, 1, 1)), copies.inputs.numpy())
    assert torch.equal(copies.inputs, repeated(split, 3).inputs)
    assert torch.equal(split.labels.repeat(3), copies.labels)


def test_a_crop_is_a_move_within_the_border() -> None:
    """Every version is its original moved by at most a pixel each way, all nine moves come up, and labels stay."""
    split = pictures(100)
    border = BORDER["digits"]
    copies = augmented(split, 2, changes(border)["crop"], stream())
    moves = list(itertools.product(range(-border, border + 1), repeat=2))
    fits = torch.stack([(moved(split.inputs.repeat(2, 1, 1, 1), *move) == copies.inputs).flatten(1).all(1) for move in moves])

    assert torch.equal(torch.ones(200, dtype=torch.int64), fits.sum(dim=0))
    assert 9 == len(moves) == int(fits.any(dim=1).sum())
    assert torch.equal(split.labels.repeat(2), copies.labels)


def test_a_turn_moves_a_spot_by_at_most_its_angle() -> None:
    """A spot right of the centre ends within 15 degrees of where it was, on either side of it."""
    side = 33
    grid = torch.arange(side) - side // 2
    spot = torch.exp(-((grid[None, :] - 10) ** 2 + grid[:, None] ** 2) / 8.0)
    copies = augmented(Split(spot[None, None], torch.zeros(1, dtype=torch.int64)), 200, changes(1)["rotate"], stream())
    weights = copies.inputs[:, 0] / copies.inputs[:, 0].sum(dim=(1, 2), keepdim=True)
    across, along = (weights * grid[None, :, None]).sum((1, 2)), (weights * grid[None, None, :]).sum((1, 2))
    degrees = torch.rad2deg(torch.atan2(-across, along))

    assert 14 < degrees.max() < 15.2
    assert -15.2 < degrees.min() < -14
    assert abs(float(degrees.mean())) < 2.5


def test_turned_both_ways_is_scipys_rotation() -> None:
    """Inside the picture each copy is scipy's bilinear rotation, counter-clockwise first, with the labels twice."""
    split = pictures(10, side=17)
    found = turned_both_ways(split, 15)
    inside = (slice(None), slice(4, 13), slice(4, 13))

    assert torch.equal(split.labels.repeat(2), found.labels)
    for degrees, copy in ((15, found.inputs[:10, 0]), (-15, found.inputs[10:, 0])):
        expected = ndimage.rotate(split.inputs[:, 0].numpy(), degrees, axes=(2, 1), reshape=False, order=1)
        np.testing.assert_allclose(copy.numpy()[inside], expected[inside], atol=1e-4)


@pytest.mark.parametrize(("percent", "wrong"), [(0, 0), (5, 10), (40, 80), (100, 200)])
def test_exactly_so_many_labels_are_wrong(percent: int, wrong: int) -> None:
    """Of 200 labels so many per cent are another class; pictures and the split that was given stay as they are."""
    split = pictures(200)
    before = split.labels.clone()
    spoiled = wrong_labels(split, percent, stream())

    assert wrong == int((spoiled.labels != split.labels).sum())
    assert torch.equal(before, split.labels)
    assert spoiled.inputs is split.inputs
    assert set(range(10)) >= set(spoiled.labels.tolist())


def test_wrong_labels_of_a_lower_level_stay_wrong_at_a_higher_one() -> None:
    """The labels that are wrong at 5 % are the same wrong ones at 40 %; the nine other classes are equally likely."""
    split = Split(torch.zeros(20_000, 1), torch.arange(20_000) % 10)
    low, high = (wrong_labels(split, percent, stream()).labels for percent in (5, 40))
    changed = low != split.labels
    steps = (high - split.labels) % 10

    assert torch.equal(low[changed], high[changed])
    counts = torch.bincount(steps[steps > 0], minlength=10)[1:].double()
    chi_squared = float(((counts - 8000 / 9) ** 2 / (8000 / 9)).sum())
    assert chi_squared < 26.1  # 0.999 quantile at 8 degrees of freedom


def test_noise_has_the_declared_deviation() -> None:
    """Noise of 20 % has a standard deviation of 0.2 around 0, and that of 80 % is four times as large in every pixel."""
    split = pictures(500)
    low, high = (noisy(split, percent, stream()).inputs - split.inputs for percent in (20, 80))

    assert abs(float(low.mean())) < 0.005
    assert abs(float(low.std()) - 0.2) < 0.005
    torch.testing.assert_close(4 * low, high, rtol=1e-4, atol=1e-5)
    assert torch.equal(split.inputs, noisy(split, 0, stream()).inputs)


@pytest.mark.parametrize(
    ("curve", "share", "expected"),
    [
        ({100: 0.5, 400: 0.9, 800: 1.0}, 0.7, 200.0),
        ({100: 0.5, 400: 0.9, 800: 1.0}, 0.9, 400.0),
        ({100: 0.5, 400: 0.9, 800: 1.0}, 0.95, 400 * math.sqrt(2)),
        ({100: 0.5, 400: 0.9, 800: 1.0}, 0.3, 100.0),
        ({100: 0.5, 400: 0.4, 800: 0.8}, 0.95, 400 * 2**0.9),
        ({10: 0.2, 20: 0.2, 40: 0.2}, 1.0, 10.0),
    ],
)
def test_samples_needed_by_hand(curve: dict[int, float], share: float, expected: float) -> None:
    """The size at which a curve first reaches a share of its end, halfway in logarithms where it is halfway in accuracy."""
    assert expected == pytest.approx(samples_needed(curve, share), rel=1e-12)


def test_samples_needed_on_a_rising_curve_is_numpys_interpolation() -> None:
    """For a curve that always rises the answer is numpy's linear interpolation of log samples over accuracy."""
    draws = np.random.RandomState(0)
    for _ in range(20):
        curve = dict(zip((36, 72, 144, 359, 718, 1437), np.sort(draws.uniform(0.1, 1, 6)).tolist(), strict=True))
        expected = np.exp(np.interp(0.95 * curve[1437], list(curve.values()), np.log(list(curve))))

        assert float(expected) == pytest.approx(samples_needed(curve, 0.95))


class Scaled(nn.Module):
    """A linear classifier whose loss overflows where its inputs are asked to be large."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(64, 10)

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """Return the logits, [B, K]."""
        logits_BK: Tensor = self.layer(x_BCHW.flatten(1))
        return logits_BK


def test_every_rate_starts_alike_and_is_scored_on_what_no_training_sees() -> None:
    """Accuracy and loss of each rate are those of a fifth held out by the split stream, worked out here from the weights."""
    setting = Setting(5)
    splits = setting.data("digits")
    trained = train_at(setting, Scaled, splits, (1e-3, 1e-2), steps=20)
    held_out = torch.randperm(1437, generator=generator(5, "split"))[: round(1437 * HELD_OUT)]

    for lr, each in trained.items():
        logits = each.model(splits.train.inputs[held_out]).detach()
        accuracy = (logits.argmax(1) == splits.train.labels[held_out]).double().mean().item()
        assert lr == each.lr
        assert accuracy == pytest.approx(each.validation[0])
        assert F.cross_entropy(logits, splits.train.labels[held_out]).item() == pytest.approx(-each.validation[1], rel=1e-5)
    first, second = (train_at(setting, Scaled, splits, (lr,), steps=1, optimizer="sgd")[lr].model for lr in (1e-9, 1e-9))
    assert torch.equal(first.get_parameter("layer.weight"), second.get_parameter("layer.weight"))


def test_a_training_that_diverges_is_never_the_best() -> None:
    """A rate at which the loss becomes infinite or no number ranks below any that stays finite, and is kept as it is."""
    setting = Setting(1)
    splits = setting.data("digits", scale="raw")
    trained = train_at(setting, Scaled, splits, (1e38, 1e-5), steps=20, optimizer="sgd")

    assert (-math.inf, -math.inf) == trained[1e38].validation
    assert trained[1e-5] is best(trained.values())


def test_the_best_is_the_most_accurate_then_the_surest() -> None:
    """Accuracy on the samples held out decides, then the lower loss, then the earlier rate."""
    model = nn.Identity()
    low, high = Trained(model, 1.0, (0.9, -0.1)), Trained(model, 2.0, (0.95, -0.9))
    surer, again = Trained(model, 3.0, (0.95, -0.5)), Trained(model, 4.0, (0.95, -0.5))

    assert high is best([low, high])
    assert surer is best([low, high, surer, again])


def test_each_scale_has_a_rate_of_its_own_grid() -> None:
    """A scale gives an accuracy, the rate of its grid at which it was reached, and the accuracy at the articles' rate; the
    declared outcomes are these of every optimiser and scale."""
    setting = Setting(1)
    splits = setting.data("digits", shape=(1, 28, 28), scale="raw")
    found = compare(setting, splits, "a000_lenet_gray28", 1, "adam", "raw")
    names = [f"{optimizer}_{scale}" for optimizer, scale in itertools.product(RATES, ("raw", "unit", "standard"))]

    assert {"adam_raw", "adam_raw_rate", "adam_raw_article"} == set(found)
    assert found["adam_raw_rate"] in RATES["adam"]["raw"]
    if found["adam_raw_rate"] == ARTICLE:
        assert found["adam_raw"] == found["adam_raw_article"]
    assert {f"{name}{ending}" for name in names for ending in ("", "_rate", "_article")} == set(load("input_scale").outcomes)
    assert all(ARTICLE in rates for scales in RATES.values() for rates in scales.values())
