"""What one update of the weights costs with each optimiser.

- `update_seconds_<optimiser>`: median CPU seconds of one `optimizer.step()` on a multilayer perceptron of 101,770 parameters
  whose gradients are there already; the optimisers take turns. Adam and RMSprop as torch makes them by default, SGD without
  momentum.

Source: article 001, sections 6.3.2 and 6.3.4.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn

from harness.experiments import Experiment, Setting
from harness.experiments._cpu_time import cpu_seconds
from harness.options import check_count

OPTIMISERS: dict[str, Callable[..., torch.optim.Optimizer]] = {
    "sgd": torch.optim.SGD,
    "rmsprop": torch.optim.RMSprop,
    "adam": torch.optim.Adam,
}


def run(setting: Setting, *, rounds: int = 15, updates: int = 50) -> dict[str, float | None]:
    """Return the times that the module's docstring defines.

    Args:
        setting: its global stream gives weights and gradients.
        rounds: times that each optimiser's turn is counted.
        updates: steps in a turn.

    Raises:
        UsageError: an option that is not allowed.
    """
    check_count("rounds", rounds, 1, 10_000)
    check_count("updates", updates, 1, 10_000)
    splits = setting.data("digits", shape=(1, 28, 28))
    turns: dict[str, Callable[[], object]] = {}
    for name, kind in OPTIMISERS.items():
        model = setting.model("p003_mlp", setting.spec(splits))
        turns[name] = turn(model, kind(model.parameters(), lr=1e-3), updates)
    return {f"update_seconds_{name}": seconds / updates for name, seconds in cpu_seconds(turns, rounds).items()}


def turn(model: nn.Module, optimizer: torch.optim.Optimizer, updates: int) -> Callable[[], object]:
    """Return what takes that many updates along fixed gradients."""
    for parameter in model.parameters():
        parameter.grad = torch.randn_like(parameter)

    def take() -> None:
        for _ in range(updates):
            optimizer.step()

    return take


EXPERIMENT = Experiment(
    run=run,
    title="Time of an update",
    outcomes={"update_seconds_sgd": "s", "update_seconds_rmsprop": "s", "update_seconds_adam": "s"},
    metric_class="machine",
    source="article 001, section 6.3",
)
