"""What happens inside a run's process: one job, from loading the data to the last digest."""

from __future__ import annotations

import base64
import json
import math
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from time import perf_counter

import torch
from torch import Tensor, nn

from harness import digests, environment
from harness.catalog import Catalog
from harness.data import Dataset, LoadContext, Splits
from harness.errors import HarnessError, MeasuringError
from harness.models import DataSpec, Model
from harness.observations import Observations
from harness.probes.flops import count_flops
from harness.probes.inference import time_inference
from harness.runner.jobs import PROGRESS, Job, Outcome
from harness.seeds import seed_globals, set_lane
from harness.suite import Case
from harness.tasks import Learning, Played, Task, Turn
from harness.train import DivergedError, Progress, Reach, StepPlan, autocast, evaluate, first_batch, hold_out, train
from harness.train import Job as TrainJob

OUT_OF_MEMORY = ("can't allocate memory", "out of memory", "not enough memory")


def work(folder: Path) -> None:
    """Do the job in `folder` and write its outcome there. Never raises: whatever goes wrong becomes a status."""
    started = perf_counter()
    try:
        job = Job.read(folder)
        outcome = identify(job) if job.kind == "identify" else run(job)
    except DivergedError as error:
        outcome = Outcome("diverged", str(error))
    except HarnessError as error:
        outcome = Outcome("failed", str(error))
    except (Exception, SystemExit) as error:
        traceback.print_exc()  # into the run's log
        outcome = _failure(error)
    replace(outcome, work_seconds=perf_counter() - started).write(folder)


def _failure(error: BaseException) -> Outcome:
    text = f"{type(error).__name__}: {error}".strip(": ")
    return Outcome("oom" if _of_memory(error) else "failed", text)


def _of_memory(error: BaseException) -> bool:
    return isinstance(error, MemoryError | torch.OutOfMemoryError) or any(mark in str(error) for mark in OUT_OF_MEMORY)


def identify(job: Job) -> Outcome:
    """Fetch the case's data if it has to be, and say what decides the bits of its runs."""
    device = prepare_process(job.case)
    dataset: Dataset = job.project.catalog().load("data", job.case.data.name)
    context = _context(job, job.project.catalog())
    if dataset.download:
        dataset.load(context, **job.case.data.options)
    identity = dataset.identity(context, **job.case.data.options) if dataset.identity else ""
    return Outcome("ok", environment=_describe(job.case, device), version_key=environment.version_key(), identity=identity)


def run(job: Job) -> Outcome:
    """Train and measure one case with one seed; observations are saved in the job's folder."""
    case, catalog, seen = job.case, job.project.catalog(), Observations()
    device = prepare_process(case)
    announce(job.folder, device)
    splits = load_data(job, catalog, seen)
    training = build(job, catalog, splits, device, seen)
    initial = initial_digests(training)

    train(training, seen)
    final = digests.state_digests(training.model.state_dict())
    score(training, seen)
    measure_inference(training, seen)
    count_operations(training, seen)

    seen.targets = dict(case.targets)
    seen.digests |= {
        "initial_weights": digests.digest_of(initial),
        "final_weights": digests.digest_of(final),
        "loss_curve": digests.losses_digest(seen.losses),
    }
    seen.save(job.folder)
    tensors = {name: [initial[name], final[name]] for name in final}
    return Outcome("ok", environment=_describe(case, device), version_key=environment.version_key(), tensors=tensors)


def prepare_process(case: Case) -> torch.device:
    """Set threads, lane and precision for this process; return the device to run on.

    Raises:
        MeasuringError: the device is not there.
    """
    torch.set_num_threads(case.execution.threads)
    set_lane(case.execution.lane, case.execution.precision)
    return choose_device(case.execution.device)


def choose_device(name: str) -> torch.device:
    """Return the device for 'cpu', 'cuda', 'cuda:1' or 'auto'.

    Raises:
        MeasuringError: CUDA is asked for and there is none.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    if name.startswith("cuda") and not torch.cuda.is_available():
        raise MeasuringError(f"device {name!r}: torch {torch.__version__} finds no usable CUDA device; use --device cpu")
    device = torch.device(name)
    if name == "cuda":
        return torch.device("cuda", torch.cuda.current_device())
    if device.type == "cuda":
        torch.cuda.set_device(device)  # what a model makes on plain "cuda" is then on this one
    return device


def announce(folder: Path, device: torch.device) -> None:
    """Tell the supervisor which GPU to watch."""
    if device.type == "cuda":
        _say(folder, {"gpu": environment.gpu_uuid(device)})


def _say(folder: Path, message: dict[str, object]) -> None:
    with (folder / PROGRESS).open("a") as file:
        file.write(json.dumps(message) + "\n")


def _reporter(folder: Path) -> Callable[[Progress], None]:
    return lambda progress: _say(folder, {"progress": asdict(progress)})


def _describe(case: Case, device: torch.device) -> dict[str, str]:
    return environment.describe(device, case.execution.precision, case.execution.lane, "eager")


def _context(job: Job, catalog: Catalog) -> LoadContext:
    model: Model = catalog.load("models", job.case.model.name)
    folder = catalog.part("data", job.case.data.name).fields.get("folder") or job.case.data.name
    return LoadContext(job.project.data / folder, model.input_shape, job.project.root)


def load_data(job: Job, catalog: Catalog, seen: Observations) -> Splits:
    """Load the case's data and note its digest."""
    dataset: Dataset = catalog.load("data", job.case.data.name)
    splits = dataset.load(_context(job, catalog), **job.case.data.options)
    held = [split for split in (splits.train, splits.test, splits.validation) if split is not None]
    seen.digests["data"] = digests.tensors_digest([tensor for split in held for tensor in (split.inputs, split.labels)])
    seen.test_samples = len(splits.test)
    return splits


def describe_data(splits: Splits) -> DataSpec:
    """Return what a model has to know of the data: for an agent, its observations and actions."""
    shape = tuple(splits.train.inputs.shape[1:])
    if splits.environment is not None:
        shape = tuple(splits.environment().observation_space.shape or ())
    return DataSpec(shape, len(splits.classes), tuple(map(len, splits.vocabularies)))


def build(job: Job, catalog: Catalog, splits: Splits, device: torch.device, seen: Observations) -> TrainJob:
    """Build the model from the init stream and put everything on the device."""
    case = job.case
    task: Task = catalog.load("tasks", case.task.name)
    training, validation = hold_out(splits, case.recipe.validation, job.seed)
    learning: Learning = task.start(replace(splits, train=training), **case.task.options)
    part: Model = catalog.load("models", case.model.name)
    started = perf_counter()
    seed_globals(job.seed, "init")
    model: nn.Module = part.build(describe_data(splits), **case.model.options).to(device)
    seed_globals(job.seed, "dropout")
    seen.build_seconds = perf_counter() - started
    seen.parameters = sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)
    seen.model_bytes = sum(tensor.numel() * tensor.element_size() for tensor in model.state_dict().values())
    seen.directions = dict(task.scores)
    return TrainJob(
        model=model,
        task=task,
        learning=learning,
        recipe=case.recipe,
        seed=job.seed,
        train=training.to(device),
        validation=None if validation is None else validation.to(device),
        test=splits.test.to(device),
        device=device,
        precision=case.execution.precision,
        build_started=started,
        report=_reporter(job.folder),
        checkpoint=job.checkpoint,
        checkpoint_seconds=case.checkpoint_seconds,
    )


def initial_digests(training: TrainJob) -> dict[str, str]:
    """Return the digests of the weights before training; their time is no part of the time to the first step."""
    started = perf_counter()
    found = digests.state_digests(training.model.state_dict())
    training.build_started += perf_counter() - started
    return found


def score(training: TrainJob, seen: Observations) -> None:
    """Score the selected weights on the test split.

    Raises:
        DivergedError: a score or a weight is not finite.
    """
    scores = evaluate(training, training.test)
    for name, value in scores.values.items():
        if not math.isfinite(value):
            raise DivergedError(f"test {name} was {value} after training")
    for name, parameter in training.model.named_parameters():
        if not parameter.isfinite().all():
            raise DivergedError(f"weights {name!r} were not finite after training")
    seen.scores, seen.texts = dict(scores.values), dict(scores.texts)
    seen.images = {title: base64.b64encode(image).decode("ascii") for title, image in scores.images.items()}
    if scores.predictions is not None and scores.labels is not None:
        seen.predictions, seen.labels = scores.predictions, scores.labels
    if scores.returns is not None:
        seen.test_returns = scores.returns


@contextmanager
def spared(seen: Observations, *fields: str) -> Iterator[None]:
    """Let a probe of the trained model fail without the run: its fields are null, and say why. Lack of memory goes on up."""
    try:
        yield
    except Exception as error:
        if _of_memory(error):
            raise
        first, *_ = [*str(error).splitlines(), ""]
        seen.nulls |= dict.fromkeys(fields, f"unsupported: {type(error).__name__}: {first}")


def measure_inference(training: TrainJob, seen: Observations) -> None:
    """Time forward passes of one sample and of a training batch, in the precision of training."""
    plan, test = StepPlan.of(training.recipe, len(training.train)), training.test
    reach = Reach.of(test) if training.learning.padded else None
    seen.infer_batch_size = min(plan.batch_size, len(test))
    for field, samples in (("infer_latency_seconds", 1), ("infer_batch_seconds", seen.infer_batch_size)):
        with spared(seen, field):
            context = autocast(training.device, training.precision)
            infer, model, device = training.learning.infer, training.model, training.device
            inputs, _ = first_batch(test, samples, reach)
            setattr(seen, field, time_inference(infer, model, inputs, device, context))


def count_operations(training: TrainJob, seen: Observations) -> None:
    """Count the floating-point operations of forward and backward; last, because it leaves gradients behind.

    Two samples are enough where all cost the same (batch normalisation wants more than one); texts are counted over a batch
    without the padding that training cuts off.
    """
    if not training.learning.steady:
        seen.nulls["train_flops_per_sample"] = "not_applicable: an episode's length varies"
        return
    reach = Reach.of(training.train) if training.learning.padded else None
    count = StepPlan.of(training.recipe, len(training.train)).batch_size if reach else 2
    inputs, labels = first_batch(training.train, count, reach)
    samples = len(inputs)
    training.model.train()
    with spared(seen, "train_flops_per_sample"), autocast(training.device, training.precision):
        operations = sum(count_flops(partial(_pass, turn, training.model, inputs, labels)) for turn in training.learning.turns)
        if operations or not seen.parameters:
            seen.train_flops_per_sample = operations // samples
        else:
            seen.nulls["train_flops_per_sample"] = "unsupported: none of the model's operations are known to the counter"


def _pass(turn: Turn, model: nn.Module, inputs: Tensor, labels: Tensor) -> None:
    """Go forward, and backward where anything learns."""
    loss = turn.loss(model, inputs, labels)
    loss = loss.loss if isinstance(loss, Played) else loss
    if loss.requires_grad:
        loss.backward()
