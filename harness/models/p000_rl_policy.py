"""A softmax policy of one hidden layer: from an observation to a probability for each action.

Article 000, section 3.4: a policy network turns a state into a probability distribution over actions; neither layers nor an
environment are given. What was wrong: the formula assigns the network's output to the action, a_t = pi(s_t; theta), which
leaves nothing to chance; here the network gives logits, and the task draws a_t with the probabilities of their softmax.

Input: x_BF, [B, F], float, one flat observation a row. Output: logits_BK, [B, K]. Parameters: 898 with 4 features and 2
actions.

Shape suffixes: B batch, F features of an observation, K actions.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from harness.errors import UsageError
from harness.models._base import DataSpec, Model
from harness.models._option_checks import require_counts
from harness.models._shape import require_form


class Policy(nn.Module):
    """Two linear layers with a ReLU between them.

    Args:
        features: numbers in one observation.
        hidden: width of the hidden layer.
        actions: width of the last layer.
    """

    def __init__(self, features: int, hidden: int, actions: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(features, hidden)
        self.fc2 = nn.Linear(hidden, actions)

    def forward(self, x_BF: Tensor) -> Tensor:
        """Return the logits, [B, K]."""
        logits_BK: Tensor = self.fc2(F.relu(self.fc1(x_BF)))
        return logits_BK


def build(spec: DataSpec, *, hidden: int = 128) -> nn.Module:
    """Return the policy with fresh weights, drawn from torch's global stream.

    Args:
        spec: flat observations and a number of actions.
        hidden: width of the hidden layer.

    Raises:
        UsageError: the observations are not flat, there is no choice of actions, or the width is not allowed.
    """
    require_form(__name__, spec, "vector")
    if spec.classes < 2:
        raise UsageError(
            f"model 'p000_rl_policy': the data set has {spec.classes} actions, the model takes at least 2 actions; choose a "
            "data set with an environment, such as cartpole"
        )
    require_counts(__name__, hidden=hidden)
    return Policy(spec.shape[0], hidden, spec.classes)


MODEL = Model(
    build=build,
    parameters=898,
    example=((4,), 2, ()),
    task="policy_gradient",
    article="000",
    section="3.4",
    repairs=(
        "the formula makes the action a function of the state; the network gives logits, and the action is drawn by them",
    ),
    source="softmax policy of REINFORCE: Williams 1992; width as in PyTorch's REINFORCE example",
)
