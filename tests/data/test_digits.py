"""The digits: fixed bytes, a fixed stratified split, documented constants."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits

from harness.data import LoadContext, Splits
from harness.data.digits import DATASET, MEAN, STD, load
from harness.errors import UsageError

DIGESTS = {
    "raw": "12aa7acca544d86675fb472e9b9597e98783b230e2a6c1acf7a19eb5d77fb2d1",
    "standard": "b515331a169d75577fdddce9d4fdbf5c48767ddb0c514637e20b604807803aed",
}
"""SHA-256 of both splits at native size."""


def context(shape: tuple[int, ...] | None = None) -> LoadContext:
    """Return a context whose folders do not exist: nothing may be fetched."""
    return LoadContext(Path("/nonexistent"), shape, Path("/nonexistent"))


def digest(splits: Splits) -> str:
    """Return SHA-256 of every tensor."""
    parts = (splits.train.inputs, splits.train.labels, splits.test.inputs, splits.test.labels)
    return hashlib.sha256(b"".join(part.numpy().tobytes() for part in parts)).hexdigest()


@pytest.mark.parametrize("scale", DIGESTS)
def test_the_bytes_are_the_recorded_ones(scale: str) -> None:
    """The data set is the same on every machine and in every release."""
    assert DIGESTS[scale] == digest(load(context(), scale=scale))


def test_two_loads_give_the_same_bytes_whatever_the_global_seed() -> None:
    """Loading draws on no global random state and leaves it alone."""
    np.random.seed(1)
    first = digest(load(context((3, 28, 28))))
    untouched = np.random.random()
    np.random.seed(1)

    assert np.random.random() == untouched
    assert first == digest(load(context((3, 28, 28))))


def test_sizes_shapes_and_types() -> None:
    """1,437 training and 360 test images of 8x8, float32 and int64, as declared."""
    splits = load(context())

    assert DATASET.sizes == (len(splits.train), len(splits.test)) == (1437, 360)
    assert DATASET.shape == tuple(splits.train.inputs.shape[1:]) == tuple(splits.test.inputs.shape[1:])
    assert splits.train.inputs.dtype == splits.test.inputs.dtype == torch.float32
    assert splits.train.labels.dtype == splits.test.labels.dtype == torch.int64
    assert splits.classes == tuple("0123456789")


def test_the_splits_are_scikit_learns_samples_each_once() -> None:
    """Training and test samples together are the 1,797 of scikit-learn: none twice, none lost, labels kept."""
    bunch = load_digits()
    splits = load(context(), scale="raw")
    images = torch.cat([splits.train.inputs, splits.test.inputs]).flatten(1).div(255 / 16).round().numpy()
    labels = torch.cat([splits.train.labels, splits.test.labels]).numpy()

    ours = sorted(map(tuple, np.column_stack([images, labels]).astype(int)))

    assert sorted(map(tuple, np.column_stack([bunch.data, bunch.target]).astype(int))) == ours


def test_sixteenths_become_grey_levels() -> None:
    """Value v of 0 to 16 becomes v * 255 / 16, rounded, so that black and white are 0 and 255."""
    levels = torch.unique(load(context(), scale="raw").train.inputs).tolist()

    assert [int(value * 255 / 16 + 0.5) for value in range(17)] == levels


def test_the_split_is_stratified() -> None:
    """Each class has its fifth in the test split, to the sample."""
    splits = load(context())
    train, test = (torch.bincount(split.labels, minlength=10) for split in (splits.train, splits.test))

    assert ((train + test) / 5 - test).abs().max() < 1


@pytest.mark.parametrize("limit", [100, 300])
def test_the_first_samples_are_a_fair_draw(limit: int) -> None:
    """A prefix holds every class about equally often: within four binomial deviations of a tenth."""
    splits = load(context(), train_limit=limit, test_limit=limit)

    for split in (splits.train, splits.test):
        counts = torch.bincount(split.labels, minlength=10)
        assert limit == len(split)
        assert (counts - limit / 10).abs().max() <= 4 * (limit * 0.1 * 0.9) ** 0.5


def test_a_limit_gives_a_prefix() -> None:
    """Limited splits are the first samples of the whole ones."""
    whole, part = load(context()), load(context(), train_limit=50, test_limit=20)

    assert torch.equal(whole.train.inputs[:50], part.train.inputs)
    assert torch.equal(whole.test.labels[:20], part.test.labels)


def test_the_constants_are_those_of_the_training_split() -> None:
    """MEAN and STD are the training pixels' own, to the digits given, and standardise them."""
    unit = load(context(), scale="unit").train.inputs.double()
    standard = load(context()).train.inputs

    assert round(unit.mean().item(), 4) == MEAN
    assert round(unit.std(correction=0).item(), 4) == STD
    assert standard.mean().item() == pytest.approx(0, abs=2e-4)
    assert standard.std().item() == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize(("scale", "low", "high"), [("unit", 0, 1), ("raw", 0, 255)])
def test_ranges(scale: str, low: float, high: float) -> None:
    """unit goes from 0 to 1, raw from 0 to 255, both ends reached."""
    inputs = load(context(), scale=scale).train.inputs

    assert (low, high) == (inputs.min().item(), inputs.max().item())


@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 32, 32), (3, 24, 24), (1, 18, 18)])
def test_any_image_model_is_served(shape: tuple[int, int, int]) -> None:
    """Digits are resized and repeated to the shape that a model takes."""
    splits = load(context(shape), train_limit=5, test_limit=5)

    assert shape == tuple(splits.train.inputs.shape[1:]) == tuple(splits.test.inputs.shape[1:])


def test_a_limit_beyond_the_split_is_a_usage_error() -> None:
    """More samples than there are cannot be asked for."""
    with pytest.raises(UsageError, match="option train_limit = 1438: not a number of samples; allowed: 1 to 1437, or left out"):
        load(context(), train_limit=1438)
