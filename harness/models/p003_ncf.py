"""Neural collaborative filtering: a product of vectors and a network over vectors, side by side (NeuMF).

Article 003, section 3.4: it names personal recommendation (section 6.3 too) and gives no model. What was wrong: nothing to
build from; NeuMF with 8 predictive factors, a neural alternative to matrix factorisation, stands in. One half multiplies a
user's and an item's vector of 8, the other puts two vectors of 16 through layers of 16 and 8 units with ReLU; a last layer
without a bias weighs both halves. Vectors start from a normal distribution of width 0.01. The paper learns from single pairs
with cross-entropy; here the task's pairwise loss is used, so that both recommenders differ in the model alone.

Input: users_B and items_B, int64, [B] each, or any two shapes that broadcast. Output: scores_B, [B]; only their order for one
user means something. Parameters: 7,880 with 200 users and 100 items.

Shape suffixes: B batch, or whatever shape users and items broadcast to; D dimensions of a vector.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from harness.models._base import DataSpec, Model
from harness.models._option_checks import require_counts
from harness.models._shape import require_form

START_WIDTH = 0.01


class NeuMF(nn.Module):
    """Two vectors for each user and each item, one for either half.

    Args:
        users: how many there are.
        items: how many there are.
        factors: width of each half where both meet; the network's vectors are twice as wide.
    """

    def __init__(self, users: int, items: int, factors: int) -> None:
        super().__init__()
        self.product_user = nn.Embedding(users, factors)
        self.product_item = nn.Embedding(items, factors)
        self.network_user = nn.Embedding(users, 2 * factors)
        self.network_item = nn.Embedding(items, 2 * factors)
        self.fc1 = nn.Linear(4 * factors, 2 * factors)
        self.fc2 = nn.Linear(2 * factors, factors)
        self.fc3 = nn.Linear(2 * factors, 1, bias=False)
        for table in (self.product_user, self.product_item, self.network_user, self.network_item):
            nn.init.normal_(table.weight, std=START_WIDTH)

    def forward(self, users_B: Tensor, items_B: Tensor) -> Tensor:
        """Return the scores, [B]."""
        users_B, items_B = torch.broadcast_tensors(users_B, items_B)
        product_BD = self.product_user(users_B) * self.product_item(items_B)
        network_BD = torch.cat([self.network_user(users_B), self.network_item(items_B)], dim=-1)
        network_BD = self.fc2(self.fc1(network_BD).relu()).relu()
        scores_B: Tensor = self.fc3(torch.cat([product_BD, network_BD], dim=-1))[..., 0]
        return scores_B


def build(spec: DataSpec, *, factors: int = 8) -> nn.Module:
    """Return the model with fresh weights, drawn from torch's global stream.

    Args:
        spec: users and items.
        factors: predictive factors, the width of each half where both meet.

    Raises:
        UsageError: the data set is of another kind, or the width is not allowed.
    """
    require_form(__name__, spec, "rating")
    require_counts(__name__, factors=factors)
    users, items = spec.vocabularies
    return NeuMF(users, items, factors)


MODEL = Model(
    build=build,
    parameters=7_880,
    example=((), 0, (200, 100)),
    task="recommendation",
    article="003",
    section="3.4",
    repairs=("personal recommendation is named without a model; NeuMF with the pairwise loss of BPR stands in",),
    source="He, Liao, Zhang, Nie, Hu, Chua 2017",
)
