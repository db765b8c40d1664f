"""Corpus BLEU, 0 to 100, of the texts written for the test split; `bleu_signature` says which BLEU."""

from __future__ import annotations

from harness.metrics._base import Metric
from harness.metrics._readings import of_score
from harness.observations import Observations, Value


def measure(observations: Observations) -> Value:
    """Return corpus BLEU, 0 to 100."""
    return of_score(observations, "bleu")


METRIC = Metric(
    measure=measure,
    title="BLEU",
    unit="1",
    direction="higher",
    metric_class="quality",
    phase="eval",
    score="bleu",
    source="task translation: sacrebleu",
    null_when="the task or the script gives no such score",
)
