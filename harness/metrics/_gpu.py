"""What several metrics share that are drawn from GPU samples: which samples are of training, and why a reading is missing."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from harness.metrics._readings import absent, resumed
from harness.metrics._samples import present, within
from harness.observations import Array, GpuSample, Observations, Value, null, number

READINGS = 3
"""Readings of the GPU under which their mean says nothing about a training."""

Windows = list[tuple[float, float]]


def gpu_mean(observations: Observations, reading: str) -> Value:
    """Return the mean of one NVML reading, a field of GpuSample, over the samples taken while training."""
    return of_gpu(observations, reading, observations.train_windows, np.mean, READINGS)


def gpu_peak(observations: Observations, reading: str) -> Value:
    """Return the largest of one NVML reading from the start of training to its end."""
    windows = observations.train_windows
    return of_gpu(observations, reading, [(windows[0][0], windows[-1][1])] if windows else [], np.max, 1)


def of_gpu(observations: Observations, reading: str, windows: Windows, reduce: Callable[[Array], float], least: int) -> Value:
    """Return `reduce` of the readings within `windows`; samples that lack the reading are left out.

    Null with the driver's reason when there is no reading at all, too short with fewer than `least` within the windows.
    """
    if missing := absent(observations, "gpu_samples"):
        return missing
    if len(present(observations.gpu_samples, reading)) == 0:
        return refusal(observations, reading)
    readings = present(within(observations.gpu_samples, windows), reading)
    return (
        null("too_short")
        if len(readings) < least
        else number(reduce(readings), len(readings), resumed(observations) or incomplete(observations))
    )


def incomplete(observations: Observations) -> str | None:
    """Return the flag of a value drawn from samples that end before the run does, as those of a lost GPU."""
    return "incomplete" if "gpu_samples" in observations.nulls else None


def refusal(observations: Observations, reading: str) -> Value:
    """Return the null of a reading that no sample holds, with the driver's words where it had any."""
    return null(observations.nulls.get(f"gpu.{reading}", "unsupported"))


def series(observations: Observations, reading: str) -> tuple[Array, Array]:
    """Return (moments, values) of one reading; samples that lack it are left out."""
    held = [sample for sample in observations.gpu_samples if getattr(sample, reading) is not None]
    return present(held, "monotonic"), present(held, reading)


def training_samples(observations: Observations) -> list[GpuSample]:
    """Return the samples taken while training."""
    return within(observations.gpu_samples, observations.train_windows)
