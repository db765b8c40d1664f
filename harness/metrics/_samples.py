"""Samples that were taken beside a run: those of its training, and what they read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np

from harness.observations import Array, GpuSample, HostSample

Sample = TypeVar("Sample", GpuSample, HostSample)


def within(samples: Sequence[Sample], windows: Sequence[tuple[float, float]]) -> list[Sample]:
    """Return the samples taken in one of the windows, which are in order and do not overlap."""
    taken = [sample.monotonic for sample in samples]
    latest = np.searchsorted([start for start, _ in windows], taken, side="right") - 1
    return [
        sample for sample, index in zip(samples, latest, strict=True) if index >= 0 and sample.monotonic <= windows[index][1]
    ]


def present(samples: Sequence[Sample], reading: str) -> Array:
    """Return a reading of the samples that have it."""
    found = [getattr(sample, reading) for sample in samples]
    return np.array([value for value in found if value is not None], dtype=np.float64)
