"""Scores of the model while it trains and after, and the weights that validation prefers."""

from __future__ import annotations

import copy
import math
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch

from harness.data import Split
from harness.errors import UsageError
from harness.observations import Evaluation
from harness.suite import Recipe
from harness.tasks import Scores
from harness.train._job import Job


class Best:
    """Evaluates during training, and keeps the weights that validation prefers."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._score: float | None = None
        self._weights: dict[str, Any] | None = None

    def evaluate(self, epoch: int, step: int, train_seconds: float) -> Evaluation:
        """Score the model now on the validation split, or on the test split where there is none."""
        job = self._job
        held = job.validation is not None
        if job.recipe.select == "best" and not held:
            raise UsageError('recipe.select = "best": there is no validation split to choose by; set recipe.validation')
        scores = evaluate(job, job.test if job.validation is None else job.validation)
        if job.recipe.select == "best":
            self._keep(scores.values[job.task.primary])
        return Evaluation(epoch, step, train_seconds, "validation" if held else "test", dict(scores.values))

    def _keep(self, score: float) -> None:
        """Keep the weights of a score that is a number and better than all before."""
        higher = self._job.task.direction == "higher"
        if math.isfinite(score) and (self._score is None or (score > self._score if higher else score < self._score)):
            self._score, self._weights = score, copy.deepcopy(self._job.model.state_dict())

    def restore(self) -> None:
        """Give the model the weights that `select` chose."""
        if self._weights is not None:
            self._job.model.load_state_dict(self._weights)

    def state_dict(self) -> dict[str, Any]:
        """Return the best score and its weights."""
        return {"score": self._score, "weights": self._weights}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up what `state_dict` returned."""
        self._score, self._weights = state["score"], state["weights"]


def evaluate(job: Job, split: Split) -> Scores:
    """Return the task's scores of the model as it is, in the precision of training.

    Raises:
        UsageError: the task does not give a score that it declares.
    """
    with autocast(job.device, job.precision):
        scores = job.learning.evaluate(job.model, split, evaluation_batch(job.recipe))
    if missing := sorted(job.task.scores.keys() - scores.values.keys()):
        raise UsageError(f"the task declares scores that its evaluate does not give: {', '.join(missing)}")
    return scores


def evaluation_batch(recipe: Recipe) -> int:
    """Return the batch size of evaluations: large enough to be quick, small enough for memory."""
    return 256 if recipe.batch_size == "full" else max(recipe.batch_size, 256)


def autocast(device: torch.device, precision: str) -> AbstractContextManager[Any]:
    """Return the context of the forward pass: bfloat16 autocasting, or nothing."""
    return torch.autocast(device.type, torch.bfloat16) if precision == "bf16" else nullcontext()
