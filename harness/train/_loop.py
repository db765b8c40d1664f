"""The training loop, readable from top to bottom.

One step is one update of the weights (of each part in turn, where a model has several that learn apart). Its batch comes
from tensors in memory, drawn by an order that the run's shuffle stream decides; its marks go to a clock that never makes
the device wait; its loss stays on the device until the next look, a few times a second, when it is checked for NaN and
shown as progress.
"""

from __future__ import annotations

import gc
import hashlib
import os
import signal
from dataclasses import asdict
from time import monotonic, perf_counter
from typing import Any

import numpy as np
import torch
from torch import Tensor

from harness.digests import digest_of
from harness.errors import UsageError
from harness.observations import Evaluation, Observations, TensorMark
from harness.probes.clock import StepTimes, step_clock, wait_for
from harness.probes.host import involuntary_switches
from harness.probes.marks import mark_tensors
from harness.probes.peaks import Peaks
from harness.seeds import generator
from harness.tasks import Played
from harness.train._checkpoint import Checkpoint
from harness.train._evaluate import Best, autocast
from harness.train._job import Job, Progress
from harness.train._losses import Losses
from harness.train._plan import Reach, StepPlan, draw_order
from harness.train._steady import find_steady
from harness.train._updates import Update

WARMUP_STEPS = 10
"""Steps until allocator, kernels and caches are settled (NOISE 5: five, doubled); then the garbage collector is, and memory
peaks begin. `_steady` may find afterwards that the pace settled later."""
WARMUP_SECONDS = {"cpu": 0.0, "cuda": 0.3}
"""Least duration of the warm-up by kind of device: a GPU's clocks take that long to rise, however short the steps."""
LOOK_SECONDS = 0.25
"""Time between two looks at the losses."""


def train(job: Job, seen: Observations) -> None:
    """Train `job.model` in place and fill `seen` with what was observed.

    Afterwards the model holds the weights that `recipe.select` chose. Evaluations are off the training clock and draw
    no random numbers.

    Raises:
        DivergedError: a loss is not finite.
        UsageError: the recipe sorts by length what has none.
    """
    loop = Loop(job, seen)
    loop.take_up()
    for epoch in range(loop.epochs_done + 1, loop.plan.epochs + 1):
        loop.epoch(epoch)
        if epoch % job.recipe.evaluate_epochs == 0 or epoch == loop.plan.epochs:
            loop.evaluate()
        loop.save_if_due()
    loop.finish()


class Loop:
    """A training in progress: epochs of steps, and everything that the next step depends on."""

    def __init__(self, job: Job, seen: Observations) -> None:
        self.job, self.seen = job, seen
        self.peaks, self.checkpoint = Peaks(job.device, seen), Checkpoint(job.checkpoint, job.checkpoint_seconds)
        self.plan = StepPlan.of(job.recipe, len(job.train))
        self.updates = [Update(turn, job.model, job.recipe, self.plan) for turn in job.learning.turns]
        self.amp = autocast(job.device, job.precision)
        self.reach = Reach.of(job.train) if job.learning.padded else None
        if job.recipe.bucket and self.reach is None:
            raise UsageError("recipe.bucket: the task's samples have no lengths to sort by; leave it out")
        if job.recipe.accumulate > 1 and not job.learning.additive:
            raise UsageError(
                f"recipe.accumulate = {job.recipe.accumulate}: the task's loss of a batch is no mean over its samples, so that "
                "several batches do not make one large one; leave it out"
            )
        self.shuffle = generator(job.seed, "shuffle")
        self.clock, self.earlier = step_clock(job.device), StepTimes(*(np.empty(0) for _ in range(3)))
        self.losses, self.best = Losses(), Best(job)
        self.rates: list[float] = []
        self.marked = frozenset(job.digest_steps) - {self.plan.steps}  # the last step's mark is of the selected weights
        self.pauses = self.marked | {job.cut_at}
        self.orders: list[str] = []
        self.order: Tensor | None = None  # of the epoch in hand
        self.taken = 0
        self.epochs_done, self.train_seconds, self.evaluation_seconds, self.checkpoint_seconds = 0, 0.0, 0.0, 0.0
        self.warm, self.warmup_steps = False, WARMUP_STEPS
        self.warm_from = perf_counter() + WARMUP_SECONDS.get(job.device.type, 0.0)
        self.next_look = perf_counter() + LOOK_SECONDS
        self.began, self.started, self.switches = monotonic(), perf_counter(), 0

    def take_up(self) -> None:
        """Go on from the checkpoint, if there is one; note the weights if there is none."""
        if state := self.checkpoint.load():
            self.load_state_dict(state)
        else:
            started = perf_counter()
            self.mark(0)
            self.job.build_started += perf_counter() - started  # no part of the time to the first step

    def epoch(self, epoch: int) -> None:
        """Draw an epoch's order and take its steps, or those that a checkpoint has left of them."""
        if self.order is None:
            self.order, self.taken = self.draw(epoch), 0
            self.orders.append(hashlib.sha256(self.order.numpy().tobytes()).hexdigest())
        if self.taken < len(self.order):  # a checkpoint may be of the moment after the last step
            self.steps(epoch, self.order[self.taken :])
        self.epochs_done, self.order = epoch, None

    def draw(self, epoch: int) -> Tensor:
        """Return the order in which an epoch takes its samples, on the CPU."""
        return draw_order(self.plan, epoch, len(self.job.train), self.job.recipe.bucket, self.reach, self.shuffle)

    def steps(self, epoch: int, order: Tensor) -> None:
        """Take the steps over the samples in `order`, which is on the CPU."""
        job, plan, clock, losses = self.job, self.plan, self.clock, self.losses
        here = order.split(plan.step_samples)
        there = here if job.device.type == "cpu" else order.to(job.device).split(plan.step_samples)
        job.model.train()
        self.start()
        for step, (indices, places) in enumerate(zip(there, here, strict=True), len(losses) + 1):
            rate = self.updates[0].learning_rate
            clock.fetch()
            batches = self.fetch(indices, places)
            clock.compute()
            loss = self.step(batches, len(indices))
            clock.end()
            del batches  # before the next are fetched: they take this memory, which is in the cache

            losses.add(loss, epoch, len(indices))
            self.rates.append(rate)
            self.taken += len(indices)
            if not self.warm:
                self.warm_up(step)
            if step in self.pauses:
                self.pause(step)
            if perf_counter() >= self.next_look:
                self.look(epoch)
        losses.look()
        self.stop()

    def start(self) -> None:
        """Begin a stretch of training: its clock and its memory peaks."""
        self.peaks.begin()
        self.began, self.started, self.switches = monotonic(), perf_counter(), involuntary_switches()

    def stop(self) -> None:
        """End a stretch of training, when the device has done what was asked of it."""
        wait_for(self.job.device)
        self.train_seconds += perf_counter() - self.started
        self.seen.train_windows.append((self.began, monotonic()))
        self.seen.involuntary_switches = (self.seen.involuntary_switches or 0) + involuntary_switches() - self.switches
        self.peaks.end()

    def pause(self, step: int) -> None:
        """Do between two steps what is no part of training: note the weights; save them and die, where that is asked for."""
        self.stop()
        if step in self.marked:
            self.mark(step)
        if step == self.job.cut_at:
            self.save()
            os.kill(os.getpid(), signal.SIGKILL)
        self.start()

    def mark(self, step: int) -> None:
        """Note digest and norm of each tensor of the model as it is after a step."""
        self.seen.tensor_marks += mark_tensors(self.job.model.state_dict(), step)

    def fetch(self, indices: Tensor, places: Tensor) -> list[tuple[Tensor, Tensor]]:
        """Return the batches of a step's samples; `places` are their numbers on the CPU."""
        inputs, labels, size = self.job.train.inputs, self.job.train.labels, self.plan.batch_size
        if self.reach is None and len(indices) <= size:  # nearly always: a split costs as much as a small step's kernel
            return [(inputs[indices], labels[indices])]
        batches = [(inputs[part], labels[part]) for part in indices.split(size)]
        if self.reach is not None:
            batches = [self.reach.cut(*batch, part) for batch, part in zip(batches, places.split(size), strict=True)]
        return batches

    def step(self, batches: list[tuple[Tensor, Tensor]], samples: int) -> Tensor:
        """Update every part in turn; return the sum of the turns' losses."""
        total: Tensor | None = None
        for update in self.updates:
            loss = self.backward(update, batches, samples)
            update.step()
            total = loss if total is None else total + loss
            if len(self.updates) > 1:
                self.job.model.zero_grad()  # a turn's loss leaves gradients in the other parts too
        assert total is not None  # a step has at least one turn
        return total

    def backward(self, update: Update, batches: list[tuple[Tensor, Tensor]], samples: int) -> Tensor:
        """Add the gradient of the mean loss over a step's samples, one batch at a time; return that loss."""
        total: Tensor | None = None
        for inputs, labels in batches:
            with self.amp:
                loss = update.loss(self.job.model, inputs, labels)
            if isinstance(loss, Played):
                self.losses.play(loss.returns)
                loss = loss.loss
            if len(batches) > 1:
                loss = loss * (len(labels) / samples)
            if loss.requires_grad:
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
            self.peaks.settle()

    def look(self, epoch: int) -> None:
        """Check the losses so far, report progress, and save where it is time to."""
        loss, seconds = self.losses.look(), self.train_seconds + perf_counter() - self.started
        self.job.report(Progress(len(self.losses), self.plan.steps, epoch, loss, self.losses.samples, seconds))
        if self.checkpoint.due:
            self.stop()
            self.save()
            self.start()
        self.next_look = perf_counter() + LOOK_SECONDS

    def evaluate(self) -> None:
        """Score the model as it is now."""
        started = perf_counter()
        self.seen.evaluations.append(self.best.evaluate(self.epochs_done, len(self.losses), self.train_seconds))
        self.evaluation_seconds += perf_counter() - started

    def save_if_due(self) -> None:
        """Save where it is time to."""
        if self.checkpoint.due:
            self.save()

    def save(self) -> None:
        """Save everything that the next step depends on."""
        started = perf_counter()
        self.checkpoint.save(self.state_dict())
        self.checkpoint_seconds += perf_counter() - started

    def finish(self) -> None:
        """Leave what was recorded in the observations, and the selected weights in the model."""
        seen, times = self.seen, self.times()
        seen.loader_seconds, seen.step_seconds, seen.step_cpu_seconds = times.loader, times.step, times.cpu
        seen.losses, seen.step_epochs, seen.step_samples = self.losses.arrays()
        seen.episode_steps, seen.episode_returns = self.losses.episodes()
        seen.warmup_steps, seen.steady = find_steady(times.step + times.loader, self.warmup_steps)
        seen.train_seconds, seen.evaluation_seconds = self.train_seconds, self.evaluation_seconds
        seen.checkpoint_seconds = self.checkpoint_seconds
        seen.learning_rates = np.array(self.rates)
        seen.digests["batch_order"] = digest_of(self.orders)
        self.best.restore()
        self.mark(len(self.losses))

    def times(self) -> StepTimes:
        """Return the times of all steps, those before a checkpoint included."""
        before, since = self.earlier, self.clock.times()
        pairs = ((before.loader, since.loader), (before.step, since.step), (before.cpu, since.cpu))
        return StepTimes(*(np.concatenate(pair) for pair in pairs))

    def state_dict(self) -> dict[str, Any]:
        """Return everything that the rest of the training and its record depend on, as tensors and plain data."""
        times = self.times()
        return {
            "epochs_done": self.epochs_done,
            "train_seconds": self.train_seconds,
            "evaluation_seconds": self.evaluation_seconds,
            "checkpoint_seconds": self.checkpoint_seconds,
            "warmup_steps": self.warmup_steps,
            "orders": self.orders,
            "order": self.order,
            "taken": self.taken,
            "rates": torch.tensor(self.rates, dtype=torch.float64),
            "shuffle": self.shuffle.get_state(),
            "model": self.job.model.state_dict(),
            "updates": [update.state_dict() for update in self.updates],
            "losses": self.losses.state_dict(),
            "best": self.best.state_dict(),
            "times": [torch.from_numpy(part) for part in (times.loader, times.step, times.cpu)],
            "evaluations": [asdict(evaluation) for evaluation in self.seen.evaluations],
            "first_step_seconds": self.seen.first_step_seconds,
            "marks": [asdict(mark) for mark in self.seen.tensor_marks],
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from what `state_dict` returned."""
        self.epochs_done, self.train_seconds = state["epochs_done"], state["train_seconds"]
        self.evaluation_seconds, self.checkpoint_seconds = state["evaluation_seconds"], state["checkpoint_seconds"]
        self.warm, self.warmup_steps, self.orders = True, state["warmup_steps"], state["orders"]  # `resumed` flags the rest
        self.order, self.taken, self.rates = state["order"], state["taken"], state["rates"].tolist()
        self.shuffle.set_state(state["shuffle"])
        self.job.model.load_state_dict(state["model"])
        for update, saved in zip(self.updates, state["updates"], strict=True):
            update.load_state_dict(saved)
        self.losses.load_state_dict(state["losses"])
        self.best.load_state_dict(state["best"])
        self.earlier = StepTimes(*(part.numpy() for part in state["times"]))
        self.seen.evaluations = [Evaluation(**row) for row in state["evaluations"]]
        self.seen.first_step_seconds = state["first_step_seconds"]
        self.seen.tensor_marks = [TensorMark(**row) for row in state["marks"]]
        self.seen.resumed_at_step = len(self.losses)
        settle()


def settle() -> None:
    """Collect garbage once and take what survives out of later collections: a full one costs 0.2 s (NOISE 5)."""
    gc.collect()
    gc.freeze()
