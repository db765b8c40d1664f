"""The training loop, readable from top to bottom.

One step is one update of the weights. Its batch comes from tensors in memory, drawn by an order that the run's
shuffle stream decides; its marks go to a clock that never makes the device wait; its loss stays on the device until
the next look, a few times a second, when it is checked for NaN and shown as progress.
"""

from __future__ import annotations

import copy
import gc
import hashlib
import math
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from time import monotonic, perf_counter
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.utils import clip_grad_norm_
from torch.optim.lr_scheduler import LambdaLR

from harness.data import Split
from harness.errors import DataError
from harness.observations import Evaluation, Observations
from harness.probes.clock import step_clock, wait_for
from harness.probes.peaks import Peaks
from harness.seeds import generator
from harness.suite import Optimizer, Recipe
from harness.tasks import Scores, Task

WARMUP_STEPS = 10
"""Steps until allocator, kernels and caches are settled (NOISE 5: five, doubled)."""
WARMUP_SECONDS = {"cpu": 0.0, "cuda": 0.3}
"""Least duration of the warm-up by kind of device: a GPU's clocks take that long to rise, however short the steps."""
LOOK_SECONDS = 0.25
"""Time between two looks at the losses."""

OPTIMIZERS: dict[str, type[torch.optim.Optimizer]] = {
    "sgd": torch.optim.SGD,
    "adam": torch.optim.Adam,
    "adamw": torch.optim.AdamW,
    "rmsprop": torch.optim.RMSprop,
}


class DivergedError(Exception):
    """A loss or weight was NaN or infinite; names the first step at which it was seen."""


@dataclass(frozen=True)
class Progress:
    """What is shown while a run trains."""

    step: int
    steps: int
    epoch: int
    loss: float
    samples: int
    seconds: float


@dataclass
class Job:
    """Everything a training needs."""

    model: nn.Module
    task: Task
    recipe: Recipe
    seed: int
    train: Split
    validation: Split | None
    test: Split
    device: torch.device
    precision: str = "fp32"
    build_started: float = field(default_factory=perf_counter)
    """Reading of perf_counter at which building the model began."""
    report: Callable[[Progress], None] = lambda progress: None


def train(job: Job, seen: Observations) -> None:
    """Train `job.model` in place and fill `seen` with what was observed.

    Afterwards the model holds the weights that `recipe.select` chose. Evaluations are off the training clock and draw
    no random numbers.

    Raises:
        DivergedError: a loss is not finite.
    """
    loop = Loop(job, seen)
    shuffle = generator(job.seed, "shuffle")
    order_digest = hashlib.sha256()
    best, peaks = Best(job), Peaks(job.device, seen)
    train_seconds = 0.0
    peaks.begin()

    for epoch in range(1, loop.plan.epochs + 1):
        order = torch.randperm(len(job.train), generator=shuffle)[: loop.plan.samples_of(epoch)]
        order_digest.update(order.numpy().tobytes())
        started = monotonic()
        train_seconds += loop.epoch(epoch, order.to(job.device), train_seconds)
        seen.train_windows.append((started, monotonic()))
        if epoch % job.recipe.evaluate_epochs == 0 or epoch == loop.plan.epochs:
            peaks.end()
            seen.evaluations.append(best.evaluate(epoch, len(loop.losses), train_seconds))
            peaks.begin()

    times = loop.clock.times()
    seen.loader_seconds, seen.step_seconds, seen.step_cpu_seconds = times.loader, times.step, times.cpu
    seen.losses, seen.step_epochs, seen.step_samples = loop.losses.arrays()
    seen.warmup_steps, seen.train_seconds = loop.warmup_steps, train_seconds
    seen.digests["batch_order"] = order_digest.hexdigest()
    best.restore()


class Loop:
    """The steps of a training: what they need, and one epoch of them."""

    def __init__(self, job: Job, seen: Observations) -> None:
        self.job, self.seen = job, seen
        self.plan = StepPlan.of(job.recipe, len(job.train))
        self.optimizer = make_optimizer(job.recipe.optimizer, job.model)
        self.schedule = make_schedule(job.recipe, self.optimizer, self.plan)
        self.amp = autocast(job.device, job.precision)
        self.parameters = list(job.model.parameters())
        self.clock, self.losses = step_clock(job.device), Losses()
        self.warm, self.warmup_steps = False, WARMUP_STEPS
        self.warm_from = perf_counter() + WARMUP_SECONDS.get(job.device.type, 0.0)
        self.next_look = perf_counter() + LOOK_SECONDS

    def epoch(self, epoch: int, order: Tensor, seconds_before: float) -> float:
        """Take one epoch's steps over the samples in `order`; return its wall seconds."""
        job, plan, clock, losses = self.job, self.plan, self.clock, self.losses
        inputs, labels, clip_norm = job.train.inputs, job.train.labels, job.recipe.clip_norm
        job.model.train()
        started = perf_counter()
        for indices in order.split(plan.step_samples):
            clock.fetch()
            batches = [(inputs[part], labels[part]) for part in indices.split(plan.batch_size)]
            clock.compute()
            loss = self.backward(batches, len(indices))
            if clip_norm is not None:
                clip_grad_norm_(self.parameters, clip_norm)
            self.optimizer.step()
            self.optimizer.zero_grad()
            if self.schedule is not None:
                self.schedule.step()
            clock.end()

            losses.add(loss, epoch, len(indices))
            if not self.warm:
                self.warm_up(len(losses))
            if perf_counter() >= self.next_look:
                self.look(epoch, seconds_before + perf_counter() - started)
        losses.look()
        wait_for(job.device)
        return perf_counter() - started

    def backward(self, batches: list[tuple[Tensor, Tensor]], samples: int) -> Tensor:
        """Add the gradient of the mean loss over a step's samples, one batch at a time; return that loss."""
        total: Tensor | None = None
        for inputs, labels in batches:
            with self.amp:
                loss = self.job.task.loss(self.job.model, inputs, labels)
            if len(batches) > 1:
                loss = loss * (len(labels) / samples)
            loss.backward()
            total = loss.detach() if total is None else total + loss.detach()
        assert total is not None  # a step has at least one sample
        return total

    def warm_up(self, step: int) -> None:
        """Note the end of the first step; once warm, note how many steps it took and settle the garbage collector."""
        if step == 1:
            wait_for(self.job.device)
            self.seen.first_step_seconds = perf_counter() - self.job.build_started
        if step >= WARMUP_STEPS and perf_counter() >= self.warm_from:
            self.warm, self.warmup_steps = True, step
            settle()

    def look(self, epoch: int, seconds: float) -> None:
        """Check the losses so far and report progress."""
        loss = self.losses.look()
        self.job.report(Progress(len(self.losses), self.plan.steps, epoch, loss, self.losses.samples, seconds))
        self.next_look = perf_counter() + LOOK_SECONDS


@dataclass(frozen=True)
class StepPlan:
    """How many steps a recipe takes over a training split, and of how many samples."""

    batch_size: int
    step_samples: int
    epoch_samples: int
    """Samples used in a whole epoch."""
    steps_per_epoch: int
    steps: int

    @classmethod
    def of(cls, recipe: Recipe, samples: int) -> StepPlan:
        """Return the plan; 1,437 samples in batches of 64 are 23 steps an epoch, 22 with drop_last."""
        batch = samples if recipe.batch_size == "full" else min(recipe.batch_size, samples)
        step_samples = min(batch * recipe.accumulate, samples)
        used = samples - samples % batch if recipe.drop_last else samples
        per_epoch = math.ceil(used / step_samples)
        steps = recipe.steps if recipe.steps is not None else (recipe.epochs or 0) * per_epoch
        return cls(batch, step_samples, used, per_epoch, steps)

    @property
    def epochs(self) -> int:
        """Epochs begun, the last perhaps cut short by `steps`."""
        return math.ceil(self.steps / self.steps_per_epoch)

    def samples_of(self, epoch: int) -> int:
        """Return how many samples epoch number `epoch` (from 1) uses."""
        left = self.steps - (epoch - 1) * self.steps_per_epoch
        return min(self.epoch_samples, left * self.step_samples)


class Losses:
    """The loss of each step; kept on the device, fetched at each look."""

    def __init__(self) -> None:
        self.samples = 0
        self._pending: list[Tensor] = []
        self._fetched: list[Tensor] = []
        self._steps: list[tuple[int, int]] = []

    def __len__(self) -> int:
        return len(self._steps)

    def add(self, loss: Tensor, epoch: int, samples: int) -> None:
        """Note one step."""
        self._pending.append(loss)
        self._steps.append((epoch, samples))
        self.samples += samples

    def look(self) -> float:
        """Fetch the losses since the last look and return the newest.

        Raises:
            DivergedError: one of them is not finite.
        """
        if self._pending:
            fresh = torch.stack(self._pending).double().cpu()
            if not torch.isfinite(fresh).all():
                first = int((~torch.isfinite(fresh)).nonzero()[0])
                step = len(self._steps) - len(self._pending) + first + 1
                raise DivergedError(f"training loss was {fresh[first].item()} at step {step}")
            self._fetched.append(fresh)
            self._pending.clear()
        return self._fetched[-1][-1].item()

    def arrays(self) -> tuple[Any, Any, Any]:
        """Return losses, epochs and samples of all steps, [steps] each."""
        steps = np.array(self._steps, dtype=np.int64).reshape(-1, 2)
        return torch.cat(self._fetched).numpy(), steps[:, 0], steps[:, 1]


class Best:
    """Evaluates during training, and keeps the weights that validation prefers."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._score: float | None = None
        self._weights: dict[str, Any] | None = None

    def evaluate(self, epoch: int, step: int, train_seconds: float) -> Evaluation:
        """Score the model now on the validation split, or on the test split where there is none."""
        job = self._job
        split = job.validation or job.test
        scores = evaluate(job, split)
        if job.recipe.select == "best":
            self._keep(scores.values[job.task.primary])
        return Evaluation(epoch, step, train_seconds, "validation" if job.validation else "test", scores.values)

    def _keep(self, score: float) -> None:
        better = self._score is None or (score > self._score if self._job.task.direction == "higher" else score < self._score)
        if better:
            self._score, self._weights = score, copy.deepcopy(self._job.model.state_dict())

    def restore(self) -> None:
        """Give the model the weights that `select` chose."""
        if self._weights is not None:
            self._job.model.load_state_dict(self._weights)


def evaluate(job: Job, split: Split) -> Scores:
    """Return the task's scores of the model as it is, in the precision of training."""
    with autocast(job.device, job.precision):
        return job.task.evaluate(job.model, split, evaluation_batch(job.recipe))


def evaluation_batch(recipe: Recipe) -> int:
    """Return the batch size of evaluations: large enough to be quick, small enough for memory."""
    return 256 if recipe.batch_size == "full" else max(recipe.batch_size, 256)


def make_optimizer(settings: Optimizer, model: nn.Module) -> torch.optim.Optimizer:
    """Return the optimiser; settings left out keep torch's defaults."""
    given = {name: value for name, value in settings.model_dump(exclude={"name"}).items() if value is not None}
    return OPTIMIZERS[settings.name](model.parameters(), **given)


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


def autocast(device: torch.device, precision: str) -> AbstractContextManager[Any]:
    """Return the context of the forward pass: bfloat16 autocasting, or nothing."""
    return torch.autocast(device.type, torch.bfloat16) if precision == "bf16" else nullcontext()


def settle() -> None:
    """Collect garbage once and take what survives out of later collections: a full one costs 0.2 s (NOISE 5)."""
    gc.collect()
    gc.freeze()


def hold_out(split: Split, share: float, seed: int) -> tuple[Split, Split | None]:
    """Return (training, validation) parts of a split, drawn by the split stream; validation is None for share 0.

    Raises:
        DataError: no sample is left to train on.
    """
    held = round(len(split) * share)
    if held >= len(split):
        raise DataError(
            f"recipe.validation: a share of {share:g} holds out {held} of {len(split)} training samples, at least 1 has to "
            "remain; choose a smaller share or a larger data set"
        )
    if not held:
        return split, None
    order = torch.randperm(len(split), generator=generator(seed, "split"))
    first, rest = order[:held], order[held:]
    return Split(split.inputs[rest], split.labels[rest]), Split(split.inputs[first], split.labels[first])
