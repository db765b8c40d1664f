"""Scores of the model while it trains and after, and the weights that validation prefers."""

from __future__ import annotations

import copy
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch

from harness.data import Split
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
        scores = evaluate(job, job.validation or job.test)
        if job.recipe.select == "best":
            self._keep(scores.values[job.task.primary])
        return Evaluation(epoch, step, train_seconds, "validation" if job.validation else "test", dict(scores.values))

    def _keep(self, score: float) -> None:
        better = self._score is None or (score > self._score if self._job.task.direction == "higher" else score < self._score)
        if better:
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
    """Return the task's scores of the model as it is, in the precision of training."""
    with autocast(job.device, job.precision):
        return job.learning.evaluate(job.model, split, evaluation_batch(job.recipe))


def evaluation_batch(recipe: Recipe) -> int:
    """Return the batch size of evaluations: large enough to be quick, small enough for memory."""
    return 256 if recipe.batch_size == "full" else max(recipe.batch_size, 256)


def autocast(device: torch.device, precision: str) -> AbstractContextManager[Any]:
    """Return the context of the forward pass: bfloat16 autocasting, or nothing."""
    return torch.autocast(device.type, torch.bfloat16) if precision == "bf16" else nullcontext()
