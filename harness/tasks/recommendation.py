"""Recommending items: BPR to learn from what each user liked, recall and NDCG of one held-out item among ten to score.

A sample is a user, its input, and an item that this user liked, its label. Sources: Rendle, Freudenthaler, Gantner,
Schmidt-Thieme 2009 (BPR: what a user liked shall score above what this user has not rated); Järvelin and Kekäläinen 2002
(NDCG). Recall decides, because the article's claim is about what is on the list, not where on it.

Shape suffixes: B batch, N samples of a split, U users, I items, P liked items of the user who has most.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from harness.data import Split, Splits
from harness.errors import DataError, UsageError
from harness.tasks._base import Learning, Scores, Task, Turn, evaluation_mode

LENGTH = 10
"""Items on the list."""


def start(splits: Splits) -> Learning:
    """Return how the users of a data set are learnt to be served.

    Raises:
        UsageError: the data set has not users and items as its two vocabularies.
        DataError: a user likes every item of the training split, so that there is nothing to compare with.
    """
    if len(splits.vocabularies) != 2 or splits.train.inputs.ndim != 1 or splits.train.labels.ndim != 1:
        raise UsageError(
            f"task recommendation: the data set has {len(splits.vocabularies)} vocabularies and inputs of "
            f"{splits.train.inputs.ndim} axes; it takes pairs of a user and an item, with a vocabulary of each, such as ratings"
        )
    users, items = map(len, splits.vocabularies)
    liked = Liked.of(splits.train, users, items)
    return Learning(turns=(Turn(liked.loss),), evaluate=liked.evaluate, infer=liked.recommend)


@dataclass(frozen=True)
class Liked:
    """Which items each user liked in training."""

    seen: Tensor
    """[U, I], whether user u liked item i."""
    shifted: Tensor
    """[U, P], p-th smallest liked item of user u less p: how many items below it are not liked. Filled up with I."""
    unseen: Tensor
    """[U], items that user u did not like."""
    copies: dict[torch.device, Liked] = field(default_factory=dict)
    """The same tables on other devices."""

    @classmethod
    def of(cls, train: Split, users: int, items: int) -> Liked:
        """Return the table of a training split.

        Raises:
            DataError: a user liked all items.
        """
        seen_UI = torch.zeros(users, items, dtype=torch.bool)
        seen_UI[train.inputs.cpu(), train.labels.cpu()] = True
        unseen_U = items - seen_UI.sum(dim=1)
        if not unseen_U.all():
            user = int((unseen_U == 0).nonzero()[0])
            raise DataError(
                f"task recommendation: user {user} likes each of the {items} items in training, at least one has to be left to "
                "compare with; choose a data set with more items"
            )
        most = int(seen_UI.sum(dim=1).max())
        # a stable sort of "not liked" puts the liked items first, in rising order
        order_UP = (~seen_UI).byte().argsort(dim=1, stable=True)[:, :most]
        shifted_UP = order_UP - torch.arange(most)
        return cls(seen_UI, shifted_UP.where(seen_UI.gather(1, order_UP), items), unseen_U)

    def to(self, device: torch.device) -> Liked:
        """Return the tables on another device; they are copied there once."""
        if device == self.seen.device:
            return self
        if device not in self.copies:
            self.copies[device] = Liked(self.seen.to(device), self.shifted.to(device), self.unseen.to(device))
        return self.copies[device]

    def draw(self, users_B: Tensor) -> Tensor:
        """Return an item that each user did not like in training, all such items equally likely, [B].

        One number a user is drawn from torch's global stream: r of the n items that are not liked. The r-th of these is
        item r + k, k being the number of liked items below it.
        """
        rank_B = (torch.rand(len(users_B), dtype=torch.float64).to(users_B.device) * self.unseen[users_B]).long()
        return rank_B + torch.searchsorted(self.shifted[users_B], rank_B[:, None], right=True)[:, 0]

    def loss(self, model: nn.Module, inputs: Tensor, labels: Tensor) -> Tensor:
        """Return BPR's mean -log σ(score of the liked item - score of another), a scalar with a gradient.

        The other item is drawn for each sample anew; its regularisation is the optimiser's weight decay.

        Args:
            model: returns scores of pairs of users and items.
            inputs: [B], int64 users.
            labels: [B], int64 items that they liked.
        """
        others_B = self.to(inputs.device).draw(inputs)
        return -F.logsigmoid((model(inputs, labels) - model(inputs, others_B)).float()).mean()

    def recommend(self, model: nn.Module, inputs: Tensor) -> Tensor:
        """Return the list of each user, best first: ten items not liked in training, or as many as the rest allows, [B, 10]."""
        table = self.to(inputs.device)
        open_BI = self.scores(model, inputs).masked_fill(table.seen[inputs], -torch.inf)
        return open_BI.topk(min(LENGTH, open_BI.shape[1]), dim=1).indices

    def scores(self, model: nn.Module, users_B: Tensor) -> Tensor:
        """Return the score of every item for each user, float64, [B, I]."""
        items_I = torch.arange(self.seen.shape[1], device=users_B.device)
        scores_BI: Tensor = model(users_B[:, None], items_I[None, :]).double()
        return scores_BI

    def evaluate(self, model: nn.Module, split: Split, batch_size: int) -> Scores:
        """Return how often the held-out item is among the user's ten, and how far up.

        Each sample is ranked by itself, a user with several held-out items several times: the item among all that the
        user did not like in training. Equal scores, and scores that are no numbers, count against it. Recall@10 is then
        1 where its rank is at most 10, NDCG@10 is 1 ÷ log2(1 + rank) there, both 0 elsewhere; means over samples.

        Args:
            model: returns scores of users and items whose shapes broadcast.
            split: inputs [N] users, labels [N] their held-out items.
            batch_size: samples that are ranked at the same time.

        Raises:
            DataError: the split is empty.
        """
        if len(split) == 0:
            raise DataError("evaluating: the split holds no samples, at least 1 is needed; choose a larger data set or share")
        with evaluation_mode(model):
            batches = zip(split.inputs.split(batch_size), split.labels.split(batch_size), strict=True)
            rank_N = torch.cat([self.rank(model, users_B, items_B) for users_B, items_B in batches]).double()
            hit_N = rank_N <= LENGTH
            gain_N = 1 / torch.log2(1 + rank_N)
            values = {"recall_at_10": hit_N.double().mean().item(), "ndcg_at_10": (gain_N * hit_N).mean().item()}
        return Scores(values)

    def rank(self, model: nn.Module, users_B: Tensor, items_B: Tensor) -> Tensor:
        """Return the rank of each user's item among this user's candidates, from 1, [B].

        The item is a candidate itself even where it is among the liked ones, as items held out of the training split are.
        """
        scores_BI = self.scores(model, users_B)
        ahead_BI = ~(scores_BI < scores_BI.gather(1, items_B[:, None]))
        ahead_BI &= ~self.to(users_B.device).seen[users_B]
        return ahead_BI.scatter(1, items_B[:, None], True).sum(dim=1)


TASK = Task(
    primary="recall_at_10",
    scores={"recall_at_10": "higher", "ndcg_at_10": "higher"},
    start=start,
)
