"""Corpus chrF, 0 to 100, of the texts written for the test split: agreement in runs of characters."""

from __future__ import annotations

from harness.metrics._base import Metric
from harness.metrics._readings import of_score
from harness.observations import Observations, Value


def measure(observations: Observations) -> Value:
    """Return corpus chrF2, 0 to 100."""
    return of_score(observations, "chrf")


METRIC = Metric(
    measure=measure,
    title="chrF",
    unit="1",
    direction="higher",
    metric_class="quality",
    phase="eval",
    score="chrf",
    source="task translation: sacrebleu",
    null_when="the task or the script gives no such score",
)
