"""What the catalogue says of a series that a claim names: whether the case has it, in which unit, which way is better."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from harness.errors import CatalogError, among
from harness.observations import Direction, MetricClass
from harness.suite._claims import SeriesRef
from harness.suite._rules import Parts
from harness.suite._schema import Case
from harness.suite._words import show_value


@dataclass(frozen=True)
class Meant:
    """What one series holds."""

    unit: str
    direction: Direction
    metric_class: MetricClass
    text: bool
    """Whether its values are texts, such as digests."""
    seeds: tuple[int, ...]
    """Of which it has a value, as the case declares them."""


def meant(series: SeriesRef, case: Case, parts: Parts) -> Meant | None:
    """Return what a series of a case holds; None where the catalogue has no such metric or outcome."""
    if case.experiment:
        part = parts.named("experiment", case)
        return _outcome(part.fields, series.metric, case) if part else None
    if series.metric not in parts.by_kind["metrics"]:
        return None
    fields = parts.by_kind["metrics"][series.metric].fields
    return Meant(
        unit=fields.get("unit", "1"),
        direction=fields.get("direction", "none"),
        metric_class=fields.get("metric_class", "quality"),
        text=fields.get("text", False),
        seeds=case.seeds_of(fields.get("measured_in", "train")),
    )


def _outcome(fields: Mapping[str, Any], name: str, case: Case) -> Meant | None:
    outcomes, directions = fields.get("outcomes"), fields.get("directions", {})
    if not (isinstance(outcomes, dict) and isinstance(directions, dict) and name in outcomes):
        return None  # which is reported with the case
    return Meant(
        unit=outcomes[name],
        direction=directions.get(name, "none"),
        metric_class=fields.get("metric_class", "quality"),
        text=False,
        seeds=case.seeds,
    )


def lacks(case: Case, metric: str, parts: Parts) -> str:
    """Return why a case has no such metric; '' where it has."""
    try:
        return _of_experiment(case, metric, parts) if case.experiment else _of_training(case, metric, parts)
    except CatalogError as error:
        return f"cannot be used: {error}"


def _of_experiment(case: Case, metric: str, parts: Parts) -> str:
    part = parts.named("experiment", case)
    outcomes = part.fields.get("outcomes") if part else None
    if part is None or outcomes is None or metric in outcomes:
        return ""  # an experiment that is not there is reported with its case
    known = among(metric, outcomes, f"harness show experiment {part.name}")
    return f"no outcome of the experiment of {case.name!r}: found {show_value(metric)}{known}"


def _of_training(case: Case, metric: str, parts: Parts) -> str:
    metrics = parts.by_kind["metrics"]
    if metric not in metrics:
        return f"no such metric: found {show_value(metric)}{among(metric, metrics, 'harness list metrics')}"
    fields, task = metrics[metric].fields, parts.named("task", case)
    scores = task.fields.get("scores") if task else None
    if scores is not None and fields.get("score", "") not in ("", *scores):
        return f"the task {case.task.name!r} of {case.name!r} has no score {fields['score']!r}; it has {', '.join(scores)}"
    if (analysis := fields.get("analysis", "")) not in ("", *case.analyses):
        return f"drawn from the analysis {analysis!r}, which {case.name!r} does not ask for; allowed: with it in `analyses`"
    measured_in = fields.get("measured_in", "train")
    if measured_in not in ("train", *case.passes):
        return f"measured in the pass {measured_in!r}, which {case.name!r} leaves out; allowed: with it in `passes`"
    return ""
