"""What a metric part is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from harness.observations import Analysis, Direction, MetricClass, Observations, Pass, Phase, Value

Scope = Literal["any", "versions", "device", "fingerprint"]
"""Where an exact metric must be equal: everywhere; under the same Python and torch; under these on one kind of device, CPU or
GPU; under one numeric fingerprint."""


@dataclass(frozen=True)
class Metric:
    """One metric: a pure function of a run's observations, and what its value means.

    All fields but `measure` are literals, so that listings and suites need no import.
    """

    measure: Callable[[Observations], Value]
    title: str
    unit: str
    """UCUM code: `s`, `By`, `1`, `{sample}/s`, `W`, `%`."""
    direction: Direction
    metric_class: MetricClass
    phase: Phase
    measured_in: Pass = "train"
    """The pass whose process measures it; the rows of other passes have none."""
    score: str = ""
    """The task's score that it reports or is drawn from; it applies to no other task. '' applies to all."""
    analysis: Analysis | Literal[""] = ""
    """The analysis that it is drawn from; cases that do not ask for it have a null. '' needs none."""
    text: bool = False
    """Whether its value is a text, such as a digest, and no number."""
    scope: Scope = "any"
    """For exact metrics only."""
    source: str = ""
    """What the number is read from, in a few words."""
    null_when: str = ""
    """When there is no number, in a line; 'never' where there always is one."""
