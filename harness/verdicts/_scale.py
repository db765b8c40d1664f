"""On which scale samples are compared: quality as they are, machine metrics relative to the base."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from harness.stats import summarise
from harness.verdicts._question import Question


@dataclass(frozen=True)
class Scale:
    """A scale and the way back from it."""

    forward: Callable[[float], float]
    """A sample's value on the scale."""
    value: Callable[[float], float]
    """A mean on the scale -> the metric's unit."""
    change: Callable[[float], float | None]
    """A difference on the scale -> the change as it is printed; None where that cannot be said."""
    margin: float
    """The gate's margin on the scale."""


def choose_scale(question: Question, base: Sequence[float], head: Sequence[float]) -> Scale:
    """Return the scale for a metric's samples.

    Quality: the metric's own unit. Machine: logarithms, because times and rates vary by factors, so that a change is
    a ratio; where a value is zero or negative, differences over the base's mean; where that mean is zero too, plain
    differences, and no relative change can be said.
    """
    margin = question.gate.margin
    if question.metric_class == "quality":
        return Scale(float, float, float, margin)
    if min(*base, *head) > 0:
        return Scale(math.log, math.exp, math.expm1, _log_margin(margin, question.direction == "higher"))
    centre = abs(summarise(base).mean)
    return Scale(float, float, lambda difference: difference / centre if centre else None, margin * centre)


def _log_margin(margin: float, higher: bool) -> float:
    """Return a relative margin in logarithms: 10 % slower is ×1.1 in time, ×0.9 in throughput."""
    if not higher:
        return math.log1p(margin)
    return -math.log1p(-margin) if margin < 1 else math.inf
