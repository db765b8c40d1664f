"""Recommendation: BPR against its formula, negatives against a count, recall and NDCG against loops and scikit-learn."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import product
from typing import Any

import numpy as np
import pytest
import torch
from scipy.stats import chisquare
from sklearn.metrics import ndcg_score
from torch import Tensor, nn

from harness.catalog import Catalog
from harness.data import Split, Splits, Vocabulary
from harness.errors import DataError, UsageError
from harness.models import DataSpec
from harness.tasks import Learning, Task
from harness.tasks.recommendation import LENGTH, Liked

TASK: Task = Catalog().load("tasks", "recommendation")
USERS, ITEMS = 9, 40


@pytest.fixture(autouse=True)
def _own_random_stream() -> Iterator[None]:
    with torch.random.fork_rng():
        torch.manual_seed(11)
        yield


class Table(nn.Module):
    """A recommender that knows a score for each pair."""

    def __init__(self, scores_UI: Tensor) -> None:
        super().__init__()
        self.scores = nn.Parameter(scores_UI)

    def forward(self, users_B: Tensor, items_B: Tensor) -> Tensor:
        return self.scores[users_B, items_B]


class Dropped(Table):
    """The same, with half of its scores left out in training."""

    def forward(self, users_B: Tensor, items_B: Tensor) -> Tensor:
        return nn.functional.dropout(super().forward(users_B, items_B), 0.5, self.training)


def pairs(found: list[tuple[int, int]]) -> Split:
    """A split of (user, item) pairs."""
    users, items = torch.tensor(found, dtype=torch.int64).reshape(-1, 2).unbind(1)
    return Split(users, items)


def splits(train: Split, test: Split, users: int = USERS, items: int = ITEMS) -> Splits:
    """A data set of ratings."""
    return Splits(
        train, test, vocabularies=(Vocabulary(tuple(map(str, range(users)))), Vocabulary(tuple(map(str, range(items)))))
    )


@pytest.fixture
def data() -> Splits:
    """Each user likes some items, users differing in how many; one or two others are held out."""
    draw = np.random.RandomState(3)
    train, test = [], []
    for user in range(USERS):
        liked = draw.permutation(ITEMS)[: 3 + 2 * user].tolist()
        held = 1 + user % 2
        test += [(user, item) for item in liked[:held]]
        train += [(user, item) for item in liked[held:]]
    return splits(pairs(train), pairs(test))


def start(data: Splits) -> Learning:
    """The task on a data set."""
    return TASK.start(data)


def loss(data: Splits, model: nn.Module, batch: Split) -> Tensor:
    """A training loss."""
    result = start(data).turns[0].loss(model, batch.inputs, batch.labels)
    assert isinstance(result, Tensor)
    return result


def liked_by(data: Splits, user: int) -> set[int]:
    """What a user liked in training."""
    return {item for each, item in zip(data.train.inputs.tolist(), data.train.labels.tolist(), strict=True) if each == user}


def rank_by_loop(scores_UI: Tensor, data: Splits, user: int, target: int) -> int:
    """1 and every other item, not liked in training, that is not surely worse."""
    rank = 1
    for item in range(ITEMS):
        if item != target and item not in liked_by(data, user) and not scores_UI[user, item] < scores_UI[user, target]:
            rank += 1
    return rank


@pytest.mark.parametrize("batch_size", [1, 4, 100])
@pytest.mark.parametrize("levels", [3, 10**9])
def test_scores_equal_loops(data: Splits, batch_size: int, levels: int) -> None:
    """Recall and NDCG are those of ranks counted one by one, with many ties and with none, whatever the batch size."""
    scores_UI = torch.randint(levels, (USERS, ITEMS)).double()
    ranks = [
        rank_by_loop(scores_UI, data, *pair) for pair in zip(data.test.inputs.tolist(), data.test.labels.tolist(), strict=True)
    ]

    values = start(data).evaluate(Table(scores_UI), data.test, batch_size).values

    assert values["recall_at_10"] == pytest.approx(sum(rank <= 10 for rank in ranks) / len(ranks), rel=1e-12)
    gains = [1 / math.log2(1 + rank) if rank <= 10 else 0.0 for rank in ranks]
    assert values["ndcg_at_10"] == pytest.approx(sum(gains) / len(gains), rel=1e-12)


def test_ndcg_equals_scikit_learns(data: Splits) -> None:
    """Over the items not liked in training, with one relevant item, scikit-learn gives the same mean."""
    scores_UI = torch.randn(USERS, ITEMS, dtype=torch.float64)
    expected = []
    for user, target in zip(data.test.inputs.tolist(), data.test.labels.tolist(), strict=True):
        candidates = sorted(set(range(ITEMS)) - liked_by(data, user))
        relevance = [[float(item == target) for item in candidates]]
        expected.append(ndcg_score(relevance, [scores_UI[user, candidates].tolist()], k=10))

    found = start(data).evaluate(Table(scores_UI), data.test, 4).values["ndcg_at_10"]

    assert found == pytest.approx(np.mean(expected), rel=1e-12)


@pytest.mark.parametrize(
    ("rank", "recall", "ndcg"), [(1, 1.0, 1.0), (3, 1.0, 0.5), (10, 1.0, 1 / math.log2(11)), (11, 0.0, 0.0)]
)
def test_a_rank_gives_its_score(rank: int, recall: float, ndcg: float) -> None:
    """First place scores 1, third 0.5, tenth 1 / log2(11), eleventh nothing."""
    data = splits(pairs([(0, 0)]), pairs([(0, rank)]), users=1)
    scores_UI = -torch.arange(ITEMS, dtype=torch.float64)[None, :]  # item 0 is best, but liked before

    values = start(data).evaluate(Table(scores_UI), data.test, 8).values

    assert values == pytest.approx({"recall_at_10": recall, "ndcg_at_10": ndcg}, rel=1e-12)


def test_equal_scores_count_against_the_item(data: Splits) -> None:
    """A model that tells nothing apart finds nothing: every other candidate is taken to stand above."""
    values = start(data).evaluate(Table(torch.zeros(USERS, ITEMS)), data.test, 8).values

    assert values == {"recall_at_10": 0.0, "ndcg_at_10": 0.0}


def test_scores_that_are_no_numbers_find_nothing(data: Splits) -> None:
    """A model that has diverged is not taken for a perfect one."""
    values = start(data).evaluate(Table(torch.full((USERS, ITEMS), math.nan)), data.test, 8).values

    assert values == {"recall_at_10": 0.0, "ndcg_at_10": 0.0}


def test_few_candidates_are_all_on_the_list() -> None:
    """Where at most ten items are left every rank is on the list; where one is left, it is first."""
    train = pairs([(user, item) for user, item in product(range(2), range(ITEMS)) if item >= (8 if user == 0 else 1)])
    data = splits(train, pairs([(0, 7), (1, 0)]), users=2)

    ranks = Liked.of(train, 2, ITEMS).rank(Table(torch.zeros(2, ITEMS)), *torch.tensor([[0, 1], [7, 0]]))

    assert ranks.tolist() == [8, 1]
    assert start(data).evaluate(Table(torch.zeros(2, ITEMS)), data.test, 8).values["recall_at_10"] == 1.0


def test_a_pair_held_out_of_training_is_ranked_itself(data: Splits) -> None:
    """A validation split is drawn from training pairs: its item is a candidate, the user's other ones are not."""
    held = data.train.take(torch.tensor([5, 6, 20]))
    scores_UI = torch.randn(USERS, ITEMS, dtype=torch.float64)

    values = start(data).evaluate(Table(scores_UI), held, 2).values

    ranks = [rank_by_loop(scores_UI, data, *pair) for pair in zip(held.inputs.tolist(), held.labels.tolist(), strict=True)]
    assert values["recall_at_10"] == pytest.approx(sum(rank <= 10 for rank in ranks) / 3, rel=1e-12)


def test_loss_is_bprs(data: Splits) -> None:
    """Minus the mean log sigmoid of differences, against the items that the stream draws."""
    model = Table(torch.randn(USERS, ITEMS))
    torch.manual_seed(5)
    others = Liked.of(data.train, USERS, ITEMS).draw(data.train.inputs).tolist()
    torch.manual_seed(5)

    found = loss(data, model, data.train).item()

    differences = [
        model.scores[user, item].item() - model.scores[user, other].item()
        for user, item, other in zip(data.train.inputs.tolist(), data.train.labels.tolist(), others, strict=True)
    ]
    assert found == pytest.approx(sum(math.log1p(math.exp(-x)) for x in differences) / len(differences), rel=1e-5)


def test_loss_of_equal_scores_is_log_2(data: Splits) -> None:
    """With nothing learnt each pair costs log 2, and its gradient is one half each way over the batch."""
    model = Table(torch.zeros(USERS, ITEMS))
    batch = data.train.take(torch.arange(1))

    found = loss(data, model, batch)
    torch.autograd.backward(found)

    assert found.item() == pytest.approx(math.log(2), rel=1e-6)
    assert model.scores.grad is not None
    assert sorted(model.scores.grad[model.scores.grad != 0].tolist()) == [-0.5, 0.5]
    assert model.scores.grad[batch.inputs, batch.labels].tolist() == [-0.5]


def test_negatives_are_uniform_over_what_was_not_liked(data: Splits) -> None:
    """Every item that a user did not like is drawn equally often (chi-squared), no liked one ever."""
    liked = Liked.of(data.train, USERS, ITEMS)
    for user in range(USERS):
        drawn = liked.draw(torch.full((20_000,), user))
        counts = torch.bincount(drawn, minlength=ITEMS).numpy()
        unseen = sorted(set(range(ITEMS)) - liked_by(data, user))

        assert counts[unseen].sum() == 20_000
        assert chisquare(counts[unseen]).pvalue > 1e-4


def test_the_rth_item_not_liked_by_hand() -> None:
    """Of items 0 to 5 with 1, 2 and 4 liked, those left are 0, 3 and 5, in this order."""
    table = Liked.of(pairs([(0, 4), (0, 1), (0, 2), (1, 0)]), 2, 6)

    assert table.shifted.tolist() == [[1, 1, 2], [0, 6, 6]]
    assert table.unseen.tolist() == [3, 5]
    assert set(table.draw(torch.zeros(200, dtype=torch.int64)).tolist()) == {0, 3, 5}
    assert set(table.draw(torch.ones(200, dtype=torch.int64)).tolist()) == {1, 2, 3, 4, 5}


def test_a_repeated_pair_counts_once() -> None:
    """An item liked twice is one item."""
    assert Liked.of(pairs([(0, 4), (0, 4)]), 1, 6).unseen.tolist() == [5]


def test_recommends_the_best_not_yet_liked(data: Splits) -> None:
    """The list of ten is the head of the ranking by loops, without what the user liked in training."""
    scores_UI = torch.randn(USERS, ITEMS)
    users = torch.tensor([3, 0, 8])

    lists = start(data).infer(Table(scores_UI), users)

    assert isinstance(lists, Tensor)
    for user, found in zip(users.tolist(), lists.tolist(), strict=True):
        candidates = sorted(set(range(ITEMS)) - liked_by(data, user))
        best = torch.tensor(candidates)[scores_UI[user, candidates].argsort(descending=True)]
        assert best[:LENGTH].tolist() == found


def test_evaluating_draws_nothing_and_keeps_modes(data: Splits) -> None:
    """The global stream stands where it stood; a model in training mode scores as one in evaluation mode, and stays in it."""
    model = Dropped(torch.randn(USERS, ITEMS))
    before = torch.get_rng_state()

    scores = start(data).evaluate(model.train(), data.test, 4).values

    assert torch.equal(before, torch.get_rng_state())
    assert all(module.training for module in model.modules())
    assert scores == start(data).evaluate(model.eval(), data.test, 4).values


@pytest.mark.parametrize("name", ["p003_recsys", "p003_ncf"])
def test_learns_what_users_like(name: str) -> None:
    """Two groups of users who like two halves of the items: twenty epochs find the rest of each half."""
    users, items = 30, 24
    halves = [(user, item) for user in range(users) for item in range(items) if item % 2 == user % 2]
    held = [(user, user % items) for user in range(users)]
    data = splits(pairs([pair for pair in halves if pair not in held]), pairs(held), users, items)
    model: nn.Module = Catalog().load("models", name).build(DataSpec((), 0, (users, items)))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    for _ in range(20):
        for order in torch.randperm(len(data.train)).split(32):
            optimizer.zero_grad()
            torch.autograd.backward(loss(data, model, data.train.take(order)))
            optimizer.step()

    values = start(data).evaluate(model, data.test, 64).values

    assert values["ndcg_at_10"] > 0.9


def test_bfloat16_scores_are_compared_as_they_are(data: Splits) -> None:
    """Scores in low precision, as autocast gives them, are ranked at their own value; training on them gives a gradient."""
    scores_UI = torch.randn(USERS, ITEMS).bfloat16()

    values = start(data).evaluate(Table(scores_UI), data.test, 4).values

    assert values == start(data).evaluate(Table(scores_UI.double()), data.test, 4).values
    assert loss(data, Table(scores_UI), data.train).dtype == torch.float32


def test_who_likes_everything_is_an_error() -> None:
    """With no item left to compare with there is nothing to learn from; the message names the user."""
    data = splits(pairs([(0, 1), *((2, item) for item in range(ITEMS))]), pairs([(0, 2)]))

    with pytest.raises(DataError, match="user 2 likes each of the 40 items in training"):
        start(data)


@pytest.mark.parametrize("shape", [(5, 3), (5,)])
def test_other_data_is_refused(shape: tuple[int, ...]) -> None:
    """A data set without users and items is a usage error that says what is wanted."""
    split = Split(torch.zeros(shape), torch.zeros(5, dtype=torch.int64))

    with pytest.raises(UsageError, match="it takes pairs of a user and an item, with a vocabulary of each, such as ratings"):
        start(Splits(split, split, classes=("a", "b")))


def test_empty_split_is_an_error(data: Splits) -> None:
    """No score is made up for no samples."""
    with pytest.raises(DataError, match="the split holds no samples"):
        start(data).evaluate(Table(torch.zeros(USERS, ITEMS)), pairs([]), 8)


def test_declares_its_scores(data: Splits) -> None:
    """What the source declares is what evaluating yields."""
    fields: dict[str, Any] = Catalog().part("tasks", "recommendation").fields

    values = start(data).evaluate(Table(torch.zeros(USERS, ITEMS)), data.test, 8).values

    assert fields["scores"] == {"recall_at_10": "higher", "ndcg_at_10": "higher"}
    assert tuple(fields["scores"]) == tuple(values)
    assert fields["primary"] in values
