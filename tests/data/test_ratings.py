"""Ratings: users like what their tastes of low rank, popularity and noise say; one liked item of each is held out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import torch

from harness.data import LoadContext, Splits
from harness.data.ratings import load, preferences

CONTEXT = LoadContext(Path("/nonexistent/data"), None, Path("/nonexistent"))
Reals = npt.NDArray[np.float64]


@pytest.fixture(scope="module")
def splits() -> Splits:
    """The data set with default options."""
    return load(CONTEXT)


def training_items(splits: Splits) -> dict[int, list[int]]:
    """Each user's items of the training split."""
    found: dict[int, list[int]] = {user: [] for user in splits.test.inputs.tolist()}
    for user, item in zip(splits.train.inputs.tolist(), splits.train.labels.tolist(), strict=True):
        found[user].append(item)
    return found


def ranked(splits: Splits, scores: Reals) -> tuple[float, float]:
    """Return Recall@10 and NDCG@10 of ranking by scores, [users, items], with training items left out, in loops."""
    known, recall, gain = training_items(splits), 0.0, 0.0
    for user, item in zip(splits.test.inputs.tolist(), splits.test.labels.tolist(), strict=True):
        order = [other for other in np.argsort(-scores[user], kind="stable") if other not in known[user]]
        place = order.index(item)
        if place < 10:
            recall += 1
            gain += 1 / np.log2(place + 2)
    return recall / len(splits.test), gain / len(splits.test)


def popularity(splits: Splits) -> Reals:
    """How often each item is in the training split, for every user alike."""
    items = len(splits.vocabularies[1])
    counts = np.bincount(splits.train.labels.numpy(), minlength=items).astype(np.float64)
    return np.broadcast_to(counts, (len(splits.test), items))


def test_rows_are_pairs_of_user_and_liked_item(splits: Splits) -> None:
    """Ten training rows for each of 200 users, one test row each, int64 ids that count from 0; no classes."""
    assert [user for user in range(200) for _ in range(10)] == splits.train.inputs.tolist()
    assert list(range(200)) == splits.test.inputs.tolist()
    for split in (splits.train, splits.test):
        assert torch.int64 == split.inputs.dtype == split.labels.dtype
        assert split.labels.shape == split.inputs.shape == (len(split),)
        assert 0 <= split.labels.min() <= split.labels.max() < 100
    assert () == splits.classes
    users, items = splits.vocabularies
    assert ("user 0", "user 199", "item 0", "item 99") == (users.words[0], users.words[-1], items.words[0], items.words[-1])


@pytest.mark.parametrize("options", [{}, {"users": 30, "items": 12, "positives": 10}, {"users": 2, "items": 3, "positives": 1}])
def test_the_held_out_item_is_none_of_the_users_training_items(options: dict[str, int]) -> None:
    """Each user has the asked number of different training items, and another for testing."""
    splits = load(CONTEXT, **options)
    known = training_items(splits)

    for user, item in zip(splits.test.inputs.tolist(), splits.test.labels.tolist(), strict=True):
        assert item not in known[user]
        assert options.get("positives", 10) == len(set(known[user])) == len(known[user])


def test_without_noise_users_like_what_they_prefer() -> None:
    """Training and held-out items are then exactly the eleven with the highest true preference."""
    splits = load(CONTEXT, noise=0)
    known = training_items(splits)
    for user, scores in enumerate(preferences(200, 100, 4)):
        liked = [*known[user], int(splits.test.labels[user])]
        assert min(scores[liked]) >= max(np.delete(scores, liked))


@pytest.mark.parametrize("rank", [1, 4, 7])
def test_preferences_have_the_rank_asked_for(rank: int) -> None:
    """Tastes of `rank` dimensions and popularity make a matrix of rank one more; centred over users, of `rank`."""
    matrix = preferences(60, 50, rank).astype(np.float64)

    assert rank + 1 == np.linalg.matrix_rank(matrix)
    assert rank == np.linalg.matrix_rank(matrix - matrix.mean(axis=0))


def test_the_ceiling_and_the_baselines_are_the_documented_ones(splits: Splits) -> None:
    """Recall@10 and NDCG@10: true preferences .85 and .62, popularity .36 and .21, chance 10/90 and its mean gain."""
    random = [ranked(splits, np.random.RandomState(seed).random_sample((200, 100))) for seed in range(20)]
    chance = sum(1 / np.log2(place + 2) for place in range(10)) / 90

    assert (0.85, 0.62) == pytest.approx(ranked(splits, preferences(200, 100, 4).astype(np.float64)), abs=0.02)
    assert (0.36, 0.21) == pytest.approx(ranked(splits, popularity(splits)), abs=0.005)
    assert (10 / 90, chance) == pytest.approx(np.mean(random, axis=0), abs=0.02)


def test_less_noise_makes_the_held_out_item_easier() -> None:
    """With none the true preferences rank the held-out item first for everyone, since only liked items are above it."""
    without, much = (ranked(load(CONTEXT, noise=noise), preferences(200, 100, 4).astype(np.float64)) for noise in (0, 2))

    assert (1.0, 1.0) == without
    assert much[0] < 0.6


def test_the_held_out_item_is_any_of_the_liked_ones() -> None:
    """Its place among a user's liked items, by true preference without noise, is uniform."""
    splits = load(CONTEXT, users=2000, noise=0)
    known, scores = training_items(splits), preferences(2000, 100, 4)
    above = [
        sum(scores[user, item] > scores[user, held_out] for item in known[user])
        for user, held_out in enumerate(splits.test.labels.tolist())
    ]

    counts = np.bincount(above, minlength=11)
    assert 11 == len(counts)
    assert np.abs(counts - 2000 / 11).max() <= 5 * (2000 / 11) ** 0.5
