"""What a script tells of its training while it goes on."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from time import monotonic, perf_counter
from typing import Generic, Literal, TypeVar, get_args

import torch
from torch import Tensor, nn

from harness import digests
from harness.errors import UsageError
from harness.observations import Evaluation, Observations
from harness.probes.clock import wait_for
from harness.probes.host import involuntary_switches
from harness.probes.marks import mark_tensors
from harness.probes.peaks import Peaks
from harness.script._samples import Samples, count_samples, whole_number
from harness.script._scores import ScoreNames
from harness.script._steps import Steps
from harness.train import WARMUP_SECONDS, WARMUP_STEPS, find_steady

Item = TypeVar("Item")
Split = Literal["validation", "test"]

NOT_IN_SCRIPTS = (
    "build_seconds",
    "first_step_seconds",
    "compile_seconds",
    "checkpoint_seconds",
    "infer_latency_seconds",
    "infer_batch_seconds",
    "infer_batch_size",
    "load_seconds",
    "model_file_bytes",
    "peak_flops_per_second",
    "train_flops_per_sample",
)
"""Observations that need a training which the harness runs itself."""


class Loader(Generic[Item]):
    """A loader under measurement: each loop over it is an epoch."""

    def __init__(self, epoch: Callable[[], Iterator[Item]]) -> None:
        self._epoch = epoch

    def __iter__(self) -> Iterator[Item]:
        """Begin an epoch."""
        return self._epoch()


class Run:
    """One training of a script under measurement; `harness.measure` makes it.

    Args:
        device: where the script trains.
        names: the scores that the script may give.
    """

    def __init__(self, device: torch.device, names: ScoreNames) -> None:
        self.seen = Observations(threads=torch.get_num_threads(), usable_cpus=_usable_cpus())
        self._device, self._names = device, names
        self._steps, self._peaks = Steps(device), Peaks(device, self.seen)
        self._train_seconds, self._evaluation_seconds, self._switches = 0.0, 0.0, 0
        self._looping = self._over = False
        self._stretch: tuple[float, float, int] | None = None
        self._scores: dict[str, float] | None = None
        self._bad_weights = ""
        self._warmup_steps: int | None = None
        self._warm_from = 0.0

    def loader(self, batches: Iterable[Item], *, accumulate: int = 1, samples: Samples = None) -> Loader[Item]:
        """Return the loader measured: what the script does with each batch until it asks for the next is a step.

        Each loop over it is an epoch. Fetching is timed apart from the step; beginning to iterate is part of fetching the first
        batch. When the loop is left early, the batch in hand counts if its loss was noted or an optimiser of torch has stepped
        with it, else it does not.

        Args:
            batches: any iterable, such as a DataLoader; a pair of loaders goes in as `zip(a, b)`, which lasts one epoch.
            accumulate: batches whose gradients make one update: so many are one step, and so is an epoch's rest.
            samples: how many samples a batch holds, or a function that tells it of a batch; by default the length of the
                first tensor in it.

        Raises:
            UsageError: the block is over, another loader is in use, an evaluation is going on, or a batch's samples cannot be
                counted.
        """
        if accumulate < 1:
            raise UsageError(f"run.loader: accumulate is {accumulate}; allowed: 1 or more")
        return Loader(lambda: self._epoch(batches, accumulate, samples))

    def _epoch(self, batches: Iterable[Item], accumulate: int, samples: Samples) -> Iterator[Item]:
        self._begin_loop(accumulate)
        steps = self._steps
        try:
            steps.fetch()
            for batch in batches:
                steps.hand_out(count_samples(batch, samples))
                yield batch
                if self._over:
                    raise UsageError("run.loader: the block of harness.measure is over; loop inside it")
                steps.take_back()
                self._warm_up()
                steps.fetch()
        finally:
            self._end_loop()

    def loss(self, loss: Tensor | float) -> None:
        """Note the training loss of the batch in hand: its mean over the batch, not divided for accumulated gradients.

        It stays on the device. A loss that is not finite makes the run's status `diverged` at its end.

        Raises:
            UsageError: there is no batch in hand, its loss is noted already, or the loss is no single number.
        """
        batch = self._steps.batch
        if batch is None:
            raise UsageError("run.loss: no batch is in hand; call it inside `for batch in run.loader(...)`")
        if batch.loss is not None:
            raise UsageError("run.loss: this batch's loss is noted already; note the sum of several losses")
        found = loss.detach().clone() if isinstance(loss, Tensor) else torch.tensor(float(loss), dtype=torch.float64)
        if found.numel() != 1:
            raise UsageError(
                f"run.loss: found a tensor of shape {tuple(found.shape)}; allowed: one number, such as loss.mean()"
            )
        batch.loss = found.reshape(())

    @contextmanager
    def evaluation(self, epoch: int | None = None, *, split: Split = "test") -> Iterator[None]:
        """Take what happens inside off the training clock; scores given inside are of this moment of the training.

        Args:
            epoch: its number in the tables; by default that of the epochs begun.
            split: what the model is evaluated on.

        Raises:
            UsageError: the block is over, an evaluation is going on already, or an argument is not as it must be.
        """
        self._expect_no_evaluation("run.evaluation")
        if epoch is not None and whole_number(epoch) is None:
            raise UsageError(
                f"run.evaluation: epoch is {epoch!r}; allowed: a whole number; a split is named, as in split='test'"
            )
        if split not in get_args(Split):
            raise UsageError(f"run.evaluation: split is {split!r}; allowed: {' or '.join(get_args(Split))}")
        in_hand = self._steps.batch is not None
        if in_hand:
            self._steps.pause()
        if self._looping:
            self._end_stretch()
        self._scores = {}
        started = perf_counter()
        try:
            yield
            step = self._steps.done
            if self._scores:
                number = self._steps.epoch if epoch is None else epoch
                self.seen.evaluations.append(Evaluation(number, step, self._train_seconds, split, self._scores))
        finally:
            self._scores = None
            wait_for(self._device)
            self._evaluation_seconds += perf_counter() - started
            if self._looping:
                self._begin_stretch()
            if in_hand:
                self._steps.resume()

    def score(self, **scores: float | Tensor) -> None:
        """Give scores of the model as it is now; the last ones given are the run's, on the test split where any are.

        Raises:
            UsageError: outside an evaluation, or which way a score is better is not known.
        """
        if self._scores is None:
            raise UsageError("run.score: no evaluation is going on; call it inside `with run.evaluation():`")
        for name, value in scores.items():
            self._names.metric_of(name)
            self._scores[name] = float(value.detach() if isinstance(value, Tensor) else value)

    def model(self, model: nn.Module) -> None:
        """Note the model: its parameters, its bytes, and digests of its weights, initial before the first step, else final.

        Final weights that are not finite make the run's status `diverged`.
        """
        state = {name: value for name, value in model.state_dict().items() if isinstance(value, Tensor)}
        step, final = self._steps.done, self._steps.done > 0
        marks = mark_tensors(state, step)
        self.seen.tensor_marks = [mark for mark in self.seen.tensor_marks if mark.step != step] + marks
        name = "final_weights" if final else "initial_weights"
        self.seen.digests[name] = digests.digest_of({mark.tensor: mark.sha256 for mark in marks})
        bad = [name for name, value in model.named_parameters() if final and not value.isfinite().all()]
        self._bad_weights = f"weights {bad[0]!r} were not finite after training" if bad else ""
        self.seen.parameters = sum(value.numel() for value in model.parameters() if value.requires_grad)
        self.seen.model_bytes = sum(value.numel() * value.element_size() for value in state.values())

    def updated(self, *_: object) -> None:
        """Note that an optimiser has stepped; torch calls it."""
        if self._steps.batch is not None:
            self._steps.batch.updated = True

    def finish(self) -> Observations:
        """Return what was observed; the block is over."""
        self._end_loop()
        self._over = True
        seen = self.seen
        self._steps.fill(seen)
        least = self._warmup_steps or min(WARMUP_STEPS, len(self._steps))
        seen.warmup_steps, seen.steady = find_steady(seen.step_seconds + seen.loader_seconds, least)
        seen.train_seconds, seen.evaluation_seconds = self._train_seconds, self._evaluation_seconds
        seen.involuntary_switches = self._switches
        for evaluation in sorted(seen.evaluations, key=lambda each: each.split == "test"):  # of a split, in their order
            seen.scores |= evaluation.scores
        seen.directions = {name: self._names.direction_of(name) for name in seen.scores}
        seen.nulls |= dict.fromkeys(NOT_IN_SCRIPTS, "not_applicable: the training of a script is measured, and nothing else")
        if len(seen.losses):
            seen.digests["loss_curve"] = digests.losses_digest(seen.losses)
        seen.nulls["digests"] = "not_measured: the script did not give what it is made of"
        return seen

    def divergence(self) -> str:
        """Return where a loss, a score or a weight was not finite, '' when all were."""
        losses = self._steps.losses()
        wrong = next((place for place, loss in enumerate(losses) if not math.isfinite(loss)), None)
        if wrong is not None:
            where = f"step {wrong + 1}" if self._steps.without_loss is None else f"noted loss {wrong + 1}"
            return f"training loss was {losses[wrong]} at {where}"
        bad = (f"{name} was {value} after training" for name, value in self.seen.scores.items() if not math.isfinite(value))
        return next(bad, self._bad_weights)

    def _begin_loop(self, accumulate: int) -> None:
        self._expect_no_evaluation("run.loader")
        if self._looping:
            raise UsageError("run.loader: another loader is in use; end its loop first, or give both as run.loader(zip(a, b))")
        if self._steps.epoch == 0:
            self._warm_from = perf_counter() + WARMUP_SECONDS.get(self._device.type, 0.0)
        self._looping = True
        self._steps.accumulate, self._steps.epoch = accumulate, self._steps.epoch + 1
        self._begin_stretch()

    def _end_loop(self) -> None:
        """Close what is open, once: the generator may outlive the block."""
        if not self._looping:
            return
        self._looping = False
        if self._steps.batch is not None:
            self._steps.leave()
        else:
            self._steps.find_none()
        self._end_stretch()
        self._steps.bring_losses()

    def _begin_stretch(self) -> None:
        """Let the training clock run."""
        self._peaks.begin()
        self._stretch = monotonic(), perf_counter(), involuntary_switches()

    def _end_stretch(self) -> None:
        """Stop the training clock, when the device has done what it was given."""
        assert self._stretch is not None  # it has begun
        wait_for(self._device)
        began, started, switches = self._stretch
        self._train_seconds += perf_counter() - started
        self._switches += involuntary_switches() - switches
        self.seen.train_windows.append((began, monotonic()))
        self._peaks.end()

    def _warm_up(self) -> None:
        """Once warm, note how many steps it took, and let memory peaks begin."""
        if self._warmup_steps is None and len(self._steps) >= WARMUP_STEPS and perf_counter() >= self._warm_from:
            self._warmup_steps = len(self._steps)
            self._peaks.settle()

    def _expect_no_evaluation(self, what: str) -> None:
        if self._over:
            raise UsageError(f"{what}: the block of harness.measure is over; call it inside")
        if self._scores is not None:
            raise UsageError(f"{what}: an evaluation is going on; end it first")


def _usable_cpus() -> int | None:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
