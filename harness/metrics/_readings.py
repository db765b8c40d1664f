"""What several metrics share: from one field of the observations to a value, or to a null with its reason."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable

import numpy as np

from harness.observations import Array, Evaluation, GpuSample, Observations, Value, null, number

FEW_STEPS = 10
"""Timed steps under which a value drawn from them is flagged."""
GPU_READINGS = 3
"""Readings of the GPU under which their mean says nothing about a training."""
TAIL_READINGS = 20
"""Readings under which a 95th percentile would be little else than the largest of them."""


def scalar(observations: Observations, field: str) -> Value:
    """Return the number in `field`."""
    reading: float | None = getattr(observations, field)
    return observations.missing(field) if reading is None else number(reading)


def of_score(observations: Observations, name: str) -> Value:
    """Return one of the task's scores on the test split; not applicable to a run whose task has no such score."""
    if name not in observations.scores:
        return null("not_applicable") if observations.scores else observations.missing("scores")
    return real(observations.scores[name], max(observations.test_samples, 1))


def real(value: float, n: int) -> Value:
    """Return a score or loss drawn from `n` readings, flagged where it is no finite number."""
    return number(value, n, None if math.isfinite(value) else "not_finite")


def digest(observations: Observations, name: str) -> Value:
    """Return one of the run's digests as text."""
    found = observations.digests.get(name)
    return observations.missing("digests") if found is None else Value(text=found)


def absent(observations: Observations, *fields: str) -> Value | None:
    """Return the null of the first of these array fields that is empty; None when all hold something."""
    empty = [field for field in fields if len(getattr(observations, field)) == 0]
    return observations.missing(empty[0]) if empty else None


def few_steps(observations: Observations) -> str | None:
    """Return the flag of a value drawn from too few timed steps or from warm-up steps for lack of others, or from several
    processes."""
    if observations.resumed_at_step:
        return "resumed"
    steps = len(observations.step_seconds)
    return "few_steps" if steps - observations.warmup_steps < FEW_STEPS else None


def of_timed_steps(observations: Observations, field: str, q: float, least: int = 1) -> Value:
    """Return a quantile of `field` over the timed steps.

    Args:
        observations: of one run.
        field: an array of one entry a step.
        q: quantile, 0 to 1, linear between readings.
        least: timed steps under which the run was too short.
    """
    if missing := absent(observations, field):
        return missing
    return _quantile(getattr(observations, field)[observations.timed], q, least, few_steps(observations))


def of_passes(observations: Observations, field: str, q: float, least: int = 1) -> Value:
    """Return a quantile of `field` over all its readings; arguments as for `of_timed_steps`."""
    return absent(observations, field) or _quantile(getattr(observations, field), q, least)


def _quantile(readings: Array, q: float, least: int, flag: str | None = None) -> Value:
    if len(readings) < least:
        return null("too_short")
    return number(np.quantile(readings, q), len(readings), flag)


def gpu_mean(observations: Observations, reading: str) -> Value:
    """Return the mean of one NVML reading, a field of GpuSample, over the samples taken while training."""
    return _of_gpu(observations, reading, observations.train_windows, np.mean, GPU_READINGS)


def gpu_peak(observations: Observations, reading: str) -> Value:
    """Return the largest of one NVML reading from the start of training to its end."""
    windows = observations.train_windows
    return _of_gpu(observations, reading, [(windows[0][0], windows[-1][1])] if windows else [], np.max, 1)


def _of_gpu(
    observations: Observations,
    reading: str,
    windows: list[tuple[float, float]],
    reduce: Callable[[Array], float],
    least: int,
) -> Value:
    """Return `reduce` of the readings within `windows`; samples that lack the reading are left out."""
    if missing := absent(observations, "gpu_samples"):
        return missing
    if len(_present(observations.gpu_samples, reading)) == 0:
        return null("unsupported")
    readings = _present(_within(observations.gpu_samples, windows), reading)
    return null("too_short") if len(readings) < least else number(reduce(readings), len(readings))


def _within(samples: list[GpuSample], windows: list[tuple[float, float]]) -> list[GpuSample]:
    """Return the samples taken in one of the windows, which are in order and do not overlap."""
    taken = [sample.monotonic for sample in samples]
    latest = np.searchsorted([start for start, _ in windows], taken, side="right") - 1
    return [
        sample for sample, index in zip(samples, latest, strict=True) if index >= 0 and sample.monotonic <= windows[index][1]
    ]


def _present(samples: list[GpuSample], reading: str) -> Array:
    found = [getattr(sample, reading) for sample in samples]
    return np.array([value for value in found if value is not None], dtype=np.float64)


def of_classes(observations: Observations, score: Callable[[Array, Array], float]) -> Value:
    """Return `score(labels, predictions)` over the test samples; not applicable to a run that predicts no classes."""
    if len(observations.predictions) == 0:
        return null(observations.nulls.get("predictions", "not_applicable"))
    with warnings.catch_warnings():
        # scikit-learn suspects regression where a small test split has many classes; labels are classes here
        warnings.filterwarnings("ignore", "The number of unique classes is greater", UserWarning)
        return number(score(observations.labels, observations.predictions), len(observations.predictions))


def at_targets(observations: Observations, read: Callable[[Evaluation], float]) -> Value:
    """Return what `read` takes from the first evaluation at which all of the case's targets hold.

    A miss is censored: a null, never the run's length. n is the number of evaluations up to there.
    """
    if not observations.targets:
        return null("not_applicable")
    if missing := absent(observations, "evaluations"):
        return missing
    for count, evaluation in enumerate(observations.evaluations, start=1):
        if all(_holds(observations, evaluation, name) for name in observations.targets):
            return number(read(evaluation), count)
    return null("not_reached")


def _holds(observations: Observations, evaluation: Evaluation, name: str) -> bool:
    score, threshold = evaluation.scores.get(name, math.nan), observations.targets[name]
    return score <= threshold if observations.directions.get(name) == "lower" else score >= threshold
