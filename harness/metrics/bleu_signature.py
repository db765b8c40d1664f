"""What decides a BLEU beyond the texts: tokenisation, case, smoothing and version, as sacrebleu writes it (Post 2018)."""

from __future__ import annotations

from harness.metrics._base import Metric
from harness.observations import Observations, Value, null


def measure(observations: Observations) -> Value:
    """Return sacrebleu's signature; not applicable to a run that is not scored by BLEU."""
    if "bleu" not in observations.texts:
        return null("not_applicable") if observations.scores else observations.missing("scores")
    return Value(text=observations.texts["bleu"])


METRIC = Metric(
    measure=measure,
    title="BLEU signature",
    unit="1",
    direction="none",
    text=True,
    metric_class="exact",
    phase="eval",
    score="bleu",
    scope="any",
    source="task translation: sacrebleu",
    null_when="the task scores no BLEU; in a script",
)
