"""A softmax policy for tic-tac-toe that never takes an occupied field.

Article 003, section 3.4: it names agents for games such as Go and chess, and gives no layers; this is article 000's policy
network on a small board. What was wrong: nothing is said about moves that the rules forbid; here the observation's third
plane, the empty fields, takes every other field out of the choice.

Input: x_BF, [B, 27], float, three planes of nine: own marks, the other's, empty fields. Output: logits_BK, [B, 9], the
lowest number of their type where a field is taken: a probability of exactly 0 as long as a field is empty.
Parameters: 4,745.

Shape suffixes: B batch, F features of an observation, K fields.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from harness.errors import UsageError
from harness.models._base import DataSpec, Model
from harness.models._option_checks import require_counts
from harness.models._shape import require_shape

FIELDS = 9


class GamePolicy(nn.Module):
    """Two linear layers with a ReLU between them, then the mask.

    Args:
        hidden: width of the hidden layer.
    """

    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(3 * FIELDS, hidden)
        self.fc2 = nn.Linear(hidden, FIELDS)

    def forward(self, x_BF: Tensor) -> Tensor:
        """Return the logits, [B, K]."""
        logits_BK: Tensor = self.fc2(F.relu(self.fc1(x_BF)))
        taken_BK = x_BF[:, 2 * FIELDS :] == 0
        # not -inf: on a full board, which ends the game, the softmax of that would be no number
        return logits_BK.masked_fill(taken_BK, torch.finfo(logits_BK.dtype).min)


def build(spec: DataSpec, *, hidden: int = 128) -> nn.Module:
    """Return the policy with fresh weights, drawn from torch's global stream.

    Args:
        spec: the board in three planes and nine fields to choose from.
        hidden: width of the hidden layer.

    Raises:
        UsageError: the data set is another one, or the width is not allowed.
    """
    require_shape(__name__, spec, MODEL)
    if spec.classes != FIELDS:
        raise UsageError(
            f"model 'p003_game': the data set has {spec.classes} actions, the model takes one for each of {FIELDS} fields; "
            "choose the data set tictactoe"
        )
    require_counts(__name__, hidden=hidden)
    return GamePolicy(hidden)


MODEL = Model(
    build=build,
    input_shape=(27,),
    parameters=4_745,
    example=((27,), 9, ()),
    task="policy_gradient",
    article="003",
    section="3.4",
    repairs=("agents for games are named without layers or rules; a policy network with a mask over taken fields stands in",),
    source="softmax policy of REINFORCE: Williams 1992; the game is the harness's own",
)
