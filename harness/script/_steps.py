"""The steps of a script's training, put together from the batches that its loader hands out.

A batch's time runs from the moment it is handed out until the next is asked for; fetching is what lies between. The clock's
marks may cut a batch in pieces, where an evaluation interrupts it; a step is the sum of its batches' pieces.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from harness.observations import Array, Observations
from harness.probes.clock import step_clock

NO_STEP = -1
"""Owner of a piece of time that belongs to no step: looking for a batch where there was none left, or a batch not used."""
PACK = 256
"""Losses that wait on the device one by one; more are put together there, without waiting for it."""


@dataclass(slots=True)
class Batch:
    """One batch in the hands of the script."""

    samples: int
    first_piece: int
    loss: Tensor | None = None
    updated: bool = False
    """Whether an optimiser has stepped with it."""

    @property
    def used(self) -> bool:
        """Whether the script is known to have trained on it."""
        return self.updated or self.loss is not None


class Steps:
    """Steps so far, and the batch in hand."""

    def __init__(self, device: torch.device) -> None:
        self.batch: Batch | None = None
        self.accumulate = 1
        self.epoch = 0
        self.without_loss: int | None = None
        """The first step that no loss was noted for."""
        self._clock = step_clock(device)
        self._owners: list[int] = []
        self._steps: list[tuple[int, int]] = []
        self._group: list[Batch] = []
        self._losses: list[Tensor] = []
        self._packed: list[Tensor] = []

    def __len__(self) -> int:
        return len(self._steps)

    @property
    def done(self) -> int:
        """Steps, with the one in hand if all of its batches have been trained on."""
        whole = self.batch is not None and self.batch.used and len(self._group) + 1 == self.accumulate
        return len(self) + int(whole)

    def fetch(self) -> None:
        """The next batch is asked for."""
        self._clock.fetch()

    def hand_out(self, samples: int) -> None:
        """The batch is there."""
        self.batch = Batch(samples, len(self._owners))
        self._clock.compute()

    def pause(self) -> None:
        """What follows is no part of the batch in hand."""
        self._clock.end()
        self._owners.append(len(self))

    def resume(self) -> None:
        """What follows is of the batch in hand again."""
        self._clock.fetch()
        self._clock.compute()

    def take_back(self) -> None:
        """The batch in hand has been trained on."""
        self.pause()
        self._keep()

    def find_none(self) -> None:
        """The batch that was asked for is not there."""
        self._clock.compute()
        self._clock.end()
        self._owners.append(NO_STEP)
        self._close()

    def leave(self) -> None:
        """The loop was left with a batch in hand: it counts if the script is known to have trained on it."""
        self.pause()
        if self.batch is not None and not self.batch.used:
            pieces = len(self._owners) - self.batch.first_piece
            self._owners[self.batch.first_piece :] = [NO_STEP] * pieces
            self.batch = None
        else:
            self._keep()
        self._close()

    def _keep(self) -> None:
        assert self.batch is not None  # it was handed out
        self._group.append(self.batch)
        self.batch = None
        if len(self._group) == self.accumulate:
            self._close()

    def _close(self) -> None:
        """End the step in hand, if it has a batch; the rest of an epoch is a step too, as in the harness's own loop."""
        if not self._group:
            return
        samples, losses = sum(batch.samples for batch in self._group), [batch.loss for batch in self._group]
        self._steps.append((self.epoch, samples))
        if any(loss is None for loss in losses):
            self.without_loss = self.without_loss or len(self)
        else:
            self._losses.append(_mean(self._group, samples))
            if len(self._losses) == PACK:
                self._pack()
        self._group = []

    def _pack(self) -> None:
        place = self._losses[0].device
        self._packed.append(torch.stack([loss.to(place) for loss in self._losses]))
        self._losses = []

    def bring_losses(self) -> None:
        """Fetch the losses so far from the device; waits for it."""
        if self._losses:
            self._pack()
        if self._packed:
            self._packed = [torch.cat([packed.double().cpu() for packed in self._packed])]

    def losses(self) -> Array:
        """Return the loss of each step for which one was noted, [those steps]."""
        self.bring_losses()
        return self._packed[0].numpy() if self._packed else np.empty(0)

    def fill(self, seen: Observations) -> None:
        """Leave steps, their times and their losses in the observations."""
        times, owners = self._clock.times(), np.array(self._owners, dtype=np.int64)
        mine = owners != NO_STEP
        sums = [
            np.bincount(owners[mine], weights=pieces[mine], minlength=len(self))
            for pieces in (times.loader, times.step, times.cpu)
        ]
        seen.loader_seconds, seen.step_seconds, seen.step_cpu_seconds = sums
        steps = np.array(self._steps, dtype=np.int64).reshape(-1, 2)
        seen.step_epochs, seen.step_samples = steps[:, 0], steps[:, 1]
        if self.without_loss is None:
            seen.losses = self.losses()
        else:
            seen.nulls["losses"] = f"not_measured: the script noted no loss at step {self.without_loss}"


def _mean(group: list[Batch], samples: int) -> Tensor:
    """Return the mean loss over a step's samples, from the mean losses of its batches."""
    total: Tensor | None = None
    for batch in group:
        assert batch.loss is not None  # the caller has looked
        loss = batch.loss if len(group) == 1 else batch.loss * (batch.samples / samples)
        total = loss if total is None else total + loss
    assert total is not None  # a group has a batch
    return total
