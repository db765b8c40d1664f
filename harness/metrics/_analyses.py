"""What the metrics of the analyses share: from what was observed to a value, or to a null with its reason."""

from __future__ import annotations

from harness.metrics._readings import real
from harness.observations import Observations, Value, null


def accuracy_of(observations: Observations, field: str, samples: int) -> Value:
    """Return the accuracy among the scores in `field`, drawn from so many samples; not applicable where none was asked for."""
    scores: dict[str, float] = getattr(observations, field)
    return real(scores["accuracy"], max(samples, 1)) if "accuracy" in scores else _without(observations, field)


def area_under(observations: Observations, field: str) -> Value:
    """Return the area under the curve in `field` over shares of pixels from 0 to 1, by the trapezoid rule."""
    curve = getattr(observations, field)
    if len(curve) < 2:
        return _without(observations, field)
    return real(float((curve[1:] + curve[:-1]).sum() / 2 / (len(curve) - 1)), max(observations.explained_samples, 1))


def _without(observations: Observations, field: str) -> Value:
    return null(observations.nulls.get(field, "not_applicable"))
