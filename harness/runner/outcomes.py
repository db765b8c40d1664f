"""The outcomes of an experiment as metrics: what its source declares of them, read without importing it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from harness.catalog import Catalog
from harness.metrics import Metric
from harness.observations import Observations, Value, null, number


def outcome_metrics(catalog: Catalog, experiment: str) -> dict[str, Metric]:
    """Return a metric for each outcome that an experiment declares."""
    fields = catalog.part("experiments", experiment).fields
    return {name: _metric(name, unit, fields) for name, unit in fields.get("outcomes", {}).items()}


def _metric(name: str, unit: str, fields: Mapping[str, Any]) -> Metric:
    return Metric(
        measure=partial(_measure, name=name),
        title=name,
        unit=unit,
        direction=fields.get("directions", {}).get(name, "none"),
        metric_class=fields.get("metric_class", "quality"),
        phase="eval",
        measured_in="experiment",
        scope="versions",
        source="the experiment",
        null_when="the experiment could not measure it",
    )


def _measure(seen: Observations, *, name: str) -> Value:
    value = seen.outcomes.get(name)
    return null("not_measured: the experiment could not measure it") if value is None else number(value)
