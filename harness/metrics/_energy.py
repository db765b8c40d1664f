"""Energy of stretches of training: the driver's cumulative counter, cross-checked with the integral of power."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np

from harness.metrics._gpu import Windows, incomplete, refusal, series
from harness.metrics._readings import absent
from harness.metrics._samples import within
from harness.observations import Array, Observations, Value, null, number

UNCERTAINTY = 0.05
"""Largest standard error of an energy, as a share of it, that comes from not knowing when the counter was updated."""
DISAGREEMENT = 0.1
"""Share of the energy by which the integral of power may differ."""


def training_energy(observations: Observations) -> Value:
    """Return the joules of the training that this process did, evaluations excluded; n is the counter's updates in it.

    The counter is interpolated between samples at the edges of each stretch of training: power counts as constant within
    a sampling period. Null when the samples do not cover the training, and too short with fewer updates than
    `least_updates`. Flagged `energy_disagrees` when the integral of power over the same stretches differs by more than a
    tenth, `energy_unchecked` when there is no such integral.
    """
    return _energy(observations, observations.train_windows)


def energy_until(observations: Observations, seconds_of_training: float) -> Value:
    """Return the joules of the first seconds of training, evaluations excluded; nulls and flags as for all of it.

    The part before a checkpoint that the run was taken up from is another process's, whose energy is not known.
    """
    if observations.resumed_at_step:
        return null("not_measured: the training was taken up from a checkpoint")
    return _energy(observations, _first(observations.train_windows, seconds_of_training))


def least_updates(stretches: int) -> int:
    """Return how many updates of the counter an energy over so many stretches needs.

    Each edge of a stretch is known to one update. With errors uniform over an update, independent, the sum over k
    stretches has a standard error of sqrt(k / 6) updates.
    """
    return math.ceil(math.sqrt(stretches / 6) / UNCERTAINTY)


def _energy(observations: Observations, windows: Windows) -> Value:
    if missing := absent(observations, "gpu_samples"):
        return missing
    times, counter = series(observations, "energy_joules")
    if len(times) == 0:
        return refusal(observations, "energy_joules")
    if (np.diff(counter) < 0).any():
        return null("unsupported: the energy counter went backwards")
    updates = _updates(observations, windows)
    if not windows or updates < least_updates(len(windows)):
        return null("too_short")
    if not _covered(times, windows):
        return null(observations.nulls.get("gpu_samples", "not_measured: the samples do not cover the training"))
    starts, ends = np.array(windows).T
    joules = float((np.interp(ends, times, counter) - np.interp(starts, times, counter)).sum())
    return number(joules, updates, incomplete(observations) or _check(observations, windows, joules))


def _updates(observations: Observations, windows: Windows) -> int:
    """Return how many samples within the windows show another count than the sample before them."""
    held = [sample for sample in observations.gpu_samples if sample.energy_joules is not None]
    changed = [after for before, after in pairwise(held) if after.energy_joules != before.energy_joules]
    return len(within(changed, windows))


def _check(observations: Observations, windows: Windows, joules: float) -> str | None:
    """Return the flag of an energy that the integral of power does not confirm."""
    times, watts = series(observations, "power_watts")
    if len(times) == 0 or not _covered(times, windows):
        return "energy_unchecked"
    integrated = sum(integral(times, watts, window) for window in windows)
    return "energy_disagrees" if abs(integrated - joules) > DISAGREEMENT * joules else None


def integral(times: Array, values: Array, window: tuple[float, float]) -> float:
    """Return the integral over a window of the lines between the readings (trapezoid rule)."""
    inside = times[(times > window[0]) & (times < window[1])]
    grid = np.concatenate([window[:1], inside, window[1:]])
    height = np.interp(grid, times, values)
    return float((np.diff(grid) * (height[1:] + height[:-1]) / 2).sum())


def _covered(times: Array, windows: Windows) -> bool:
    return bool(times[0] <= windows[0][0] and windows[-1][1] <= times[-1])


def _first(windows: Windows, seconds: float) -> Windows:
    """Return the windows cut to their first `seconds`."""
    cut: Windows = []
    for start, end in windows:
        if seconds <= 0:
            break
        cut.append((start, min(end, start + seconds)))
        seconds -= end - start
    return cut
