"""A policy by article 000's formula, an action for each state, and by its text, a distribution over actions.

The policy network of article 000, fresh, is asked DRAWS times about each of four states of CartPole.

- `actions_formula`: different actions that the formula a = π(s) gives in one state, the most over the states; the action is
  the one that the network rates highest, which depends on the state alone.
- `actions_text`: the same when the action is drawn with the probabilities of the network's softmax, the fewest over the
  states.
- `frequency_error`: largest difference between how often an action is drawn and its probability.
- `gradient_formula`: largest derivative of the formula's action with respect to the weights; an action jumps from one number
  to another and has no slope between, so that nothing can be learnt along it. `gradient_text`: of the drawn action's
  log-probability, which REINFORCE follows.

Source: article 000, section 3.4; Williams 1992; Sutton, McAllester, Singh and Mansour 2000.

Shape suffixes: N states, D draws, K actions.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from harness.experiments import Experiment, Setting

DRAWS = 2000
STATES = ((0.0, 0.0, 0.0, 0.0), (0.5, -0.2, 0.1, 0.3), (-1.0, 0.4, -0.1, -0.5), (0.02, 1.0, 0.05, -1.2))
NUDGE = 2.0**-20
"""Change of every weight, to both sides, over which the action's slope is taken."""


def run(setting: Setting) -> dict[str, float | None]:
    """Return the outcomes that the module's docstring defines.

    Args:
        setting: gives the weights and the draws.
    """
    cart = setting.data("cartpole")
    policy = setting.model("p000_rl_policy", setting.spec(cart)).cpu().double()
    states = torch.tensor(STATES, dtype=torch.float64)
    logits_NK = policy(states).detach()
    chosen_ND = torch.stack([by_formula(policy, states) for _ in range(3)], dim=1)
    drawn_ND = torch.multinomial(logits_NK.softmax(dim=1), DRAWS, replacement=True, generator=setting.generator("actions"))
    frequency_NK = torch.stack([(drawn_ND == action).double().mean(dim=1) for action in range(logits_NK.shape[1])], dim=1)
    return {
        "actions_formula": max(len(set(row)) for row in chosen_ND.tolist()),
        "actions_text": min(len(set(row)) for row in drawn_ND.tolist()),
        "frequency_error": float((frequency_NK - logits_NK.softmax(dim=1)).abs().max()),
        "gradient_formula": slope_of_action(policy, states),
        "gradient_text": slope_of_probability(policy, states, drawn_ND[:, :1]),
    }


@torch.no_grad()
def by_formula(policy: nn.Module, states: Tensor) -> Tensor:
    """Return the action that the formula gives in each state, [N]."""
    actions_N: Tensor = policy(states).argmax(dim=1)
    return actions_N


@torch.no_grad()
def slope_of_action(policy: nn.Module, states: Tensor) -> float:
    """Return the largest slope of an action over a small change of one weight to both sides, over the first layer's weights."""
    weights = next(policy.parameters()).view(-1)
    steepest = 0.0
    for place in range(len(weights)):
        ends = []
        for change in (-NUDGE, 2 * NUDGE):
            weights[place] += change
            ends.append(by_formula(policy, states).double())
        weights[place] -= NUDGE
        steepest = max(steepest, float((ends[1] - ends[0]).abs().max()) / (2 * NUDGE))
    return steepest


def slope_of_probability(policy: nn.Module, states: Tensor, actions_N1: Tensor) -> float:
    """Return the largest derivative of the sum of the actions' log-probabilities with respect to a weight."""
    chances = policy(states).log_softmax(dim=1).gather(1, actions_N1).sum()
    return max(float(gradient.abs().max()) for gradient in torch.autograd.grad(chances, list(policy.parameters())))


EXPERIMENT = Experiment(
    run=run,
    title="Policy by formula and by text",
    outcomes={
        "actions_formula": "{action}",
        "actions_text": "{action}",
        "frequency_error": "1",
        "gradient_formula": "1",
        "gradient_text": "1",
    },
    metric_class="quality",
    source="article 000, section 3.4; Williams 1992",
)
