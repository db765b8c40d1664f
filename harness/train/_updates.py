"""Optimisers, learning-rate schedules, and the updates of a step."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import torch
from torch import nn
from torch.nn.utils import clip_grad_norm_
from torch.optim.lr_scheduler import LambdaLR

from harness.suite import Optimizer, Recipe
from harness.tasks import Turn
from harness.train._plan import StepPlan

OPTIMIZERS: dict[str, type[torch.optim.Optimizer]] = {
    "sgd": torch.optim.SGD,
    "adam": torch.optim.Adam,
    "adamw": torch.optim.AdamW,
    "rmsprop": torch.optim.RMSprop,
}


class Update:
    """One turn of a step: the parameters that it moves, and how."""

    def __init__(self, turn: Turn, model: nn.Module, recipe: Recipe, plan: StepPlan) -> None:
        self.loss = turn.loss
        self._clip_norm = recipe.clip_norm
        self._parameters = [each for each in model.get_submodule(turn.part).parameters() if each.requires_grad]
        # an operator has no parameters: its turn is a pass alone
        self._optimizer = make_optimizer(recipe.optimizer, self._parameters) if self._parameters else None
        self._schedule = make_schedule(recipe, self._optimizer, plan) if self._optimizer else None

    def step(self) -> None:
        """Move the parameters along their gradients and drop these."""
        if self._optimizer is None:
            return
        if self._clip_norm is not None:
            clip_grad_norm_(self._parameters, self._clip_norm)
        self._optimizer.step()
        self._optimizer.zero_grad()
        if self._schedule is not None:
            self._schedule.step()

    @property
    def learning_rate(self) -> float:
        """The rate of the next step; NaN where nothing learns."""
        return math.nan if self._optimizer is None else float(self._optimizer.param_groups[0]["lr"])

    def state_dict(self) -> dict[str, Any]:
        """Return the states of optimiser and schedule."""
        held = {"optimizer": self._optimizer, "schedule": self._schedule}
        return {name: part.state_dict() for name, part in held.items() if part is not None}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up what `state_dict` returned."""
        if self._optimizer is not None:
            self._optimizer.load_state_dict(state["optimizer"])
        if self._schedule is not None:
            self._schedule.load_state_dict(state["schedule"])


def make_optimizer(settings: Optimizer, parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
    """Return the optimiser; settings left out keep torch's defaults."""
    given = {name: value for name, value in settings.model_dump(exclude={"name"}).items() if value is not None}
    return OPTIMIZERS[settings.name](parameters, **given)


def make_schedule(recipe: Recipe, optimizer: torch.optim.Optimizer, plan: StepPlan) -> LambdaLR | None:
    """Return the learning-rate schedule over steps, None for a constant rate."""
    settings = recipe.schedule
    warmup = settings.warmup_steps
    if settings.name == "constant" and not warmup:
        return None

    def factor(step: int) -> float:
        if step < warmup:
            return (step + 1) / (warmup + 1)
        share = (step - warmup) / max(plan.steps - warmup, 1)
        match settings.name:
            case "cosine":
                return 0.5 * (1 + math.cos(math.pi * share))
            case "linear":
                return 1 - share
            case "step":
                return float(settings.gamma ** (step // plan.steps_per_epoch // settings.step_epochs))
            case _:
                return 1.0

    return LambdaLR(optimizer, factor)
