"""What several metrics share: from one field of the observations to a value, or to a null with its reason."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable

import numpy as np

from harness.metrics._host import disturbed
from harness.observations import Array, Evaluation, Observations, Value, null, number

FEW_STEPS = 10
"""Timed steps under which a value drawn from them is flagged."""
TAIL_READINGS = 20
"""Readings under which a 95th percentile would be little else than the largest of them."""


def scalar(observations: Observations, field: str, flag: str | None = None) -> Value:
    """Return the number in `field`."""
    reading: float | None = getattr(observations, field)
    return observations.missing(field) if reading is None else number(reading, quality_flag=flag)


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


def doubt(observations: Observations) -> str | None:
    """Return the flag of a value drawn from the timed steps: the first that applies, in the order of QUALITY_FLAGS."""
    if observations.resumed_at_step:
        return "resumed"
    if len(observations.step_seconds) - observations.warmup_steps < FEW_STEPS:
        return "few_steps"
    return disturbed(observations) if observations.steady else "not_steady"


def doubt_of_all(observations: Observations) -> str | None:
    """Return the flag of a time of the whole training, which needs no steady pace: the first that applies."""
    return "resumed" if observations.resumed_at_step else disturbed(observations)


def resumed(observations: Observations) -> str | None:
    """Return the flag of a peak that only the process that ended the training can tell."""
    return "resumed" if observations.resumed_at_step else None


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
    return _quantile(getattr(observations, field)[observations.timed], q, least, doubt(observations))


def of_passes(observations: Observations, field: str, q: float, least: int = 1) -> Value:
    """Return a quantile of `field` over all its readings; arguments as for `of_timed_steps`."""
    return absent(observations, field) or _quantile(getattr(observations, field), q, least, disturbed(observations))


def _quantile(readings: Array, q: float, least: int, flag: str | None = None) -> Value:
    if len(readings) < least:
        return null("too_short")
    return number(np.quantile(readings, q), len(readings), flag)


def of_classes(observations: Observations, score: Callable[[Array, Array], float]) -> Value:
    """Return `score(labels, predictions)` over the test samples; not applicable to a run that predicts no classes."""
    if len(observations.predictions) == 0:
        return null(observations.nulls.get("predictions", "not_applicable"))
    with warnings.catch_warnings():
        # scikit-learn suspects regression where a small test split has many classes; labels are classes here
        warnings.filterwarnings("ignore", "The number of unique classes is greater", UserWarning)
        return number(score(observations.labels, observations.predictions), len(observations.predictions))


def at_targets(
    observations: Observations,
    read: Callable[[Evaluation], float],
    flag: Callable[[Observations], str | None] = lambda seen: None,
) -> Value:
    """Return what `read` takes from the first evaluation at which all of the case's targets hold.

    A miss is censored: a null, never the run's length. n is the number of evaluations up to there; `flag` is what to beware of.
    """
    if not observations.targets:
        return null("not_applicable")
    if missing := absent(observations, "evaluations"):
        return missing
    for count, evaluation in enumerate(observations.evaluations, start=1):
        if all(reaches(observations, evaluation, name) for name in observations.targets):
            return number(read(evaluation), count, flag(observations))
    return null("not_reached")


def reaches(observations: Observations, evaluation: Evaluation, name: str) -> bool:
    """Return whether the target on score `name` holds at an evaluation."""
    score, threshold = evaluation.scores.get(name, math.nan), observations.targets[name]
    return score <= threshold if observations.directions.get(name) == "lower" else score >= threshold
