"""Ratings: generated likes of users for items, from tastes of a few dimensions; one liked item of each user is held out.

Implicit feedback for recommendation. User u's preference for item i is the product of their taste vectors, of `rank` whole
numbers each, plus the item's popularity: roughly normal, all of them. What u likes are the `positives` + 1 items with the
highest preference after noise, `noise` times as wide as the products. One of these, at random, is the test item, the others
are for training. Items that are not among a user's are unrated, not disliked.

Each user has the same number of training items. Chance of the held-out item among k recommended of those not yet rated:
k / (items - positives), 0.11 for 10 with the defaults. Best possible: ranking by the true preferences (Recall@10 0.85
and NDCG@10 0.62 with the defaults; by popularity 0.36 and 0.21).

Shape suffixes: U users, I items, P training items of a user, R rank.
"""

from __future__ import annotations

import numpy as np
import torch

from harness.data._base import Dataset, LoadContext, Split, Splits
from harness.data._generated import BYTE_SUM_VARIANCE, Numbers, Reals, draw_bell, stream
from harness.options import check_count, check_real
from harness.vocabulary import Vocabulary

POPULARITY = 148
"""Makes the popularity as wide as one product of tastes: the standard deviation of a sum of bytes, rounded."""


def load(
    context: LoadContext,
    *,
    users: int = 200,
    items: int = 100,
    rank: int = 4,
    positives: int = 10,
    noise: float = 0.5,
) -> Splits:
    """Return (user, liked item) pairs; ids count from 0, there is no id for padding.

    Inputs are user ids, int64 [N], labels item ids, int64 [N]. Training: `positives` rows for each user, in the users'
    order. Test: one row for each user, in the same order, with an item that is none of the user's training items. There
    are no classes; the vocabularies are the users and the items. An item that nobody likes is in no row.

    Args:
        context: nothing is fetched.
        users: how many there are.
        items: how many there are.
        rank: dimensions of the tastes.
        positives: training items of each user, at most items - 2.
        noise: 0 and more; 0 makes the preferences decide alone.

    Raises:
        UsageError: an option that is not allowed.
    """
    check_count("users", users, 2, 10_000)
    check_count("items", items, 3, 10_000)
    check_count("rank", rank, 1, 100)
    check_count("positives", positives, 1, items - 2)
    check_real("noise", noise, 0, 100)
    liked_UP = _liked(preferences(users, items, rank), rank, positives + 1, noise)
    held_out_U = stream("ratings/held_out").randint(0, positives + 1, users, dtype=np.int64)
    is_test_UP = np.arange(positives + 1) == held_out_U[:, None]
    train = Split(torch.arange(users).repeat_interleave(positives), torch.from_numpy(liked_UP[~is_test_UP]))
    test = Split(torch.arange(users), torch.from_numpy(liked_UP[is_test_UP]))
    names = (Vocabulary(tuple(f"{kind} {number}" for number in range(count))) for kind, count in _counts(users, items))
    return Splits(train, test, vocabularies=tuple(names))


def _counts(users: int, items: int) -> tuple[tuple[str, int], ...]:
    return ("user", users), ("item", items)


def preferences(users: int, items: int, rank: int) -> Numbers:
    """Return the true preferences, [U, I]: of rank `rank` + 1 (the popularity of items adds one)."""
    taste_UR = draw_bell(f"ratings/{rank}/users", (users, rank))
    trait_IR = draw_bell(f"ratings/{rank}/items", (items, rank))
    popularity_I = draw_bell("ratings/popularity", items)
    return np.asarray(taste_UR @ trait_IR.T + POPULARITY * popularity_I)


def _liked(preferences_UI: Numbers, rank: int, count: int, noise: float) -> Numbers:
    """Return the `count` items that each user likes most after noise, best first."""
    width = noise * np.sqrt(BYTE_SUM_VARIANCE * rank)
    felt_UI: Reals = preferences_UI + width * draw_bell("ratings/noise", preferences_UI.shape)
    return np.argsort(-felt_UI, axis=1, kind="stable")[:, :count].astype(np.int64)


DATASET = Dataset(
    load=load,
    shape=(),
    sizes=(2000, 200),
    source="generated; tastes of low rank with popularity and noise",
    synthetic=True,
)
