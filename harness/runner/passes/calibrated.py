"""The calibrated pass: throughput beside kernels of known work, so that the machine's own pace falls out of it.

Calibration kernels run between chunks of steps so short that both meet the machine in the same state (NOISE 4).
"""

from __future__ import annotations

import gc
from time import process_time

import numpy as np
import torch

from harness.observations import Array, Observations
from harness.probes.calibration import Calibration
from harness.runner.jobs import Job
from harness.runner.passes._setup import prepare
from harness.runner.passes._stepper import Stepper

WARMUP_STEPS, WARMUP_SECONDS = 10, 0.3
WINDOW_SECONDS = 2.0
"""CPU time of steps and kernels together."""
CHUNK_SECONDS = 0.05
LEAST_STEPS = 2
"""Steps of a chunk: its first is not timed, because the kernels have emptied the caches."""


def measure(job: Job, device: torch.device, seen: Observations) -> None:
    """Fill in the chunks' step times and those of the kernels around them."""
    fields = ("chunk_step_seconds", "chunk_samples", "chunk_kernel_seconds")
    training = prepare(job, device, seen)
    if device.type != "cpu":
        seen.nulls |= dict.fromkeys(fields, "unsupported: the calibration kernels run on a CPU")
    elif not training.learning.steady:
        seen.nulls |= dict.fromkeys(fields, "not_applicable: an episode's length varies")
    else:
        seen.chunk_step_seconds, seen.chunk_samples, seen.chunk_kernel_seconds = measure_chunks(Stepper(training))


def measure_chunks(stepper: Stepper) -> tuple[Array, Array, Array]:
    """Return each chunk's median step CPU time, mean samples of a step, and kernels' mean CPU time before and after it."""
    length = chunk_steps(warm_up(stepper))
    calibration = Calibration()
    calibration.run()
    kernels, seconds, samples = [calibration.run()], [], []
    until = process_time() + WINDOW_SECONDS
    while process_time() < until:
        stepper.draw(length)
        stepper.take()
        times = []
        marked, used = process_time(), 0
        for _ in range(length - 1):
            used += stepper.take()
            now = process_time()
            times.append(now - marked)
            marked = now
        kernels.append(calibration.run())
        seconds.append(float(np.median(times)))
        samples.append(used / len(times))
    around = np.array(kernels)
    return np.array(seconds), np.array(samples), (around[:-1] + around[1:]) / 2


def warm_up(stepper: Stepper) -> float:
    """Take steps until they have settled; return the CPU time of the last one."""
    started, steps, last = process_time(), 0, 0.0
    while steps < WARMUP_STEPS or process_time() - started < WARMUP_SECONDS:
        before = process_time()
        stepper.take()
        last, steps = process_time() - before, steps + 1
    gc.collect()
    gc.freeze()
    return last


def chunk_steps(step_seconds: float) -> int:
    """Return how many steps make a chunk, the untimed first included."""
    return max(LEAST_STEPS, round(CHUNK_SECONDS / max(step_seconds, 1e-9)) + 1)
