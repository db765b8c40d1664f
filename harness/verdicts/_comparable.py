"""Comparability: both sides hold the same thing, or the verdict is *new* or *incomparable* and says why."""

from __future__ import annotations

import math
from collections.abc import Iterator

from harness.results import Series, Side, agree, differing
from harness.stats import summarise
from harness.verdicts._question import Question, listed
from harness.verdicts._verdict import DEFINITION, MACHINE_CLASS, PRESENCE, Verdict


def check_comparable(question: Question) -> Verdict | None:
    """Return a verdict when head and base cannot be compared; None when they can."""
    head, base, here, there = question.head, question.base, question.here, question.there
    if head is None or here is None:
        raise ValueError("integrity comes first")
    if base is None:
        return _new(question, here, "no baseline for this case")
    if there is None:
        return _new(question, here, "the base holds this case without this metric")
    if damage := [*_lost(base, there), *there.problems, *not_finite(there)]:
        return question.answer("incomparable", DEFINITION, f"the base is damaged: {listed(damage)}")
    if changed := _definition_change(base, head) or _meaning_change(there, here):
        return question.answer("incomparable", DEFINITION, changed)
    if question.metric_class == "machine" and not question.same_machine:
        return question.answer("incomparable", MACHINE_CLASS, machine_change(base, head))
    if not there.by_seed:
        return _new(question, here, f"the base holds only nulls ({there.samples[0].null_reason})")
    return None


def _new(question: Question, here: Series, note: str) -> Verdict:
    values = here.numbers
    mean = summarise(values).mean if values else None
    return question.answer("new", PRESENCE, note, figures={"head": mean, "n_head": len(here.samples) - len(here.nulls)})


def _lost(base: Side, there: Series) -> Iterator[str]:
    """Yield the base's runs that did not end well: without them its samples are those of the seeds that survived."""
    yield from (str(run) for run in base.runs if run.measures in there.passes and run.status != "ok")


def not_finite(series: Series) -> Iterator[str]:
    """Yield the samples that are NaN or infinite."""
    for sample in series.samples:
        if isinstance(sample.value, float) and not math.isfinite(sample.value):
            yield f"seed {sample.seed}: not finite ({sample.value})"


def _definition_change(base: Side, head: Side) -> str:
    if base.suite_version != head.suite_version:
        return f"suite version {base.suite_version} → {head.suite_version}"
    if agree(base.case_digest, head.case_digest):
        return ""
    fields = differing(base.specification, head.specification)
    return f"the case has changed: {fields or f'digest {base.case_digest[:12]} → {head.case_digest[:12]}'}"


def _meaning_change(there: Series, here: Series) -> str:
    pairs = {
        "unit": (there.unit, here.unit),
        "direction": (there.direction, here.direction),
        "class": (there.metric_class, here.metric_class),
        "scope": (there.scope, here.scope),
    }
    changed = [f"{name} {old} → {new}" for name, (old, new) in pairs.items() if old != new]
    return f"the metric has changed: {', '.join(changed)}" if changed else ""


def machine_change(base: Side, head: Side) -> str:
    """Return in words how the machines differ."""
    fields = differing(base.machine, head.machine) or f"{base.machine_class} → {head.machine_class}"
    return f"another machine class: {fields}"


def numeric_change(base: Side, head: Side) -> str:
    """Return in words how the numeric fingerprints differ."""
    fields = differing(base.numeric, head.numeric) or f"{base.numeric_fingerprint} → {head.numeric_fingerprint}"
    return f"another numeric fingerprint: {fields}"
