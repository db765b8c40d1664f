"""What every pass begins with: the process made ready, the data loaded, the model built."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from time import perf_counter

import numpy as np
import torch

from harness import digests
from harness.catalog import Catalog
from harness.data import Dataset, LoadContext, Splits
from harness.errors import MeasuringError
from harness.models import Model
from harness.observations import Observations
from harness.runner.jobs import PROGRESS, Job
from harness.runner.passes._execution import compile_parts, place_model, place_split
from harness.seeds import seed_globals, set_lane
from harness.suite import Case
from harness.tasks import Task
from harness.train import Job as TrainJob
from harness.train import Progress, context_of, describe_data, start_learning

OUT_OF_MEMORY = ("can't allocate memory", "out of memory", "not enough memory")


def out_of_memory(error: BaseException) -> bool:
    """Return whether an error says that memory ran out, on the host or the device."""
    return isinstance(error, MemoryError | torch.OutOfMemoryError) or any(mark in str(error) for mark in OUT_OF_MEMORY)


def prepare_process(case: Case) -> torch.device:
    """Set threads, lane and precision for this process; return the device to run on.

    Raises:
        MeasuringError: the device is not there.
    """
    torch.set_num_threads(case.execution.threads)
    set_lane(case.execution.lane, case.execution.precision)
    device = find_device(case.execution.device)
    if device.type == "cuda":
        torch.cuda.set_device(device)  # what a model makes on plain "cuda" is then on this one
    return device


def find_device(name: str) -> torch.device:
    """Return the device for 'cpu', 'cuda', 'cuda:1' or 'auto', a GPU with its number; nothing is set by it.

    Raises:
        MeasuringError: CUDA is asked for and there is none.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    if name.startswith("cuda") and not torch.cuda.is_available():
        raise MeasuringError(
            f"device {name!r}: torch {torch.__version__} finds no usable CUDA device; use --device cpu (script: device='cpu')"
        )
    return torch.device("cuda", torch.cuda.current_device()) if name == "cuda" else torch.device(name)


def say(folder: Path, message: dict[str, object]) -> None:
    """Tell the supervisor."""
    with (folder / PROGRESS).open("a") as file:
        file.write(json.dumps(message) + "\n")


def _reporter(folder: Path) -> Callable[[Progress], None]:
    return lambda progress: say(folder, {"progress": asdict(progress)})


def case_context(job: Job, catalog: Catalog) -> LoadContext:
    """Return what the case's data set has to know to load itself."""
    model: Model = catalog.load("models", job.case.model.name)
    return context_of(job.project, catalog, job.case.data.name, model.input_shape)


def prepare(job: Job, device: torch.device, seen: Observations) -> TrainJob:
    """Return the case's training, ready to go: data loaded, model built."""
    catalog = job.project.catalog()
    return build(job, catalog, load_data(job, catalog, seen), device, seen)


def load_data(job: Job, catalog: Catalog, seen: Observations) -> Splits:
    """Load the case's data and note its digest."""
    dataset: Dataset = catalog.load("data", job.case.data.name)
    splits = dataset.load(case_context(job, catalog), **job.case.data.options)
    splits_held = {"train": splits.train, "test": splits.test, "validation": splits.validation}
    held = {name: split for name, split in splits_held.items() if split is not None}
    seen.digests["data"] = digests.tensors_digest(
        [tensor for split in held.values() for tensor in (split.inputs, split.labels)]
    )
    seen.sample_hashes = np.concatenate([digests.sample_hashes([split.inputs, split.labels]) for split in held.values()])
    seen.split_sizes = {name: len(split) for name, split in held.items()}
    seen.test_samples = len(splits.test)
    return splits


def build(job: Job, catalog: Catalog, splits: Splits, device: torch.device, seen: Observations) -> TrainJob:
    """Build the model from the init stream and put everything on the device."""
    case = job.case
    task: Task = catalog.load("tasks", case.task.name)
    training, validation, learning = start_learning(task, splits, case.recipe.validation, job.seed, case.task.options)
    part: Model = catalog.load("models", case.model.name)
    started = perf_counter()
    seed_globals(job.seed, "init")
    model = place_model(part.build(describe_data(splits), **case.model.options), device, case.execution)
    seed_globals(job.seed, "dropout")
    seen.build_seconds = perf_counter() - started
    seen.parameters = sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)
    seen.model_bytes = sum(tensor.numel() * tensor.element_size() for tensor in model.state_dict().values())
    seen.directions = dict(task.scores)
    compile_parts(model, [turn.part for turn in learning.turns], device, case.execution.mode)
    seen.threads = case.execution.threads
    seen.usable_cpus = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return TrainJob(
        model=model,
        task=task,
        learning=learning,
        recipe=case.recipe,
        seed=job.seed,
        train=place_split(training, device, case.execution),
        validation=None if validation is None else place_split(validation, device, case.execution),
        test=place_split(splits.test, device, case.execution),
        device=device,
        precision=case.execution.precision,
        build_started=started,
        report=_reporter(job.folder),
        checkpoint=job.checkpoint,
        checkpoint_seconds=case.checkpoint_seconds,
        digest_steps=case.digest_steps,
        cut_at=job.cut_at,
    )
