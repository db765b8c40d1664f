"""What an experiment is given: a seed, a device, and the harness's own data, models and training."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any, Literal, cast

import torch
from torch import nn

from harness.catalog import Catalog
from harness.data import Dataset, Split, Splits
from harness.errors import UsageError
from harness.models import DataSpec, Model
from harness.observations import Observations
from harness.project import Project, find_project
from harness.seeds import Stream, generator, seed_globals
from harness.suite import Optimizer, Recipe
from harness.tasks import Learning, Task
from harness.train import Job, context_of, describe_data, start_learning, train

OptimizerName = Literal["sgd", "adam", "adamw", "rmsprop"]


class Setting:
    """One run of an experiment.

    Args:
        seed: decides every random stream.
        device: where models and samples live.
        project: whose catalogue, data folder and root are used; None: the project around the working folder.
        report: told how far the experiment is, as (done, total).
    """

    def __init__(
        self,
        seed: int,
        *,
        device: torch.device | str = "cpu",
        project: Project | None = None,
        report: Callable[[int, int], None] = lambda done, total: None,
    ) -> None:
        self.seed = seed
        self.device = torch.device(device)
        self.report = report
        self._project = project or find_project()

    @cached_property
    def _catalog(self) -> Catalog:
        return self._project.catalog()

    def seed_globals(self) -> None:
        """Put torch's global stream (and Python's and NumPy's) at the head of the seed's `init`."""
        seed_globals(self.seed, "init")

    def generator(self, stream: str) -> torch.Generator:
        """Return a generator on the CPU for a stream of the seed, named as one likes; equal names give equal draws."""
        return generator(self.seed, cast(Stream, stream))

    def data(self, name: str, *, shape: tuple[int, ...] | None = None, **options: Any) -> Splits:
        """Return a data set of the catalogue, on the CPU; the same samples for every seed.

        Args:
            name: as a literal, because it decides what counts as the experiment's code.
            shape: of one input, where a model wants another than the data set's own.
            options: the data set's.
        """
        dataset: Dataset = self._catalog.load("data", name)
        return dataset.load(context_of(self._project, self._catalog, name, shape), **options)

    def spec(self, splits: Splits) -> DataSpec:
        """Return what a model has to know of a data set."""
        return describe_data(splits)

    def model(self, name: str, spec: DataSpec, **options: Any) -> nn.Module:
        """Return a model of the catalogue on the device, its weights drawn from the head of the seed's `init` stream.

        Args:
            name: as a literal, because it decides what counts as the experiment's code.
            spec: of the data.
            options: the model's.
        """
        part: Model = self._catalog.load("models", name)
        self.seed_globals()
        return part.build(spec, **options).to(self.device)

    def train(
        self,
        model: nn.Module,
        splits: Splits,
        *,
        epochs: int | None = None,
        steps: int | None = None,
        batch_size: int | Literal["full"] = 64,
        optimizer: OptimizerName = "adam",
        lr: float = 1e-3,
        momentum: float | None = None,
        clip_norm: float | None = None,
        validation: float = 0.0,
        select: Literal["last", "best"] = "last",
        task: str = "classification",
        evaluate_epochs: int | None = None,
    ) -> Observations:
        """Train a model in place with the harness's own loop and return what was seen: losses, times, evaluations.

        The order of the samples is that of the seed's `shuffle` stream and dropout that of its `dropout` stream, in every
        call: two models trained by one run see the same batches.

        Args:
            model: any module that the task can train, on the device.
            splits: what it learns from; without a validation split it is evaluated on the test split.
            epochs, steps: how long; one of the two.
            batch_size: samples in a batch; "full": the training split.
            optimizer, lr, momentum, clip_norm: as in a recipe.
            validation: share of the training split held out.
            select: whether the model is left with its last weights, or those that did best on the validation split.
            task: of the catalogue, as a literal.
            evaluate_epochs: epochs between two evaluations; None: only at the end, or every epoch for select "best".

        Raises:
            DivergedError: a loss is not finite.
            UsageError: neither or both of epochs and steps are given, or an argument is not allowed.
        """
        if (epochs is None) == (steps is None):
            raise UsageError("setting.train: give exactly one of epochs and steps")
        part: Task = self._catalog.load("tasks", task)
        training, held_out, learning = start_learning(part, splits, validation, self.seed)
        every = evaluate_epochs or (1 if select == "best" else epochs or steps)
        recipe = Recipe.model_validate(
            {
                "optimizer": Optimizer(name=optimizer, lr=lr, momentum=momentum),
                "batch_size": batch_size,
                "epochs": epochs,
                "steps": steps,
                "clip_norm": clip_norm,
                "validation": validation,
                "select": select,
                "evaluate_epochs": every,
            }
        )
        seed_globals(self.seed, "dropout")
        seen = Observations()
        job = Job(
            model=model,
            task=part,
            learning=learning,
            recipe=recipe,
            seed=self.seed,
            train=training.to(self.device),
            validation=None if held_out is None else held_out.to(self.device),
            test=splits.test.to(self.device),
            device=self.device,
        )
        train(job, seen)
        return seen

    def score(
        self, model: nn.Module, split: Split, task: str = "classification", *, splits: Splits | None = None
    ) -> dict[str, float]:
        """Return the task's scores of a model as it is on a split, such as {"accuracy": 0.9, "loss": 0.3}; draws nothing.

        Args:
            model: on the device.
            split: any samples.
            task: of the catalogue, as a literal.
            splits: the data set that the split is of, for tasks that look at its vocabularies or its training samples.
        """
        part: Task = self._catalog.load("tasks", task)
        learning: Learning = part.start(splits or Splits(split, split))
        return dict(learning.evaluate(model, split.to(self.device), SCORING_BATCH).values)


SCORING_BATCH = 256
"""Samples that a forward pass of scoring takes, as the harness's own evaluations do."""
