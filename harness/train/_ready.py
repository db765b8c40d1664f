"""What is made ready before a training: where data is loaded from, what a model is told of it, how its task begins."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from harness.catalog import Catalog
from harness.data import LoadContext, Split, Splits
from harness.models import DataSpec
from harness.project import Project
from harness.tasks import Learning, Task
from harness.train._plan import hold_out


def context_of(project: Project, catalog: Catalog, name: str, shape: tuple[int, ...] | None) -> LoadContext:
    """Return what a data set has to know to load itself: its folder, the shape that the model takes, the project's root."""
    folder = catalog.part("data", name).fields.get("folder") or name
    return LoadContext(project.data / folder, shape, project.root)


def describe_data(splits: Splits) -> DataSpec:
    """Return what a model has to know of the data: for an agent, its observations and actions."""
    shape = tuple(splits.train.inputs.shape[1:])
    if splits.environment is not None:
        shape = tuple(splits.environment().observation_space.shape or ())
    return DataSpec(shape, len(splits.classes), tuple(map(len, splits.vocabularies)))


def start_learning(
    task: Task, splits: Splits, share: float, seed: int, options: Mapping[str, Any] = MappingProxyType({})
) -> tuple[Split, Split | None, Learning]:
    """Return (training split, validation split or None, the task at work): a task never sees what is held out.

    Raises:
        DataError: no sample is left to train on, or the data set has a validation split and a share is asked for.
    """
    training, validation = hold_out(splits, share, seed)
    return training, validation, task.start(replace(splits, train=training), **options)
