"""Which samples each step takes: how many, in what order, and which are held out."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from harness.data import Split, Splits
from harness.data._lengths import text_lengths
from harness.errors import DataError
from harness.seeds import generator
from harness.suite import Recipe


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


@dataclass(frozen=True)
class Reach:
    """Lengths of padded samples, on the CPU: how much of a batch's padding can be cut off."""

    inputs: Tensor
    """[N]"""
    labels: Tensor | None
    """[N]; None for labels without a length."""

    @classmethod
    def of(cls, split: Split) -> Reach:
        """Return the lengths of a split's texts."""
        inputs, labels = split.inputs.cpu(), split.labels.cpu()
        return cls(text_lengths(inputs), text_lengths(labels) if labels.ndim > 1 else None)

    def cut(self, inputs: Tensor, labels: Tensor, indices: Tensor) -> tuple[Tensor, Tensor]:
        """Return a batch's inputs and labels up to the end of its longest; `indices` are its samples, on the CPU."""
        inputs = inputs[:, : int(self.inputs[indices].max())]
        return inputs, labels if self.labels is None else labels[:, : int(self.labels[indices].max())]

    def key(self) -> Tensor:
        """Return numbers that sort samples by length: of the target first, then of the source; [N]."""
        return self.inputs if self.labels is None else self.labels * (int(self.inputs.max()) + 1) + self.inputs


def first_batch(split: Split, count: int, reach: Reach | None) -> tuple[Tensor, Tensor]:
    """Return the inputs and labels of a split's first samples, without the padding behind the longest where it can be cut."""
    inputs, labels = split.inputs[:count], split.labels[:count]
    return (inputs, labels) if reach is None else reach.cut(inputs, labels, torch.arange(len(inputs)))


def draw_order(
    plan: StepPlan, epoch: int, samples: int, pool: int | None, reach: Reach | None, shuffle: torch.Generator
) -> Tensor:
    """Return the order in which an epoch takes its samples, on the CPU.

    Args:
        plan: the plan of the training.
        epoch: its number, from 1.
        samples: of the training split.
        pool: steps whose samples are sorted by length together; None for an order by chance alone.
        reach: the samples' lengths; None where they have none.
        shuffle: draws the order.
    """
    order = torch.randperm(samples, generator=shuffle)[: plan.samples_of(epoch)]
    if pool is None or reach is None:
        return order
    key = reach.key()
    pools = [part[key[part].argsort(stable=True)] for part in order.split(pool * plan.step_samples)]
    steps = [step for part in pools for step in part.split(plan.step_samples)]
    short = [step for step in steps if len(step) < plan.step_samples]  # at most the last: it stays there
    full = steps[: len(steps) - len(short)]
    shuffled = [full[index] for index in torch.randperm(len(full), generator=shuffle).tolist()]
    return torch.cat(shuffled + short)


def hold_out(splits: Splits, share: float, seed: int) -> tuple[Split, Split | None]:
    """Return the (training, validation) splits: the data set's own, or with a share held out by the split stream, or None.

    Raises:
        DataError: no sample is left to train on, or the data set has a validation split and a share is asked for.
    """
    split = splits.train
    if splits.validation is not None:
        if share:
            raise DataError(f"recipe.validation = {share:g}: the data set has a validation split of its own; leave it out")
        return split, splits.validation
    if not share:
        return split, None
    held = round(len(split) * share)
    if not 0 < held < len(split):
        raise DataError(
            f"recipe.validation: a share of {share:g} holds out {held} of {len(split)} training samples, at least 1 has to be "
            "held out and 1 to remain; choose another share or a larger data set"
        )
    order = torch.randperm(len(split), generator=generator(seed, "split"))
    return split.take(order[held:]), split.take(order[:held])
