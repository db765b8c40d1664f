"""Clocks of the training loop: when each batch was fetched and each step computed.

The host clock reads monotonic wall time and the process's CPU time. The CUDA clock records events on the stream and
reads them once at the end, so that it never makes the loop wait for the device.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from time import perf_counter, process_time
from typing import Protocol

import numpy as np
import torch

from harness.observations import Array


@dataclass(frozen=True)
class StepTimes:
    """Seconds of each step, [steps]."""

    loader: Array
    step: Array
    cpu: Array


class StepClock(Protocol):
    """Marks of one step, in this order: fetch, compute, end."""

    def fetch(self) -> None:
        """Fetching the step's batch begins."""

    def compute(self) -> None:
        """The batch is there; computing begins."""

    def end(self) -> None:
        """The step's work is issued."""

    def times(self) -> StepTimes:
        """Return the seconds of all steps ended so far."""


class HostClock:
    """Wall and CPU time of steps that run on the CPU."""

    def __init__(self) -> None:
        self._wall: list[float] = []
        self._cpu: list[float] = []

    def fetch(self) -> None:
        """Fetching the step's batch begins."""
        self._wall.append(perf_counter())

    def compute(self) -> None:
        """The batch is there; computing begins."""
        self._cpu.append(process_time())
        self._wall.append(perf_counter())

    def end(self) -> None:
        """The step is over."""
        self._wall.append(perf_counter())
        self._cpu.append(process_time())

    def times(self) -> StepTimes:
        """Return the seconds of all steps ended so far."""
        steps = len(self._cpu) // 2
        wall = np.array(self._wall[: 3 * steps]).reshape(steps, 3)
        cpu = np.array(self._cpu[: 2 * steps]).reshape(steps, 2)
        return StepTimes(wall[:, 1] - wall[:, 0], wall[:, 2] - wall[:, 1], cpu[:, 1] - cpu[:, 0])


class CudaClock:
    """Device time of steps that run on a CUDA stream; CPU time is that of issuing them."""

    def __init__(self, device: torch.device) -> None:
        self._stream = torch.cuda.current_stream(device)
        self._events: list[torch.cuda.Event] = []
        self._cpu: list[float] = []

    def _mark(self) -> None:
        event = torch.cuda.Event(enable_timing=True)
        event.record(self._stream)
        self._events.append(event)

    def fetch(self) -> None:
        """Fetching the step's batch begins."""
        self._mark()

    def compute(self) -> None:
        """The batch is there; computing begins."""
        self._cpu.append(process_time())
        self._mark()

    def end(self) -> None:
        """The step's work is issued."""
        self._mark()
        self._cpu.append(process_time())

    def times(self) -> StepTimes:
        """Return the seconds of all steps ended so far; waits for the device."""
        steps = len(self._cpu) // 2
        self._stream.synchronize()
        marks = self._events[: 3 * steps]
        seconds = np.array([first.elapsed_time(second) / 1000 for first, second in pairwise(marks)])
        cpu = np.array(self._cpu[: 2 * steps]).reshape(steps, 2)
        return StepTimes(seconds[0::3], seconds[1::3], cpu[:, 1] - cpu[:, 0])


def step_clock(device: torch.device) -> StepClock:
    """Return the clock that fits the device."""
    return CudaClock(device) if device.type == "cuda" else HostClock()


def wait_for(device: torch.device) -> None:
    """Wait until the device has done all that was issued; nothing to wait for on a CPU."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
