"""Personal lists of recommendations against one list for all.

Generated likes of 200 users for 100 items, one liked item of each held out. A list has the ten items, of those that the user
has not rated, with the highest score.

- `recall_personal`: share of the users whose held-out item is in their list, scored by a matrix factorisation that learnt
  from the likes by BPR with Adam.
- `recall_popular`: the same where an item's score is the number of users who like it, whoever asks; equal scores count
  against the held-out item.

Source: article 003, section 6.3; Rendle et al., "BPR: Bayesian personalized ranking from implicit feedback", 2009.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from harness.data import Split
from harness.experiments import Experiment, Setting
from harness.options import check_count


class Popularity(nn.Module):
    """An item's score is how often it occurs among the training samples.

    Args:
        train: labels [N], the liked items.
        items: how many there are.
    """

    def __init__(self, train: Split, items: int) -> None:
        super().__init__()
        self.register_buffer("likes_I", torch.bincount(train.labels, minlength=items).float())

    def forward(self, users: Tensor, items: Tensor) -> Tensor:
        """Return the scores of users and items whose shapes broadcast."""
        return self.get_buffer("likes_I")[items].expand(torch.broadcast_shapes(users.shape, items.shape))


def run(setting: Setting, *, epochs: int = 15) -> dict[str, float | None]:
    """Return the outcomes that the module's docstring defines.

    Args:
        setting: its streams give weights, the order of the likes and the items that they are compared with.
        epochs: of the factorisation, batches of 64 likes, Adam at 0.01.

    Raises:
        UsageError: an option that is not allowed.
    """
    check_count("epochs", epochs, 1, 10_000)
    likes = setting.data("ratings")
    model = setting.model("p003_recsys", setting.spec(likes))
    setting.train(model, likes, epochs=epochs, lr=1e-2, task="recommendation")
    popularity = Popularity(likes.train, len(likes.vocabularies[1])).to(setting.device)
    personal, popular = (setting.score(each, likes.test, "recommendation", splits=likes) for each in (model, popularity))
    return {"recall_personal": personal["recall_at_10"], "recall_popular": popular["recall_at_10"]}


EXPERIMENT = Experiment(
    run=run,
    title="Recommendations",
    outcomes={"recall_personal": "1", "recall_popular": "1"},
    metric_class="quality",
    source="article 003, section 6.3; Rendle et al. 2009",
)
