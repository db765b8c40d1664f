"""What the generated data sets share: recorded bytes, prefixes, balance, independent splits, options that are not allowed."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from harness.data import Split, Splits
from harness.data._base import LoadContext
from harness.data._generated import BYTE_SUM_VARIANCE, draw, draw_bell, draw_classes, encode, stream, symbols
from harness.digests import tensors_digest
from harness.errors import UsageError

Options = dict[str, Any]

RECORDED: list[tuple[str, Options, str]] = [
    ("recall", {}, "7a1279aa3c83fa676cb77002a226a7b4d0f611355e0c331b26f2d9011f3f2afa"),
    (
        "recall",
        {"encoding": "onehot", "length": 7, "train_samples": 50, "test_samples": 20},
        "7efabc5c4b3c8408e347973a68c06c922e41ec81cbfa771b9e4308dce052b157",
    ),
    ("adding", {}, "04427693297a228466429072f7939c6b2de30cf572d77a4ed4ec9f09d9acc0be"),
    (
        "adding",
        {"length": 30, "levels": 3, "train_samples": 50, "test_samples": 20},
        "87f82ed650d242352ae9de53b0e38767b687d7ac2496462cfbc50fe6a4618614",
    ),
    ("markov", {}, "64538acddfe416beed91693c0e584e161e8caab9f0f424e80ec7b89923309d51"),
    (
        "markov",
        {"encoding": "onehot", "pad": "left", "order_only": True, "train_samples": 50, "test_samples": 20},
        "5bcc9b51c349baa7e7cd3db7e17e4ebcf3a69cff3c535f49337e542f67c09a49",
    ),
    ("motifs", {}, "72d391041ae9c79ecd68f1f59da09df8a19c80469db64f07ec39df1d7bc7de17"),
    (
        "motifs",
        {"motifs": 3, "mutation": 0.0, "train_samples": 50, "test_samples": 20},
        "dddcdf8b02962fd2e2f968e243fe68e096e4d9e185b547c0d6baa8fb49402b94",
    ),
    ("moving_digits", {}, "747daaf44e1da1705e83c8fe2c6e1dfcc10630d449fbe386a8714a6881115798"),
    (
        "moving_digits",
        {"directions": 4, "speed": 3, "frames": 4, "train_samples": 50, "test_samples": 20},
        "b51dffeda59dd10a9b27094d6eac6883c54fd60e3b3a949ecd14a6a15e27a6f5",
    ),
    ("ratings", {}, "07b682390b1a1206d094d218e20dbd36d4fcad492d8a079d9d806b9deb350766"),
    ("ratings", {"rank": 2, "noise": 0, "users": 50}, "51d381b85766433c0173161faed8e6f397dbcd5a171fba3807971a6ce57c316c"),
    ("spectrograms", {}, "6e15e87b37fd3f4c858c1e84542e187cc39b03d4554082649248f0e24bbe1a3e"),
    (
        "spectrograms",
        {"classes": 14, "noise": 1, "train_samples": 50, "test_samples": 20},
        "42cc4c1e23d16a5f0d68af5b5c703355018d00c153c8d9456d313c74526da9c6",
    ),
]
"""Data set, options, SHA-256 of training inputs and labels and test inputs and labels."""

SIZED = ("adding", "markov", "motifs", "moving_digits", "recall", "spectrograms")
BALANCED = ("markov", "motifs", "moving_digits", "recall", "spectrograms")

WRONG = [
    ("recall", {"length": 0}, "option length = 0: not a whole number in reach; allowed: 1 to 1000"),
    ("recall", {"classes": 97}, "option classes = 97: not a whole number in reach; allowed: 2 to 96"),
    ("recall", {"vocabulary": 5}, "option vocabulary = 5: not a whole number in reach; allowed: 6 to 10000"),
    ("recall", {"encoding": "one-hot"}, "option encoding = 'one-hot': unknown, did you mean 'onehot'?; allowed: ids, onehot"),
    ("adding", {"length": 1}, "option length = 1: not a whole number in reach; allowed: 2 to 1000"),
    ("adding", {"levels": 1}, "option levels = 1: not a whole number in reach; allowed: 2 to 100"),
    ("markov", {"shortest": 21}, "option shortest = 21: not a whole number in reach; allowed: 1 to 20"),
    ("markov", {"sharpness": 1.5}, "option sharpness = 1.5: not a number in reach; allowed: 0 to 1"),
    ("markov", {"sharpness": True}, "option sharpness = True: not a number in reach; allowed: 0 to 1"),
    ("markov", {"pad": "middle"}, "option pad = 'middle': unknown; allowed: right, left"),
    ("markov", {"order_only": "yes"}, "option order_only = 'yes': neither true nor false"),
    ("motifs", {"length": 6}, "option motif_length = 8: not a whole number in reach; allowed: 4 to 6"),
    ("motifs", {"motifs": 0}, "option motifs = 0: not a whole number in reach; allowed: 1 to 50"),
    ("motifs", {"mutation": 0.8}, "option mutation = 0.8: not a number in reach; allowed: 0 to 0.75"),
    ("moving_digits", {"directions": 6}, "option directions = 6: unknown; allowed: 4, 8"),
    ("moving_digits", {"directions": 4.0}, "option directions = 4.0: unknown, did you mean '4'?; allowed: 4, 8"),
    ("recall", {"encoding": ["ids"]}, "option encoding = ['ids']: unknown, did you mean 'ids'?; allowed: ids, onehot"),
    ("moving_digits", {"speed": 14}, "option speed = 14: not a whole number in reach; allowed: 1 to 13"),
    ("moving_digits", {"frames": 1}, "option frames = 1: not a whole number in reach; allowed: 2 to 100"),
    ("ratings", {"positives": 99}, "option positives = 99: not a whole number in reach; allowed: 1 to 98"),
    ("ratings", {"noise": -0.1}, "option noise = -0.1: not a number in reach; allowed: 0 to 100"),
    ("spectrograms", {"classes": 15}, "option classes = 15: not a whole number in reach; allowed: 2 to 14"),
    ("spectrograms", {"noise": "0"}, "option noise = '0': not a number in reach; allowed: 0 to 10"),
    *(
        (name, {option: value}, f"option {option} = {value}: not a whole number in reach; allowed: 1 to ")
        for name in SIZED
        for option, value in (("train_samples", 0), ("test_samples", 10**6), ("train_samples", True))
    ),
]


def load(name: str, **options: Any) -> Splits:
    """Load from folders that do not exist: nothing may be fetched."""
    module = importlib.import_module(f"harness.data.{name}")
    splits: Splits = module.load(LoadContext(Path("/nonexistent/data"), None, Path("/nonexistent")), **options)
    return splits


def tensors(splits: Splits) -> tuple[torch.Tensor, ...]:
    """Every tensor."""
    return splits.train.inputs, splits.train.labels, splits.test.inputs, splits.test.labels


def samples(split: Split) -> set[bytes]:
    """Each input's bytes."""
    return {row.tobytes() for row in split.inputs.numpy()}


@pytest.mark.parametrize(("name", "options", "digest"), RECORDED)
def test_the_bytes_are_the_recorded_ones(name: str, options: Options, digest: str) -> None:
    """The data set is the same on every machine, with every NumPy and in every release."""
    assert digest == tensors_digest(tensors(load(name, **options)))


@pytest.mark.parametrize("name", SIZED)
def test_a_smaller_split_is_the_first_part_of_a_larger_one(name: str) -> None:
    """Sizes say only how many: the samples themselves and the other split stay as they are."""
    larger, smaller = load(name, train_samples=40, test_samples=30), load(name, train_samples=17, test_samples=11)

    for many, few in zip(tensors(larger), tensors(smaller), strict=True):
        assert torch.equal(many[: len(few)], few)
    assert (17, 11) == (len(smaller.train), len(smaller.test))


@pytest.mark.parametrize("name", SIZED)
def test_no_test_sample_is_a_training_sample(name: str) -> None:
    """Nothing is tested on what was trained on, and no sample comes twice."""
    splits = load(name)

    assert samples(splits.train).isdisjoint(samples(splits.test))
    assert (len(splits.train), len(splits.test)) == (len(samples(splits.train)), len(samples(splits.test)))


@pytest.mark.parametrize("name", BALANCED)
@pytest.mark.parametrize("count", [100, 123])
def test_classes_are_balanced_to_the_sample(name: str, count: int) -> None:
    """No class has two samples more than another, so that chance is 1 / classes."""
    splits = load(name, train_samples=count, test_samples=count)
    for split in (splits.train, splits.test):
        counts = torch.bincount(split.labels, minlength=len(splits.classes))
        assert counts.max() - counts.min() <= 1


@pytest.mark.parametrize("name", BALANCED)
def test_the_order_of_classes_tells_nothing(name: str) -> None:
    """The class of a sample does not follow from the one before it, but for one round of classes."""
    splits = load(name)
    classes = len(splits.classes)
    pairs = torch.bincount(splits.train.labels[:-1] * classes + splits.train.labels[1:], minlength=classes**2)
    expected = len(splits.train) / classes**2

    assert pairs.view(classes, classes).fill_diagonal_(0).max() <= 3 * expected + 10


@pytest.mark.parametrize("name", BALANCED)
def test_a_class_without_samples_stays_a_class(name: str) -> None:
    """One sample is a data set too: the classes are the same, so a model has the same outputs."""
    whole, tiny = load(name), load(name, train_samples=1, test_samples=1)

    assert whole.classes == tiny.classes
    assert torch.equal(whole.train.labels[:1], tiny.train.labels)


@pytest.mark.parametrize(("name", "options", "message"), WRONG)
def test_an_option_that_is_not_allowed_is_a_usage_error(name: str, options: Options, message: str) -> None:
    """The message names the option, what was found and what is allowed."""
    with pytest.raises(UsageError) as caught:
        load(name, **options)

    assert message in str(caught.value)


def test_streams_of_different_names_are_unrelated() -> None:
    """No two quantities follow the same draws."""
    first, second = (stream(name).random_sample(4000) for name in ("a/train/x", "a/train/y"))

    assert abs(np.corrcoef(first, second)[0, 1]) < 4 / 4000**0.5
    assert np.array_equal(first, stream("a/train/x").random_sample(4000))


def test_draws_are_uniform() -> None:
    """Each number is about as frequent as the next: within five standard deviations."""
    counts = np.bincount(draw("test/draws", (300, 100), 10).ravel(), minlength=10)

    assert np.abs(counts - 3000).max() <= 5 * (30000 * 0.1 * 0.9) ** 0.5


def test_bell_draws_are_sums_of_four_bytes() -> None:
    """Each is the sum of the four bytes of a drawn word less their mean, with the stated variance, and no outliers."""
    words = stream("test/bell").randint(0, 1 << 32, 50_000, dtype=np.uint32)
    expected = [sum(int(word).to_bytes(4, "little")) - 4 * 127.5 for word in words]
    drawn = draw_bell("test/bell", 50_000)

    assert expected == drawn.tolist()
    assert drawn.var() == pytest.approx(BYTE_SUM_VARIANCE, rel=0.03)
    assert 4 * (256**2 - 1) / 12 == BYTE_SUM_VARIANCE


def test_classes_come_in_rounds() -> None:
    """Every run of as many samples as classes, from the start, holds each class once."""
    labels = draw_classes("test/classes", 22, 5)

    assert [list(range(5))] * 4 == [sorted(labels[start : start + 5]) for start in range(0, 20, 5)]
    assert 22 == len(labels)


def test_onehot_is_the_same_as_ids() -> None:
    """A 1 at the id and zeros elsewhere; nothing at all where there is padding."""
    ids = np.array([[4, 7, 0], [5, 0, 0]])
    onehot = encode(ids, "onehot", 8)

    assert torch.equal(torch.from_numpy(ids), encode(ids, "ids", 8))
    expected = torch.zeros(2, 3, 8)
    expected[0, 0, 4] = expected[0, 1, 7] = expected[1, 0, 5] = 1
    assert torch.equal(expected, onehot)


def test_symbols_start_after_the_special_ids() -> None:
    """The first symbol has id 4."""
    assert ("<pad>", "<unk>", "<s>", "</s>", "s0", "s1") == symbols(6).words
