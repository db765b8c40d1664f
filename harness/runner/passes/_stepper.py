"""A training taken step by step, for the passes that look at a few steps only."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from torch import Tensor

from harness.observations import Observations
from harness.train import Job, Loop


class Stepper:
    """Takes whole steps of a training, one epoch's order after the other; nothing of it is recorded.

    A step is what a person would write: fetch the batch, forward, backward, update. Clocks, looks at the loss and evaluations
    are no part of it.
    """

    def __init__(self, job: Job) -> None:
        self._loop = Loop(job, Observations())
        self._whole, self._drawn = self._steps(), deque[tuple[Tensor, Tensor]]()
        job.model.train()

    def _steps(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield the sample numbers of each whole step, on the device and on the CPU, without end."""
        loop, epoch = self._loop, 0
        while True:
            epoch = epoch % loop.plan.epochs + 1
            order = loop.draw(epoch)
            size = min(loop.plan.step_samples, len(order))
            for here in order[: len(order) - len(order) % size].split(size):
                yield here.to(loop.job.device), here

    def draw(self, steps: int) -> None:
        """Draw the samples of so many steps ahead: drawing an order is no part of a step."""
        while len(self._drawn) < steps:
            self._drawn.append(next(self._whole))

    def take(self, steps: int = 1) -> int:
        """Take steps; return how many samples they used."""
        self.draw(steps)
        samples = 0
        for _ in range(steps):
            indices, here = self._drawn.popleft()
            self._loop.step(self._loop.fetch(indices, here), len(indices))
            samples += len(indices)
        return samples
