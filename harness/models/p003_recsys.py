"""Matrix factorisation: a score is the product of a user's and an item's vector, plus the item's bias.

Article 003, section 3.4: it names personal recommendation (section 6.3 too) and gives no model. What was wrong: nothing to
build from; the factors of 16 dimensions that BPR was introduced with stand in. A bias of the user would change no order
of this user's items, so there is none. Weights start from a normal distribution of width 0.1, biases at 0.

Input: users_B and items_B, int64, [B] each, or any two shapes that broadcast. Output: scores_B, [B]; only their order for one
user means something. Parameters: 4,900 with 200 users and 100 items.

Shape suffixes: B batch, or whatever shape users and items broadcast to; D dimensions of a vector.
"""

from __future__ import annotations

from torch import Tensor, nn

from harness.models._base import DataSpec, Model
from harness.models._option_checks import require_counts
from harness.models._shape import require_form

START_WIDTH = 0.1
"""Standard deviation of the first weights: products start far below 1, where BPR's gradient is large."""


class MatrixFactorisation(nn.Module):
    """A vector for each user, a vector and a bias for each item.

    Args:
        users: how many there are.
        items: how many there are.
        factors: dimensions of the vectors.
    """

    def __init__(self, users: int, items: int, factors: int) -> None:
        super().__init__()
        self.user = nn.Embedding(users, factors)
        self.item = nn.Embedding(items, factors)
        self.bias = nn.Embedding(items, 1)
        nn.init.normal_(self.user.weight, std=START_WIDTH)
        nn.init.normal_(self.item.weight, std=START_WIDTH)
        nn.init.zeros_(self.bias.weight)

    def forward(self, users_B: Tensor, items_B: Tensor) -> Tensor:
        """Return the scores, [B]."""
        product_BD = self.user(users_B) * self.item(items_B)
        scores_B: Tensor = product_BD.sum(dim=-1) + self.bias(items_B)[..., 0]
        return scores_B


def build(spec: DataSpec, *, factors: int = 16) -> nn.Module:
    """Return the model with fresh weights, drawn from torch's global stream.

    Args:
        spec: users and items.
        factors: dimensions of the vectors.

    Raises:
        UsageError: the data set is of another kind, or the width is not allowed.
    """
    require_form(__name__, spec, "rating")
    require_counts(__name__, factors=factors)
    users, items = spec.vocabularies
    return MatrixFactorisation(users, items, factors)


MODEL = Model(
    build=build,
    parameters=4_900,
    example=((), 0, (200, 100)),
    task="recommendation",
    article="003",
    section="3.4",
    repairs=("personal recommendation is named without a model; matrix factorisation with BPR stands in",),
    source="Rendle, Freudenthaler, Gantner, Schmidt-Thieme 2009; Koren, Bell, Volinsky 2009 (item biases)",
)
