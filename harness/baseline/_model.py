"""What a baseline holds: every sample of one case, and what it was measured on. As JSON, the same bytes every time."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError, model_validator

from harness.digests import digest_of
from harness.observations import Direction, MetricClass
from harness.results import Sample, Series, Side
from harness.suite import Case

SCHEMA_VERSION: Final = 1
"""Schema history:
    1  first version
"""

LARGEST_EXACT = 2**53
"""Whole numbers below it are written without a decimal point: float64 holds each of them."""

Text = Annotated[str, Field(min_length=1)]


class _Strict(BaseModel):
    """Unknown keys are errors; values never change after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Null(_Strict):
    """A value that could not be measured, and why."""

    null: Text


StoredValue = Annotated[float, Field(allow_inf_nan=False)] | str | Null


class StoredMetric(_Strict):
    """One metric: what it means, and its value in every run."""

    metric_class: Annotated[MetricClass, Field(alias="class")]
    unit: str
    direction: Direction
    scope: Literal["any", "versions", "device", "fingerprint"]
    n: int
    """Number of values, nulls included: a value taken out by hand is noticed."""
    samples: Annotated[dict[int, Annotated[tuple[StoredValue, ...], Field(min_length=1)]], Field(min_length=1)]
    """Seed -> its value in each run, in the order of running."""

    @model_validator(mode="after")
    def _check_count(self) -> Self:
        found = sum(map(len, self.samples.values()))
        if found != self.n:
            raise ValueError(f"n is {self.n}, and there are {found} values")
        return self

    def series(self, metric: str) -> Series:
        """Return the metric as comparisons see it."""
        samples = tuple(_sample(seed, value) for seed, values in sorted(self.samples.items()) for value in values)
        return Series(metric, self.metric_class, self.unit, self.direction, self.scope, samples)


def _sample(seed: int, value: StoredValue) -> Sample:
    return Sample(seed, None, value.null) if isinstance(value, Null) else Sample(seed, value)


class StoredRunSet(_Strict):
    """One run set that samples came from."""

    name: Text
    recorded_on: Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$")]
    """UTC date of its last run."""
    commits: tuple[str, ...]
    dirty: bool
    """Whether a tracked file differed from its commit."""


class Baseline(_Strict):
    """What one case is judged against."""

    schema_version: Literal[1] = SCHEMA_VERSION
    suite: Text
    suite_version: int
    case: Text
    case_digest: str
    specification: dict[str, JsonValue]
    """What the digest is of: model, data, task, recipe, execution, targets."""
    reason: Text
    run_sets: Annotated[tuple[StoredRunSet, ...], Field(min_length=1)]
    version_key: str
    """Python and torch."""
    machine_class: str
    machine: dict[str, str]
    numeric_fingerprint: str
    numeric: dict[str, str]
    metrics: Annotated[dict[str, StoredMetric], Field(min_length=1)]

    @model_validator(mode="after")
    def _check_digest(self) -> Self:
        if digest_of(self.specification) != self.case_digest:
            raise ValueError("case_digest is not that of the specification: one of them was edited by hand")
        return self

    @property
    def recorded_on(self) -> str:
        """UTC date of the last run."""
        return max(run_set.recorded_on for run_set in self.run_sets)

    def side(self) -> Side:
        """Return the baseline as one side of a comparison."""
        specification = _as_read_now(self.specification)
        return Side(
            suite_version=self.suite_version,
            specification=specification,
            case_digest=digest_of(specification),
            machine_class=self.machine_class,
            numeric_fingerprint=self.numeric_fingerprint,
            version_key=self.version_key,
            machine=self.machine,
            numeric=self.numeric,
            metrics={name: metric.series(name) for name, metric in self.metrics.items()},
        )


def _as_read_now(specification: dict[str, Any]) -> dict[str, Any]:
    """Return a specification with the defaults of keys that came after it was recorded: they change nothing for its case."""
    try:
        return Case.model_validate({"name": "recorded", **specification}).specification
    except ValidationError:
        return specification


def to_text(baseline: Baseline) -> str:
    """Return the baseline as JSON: keys sorted, one a line, lists on one line, so that a diff shows what moved."""
    content = baseline.model_dump(mode="json", by_alias=True)
    for name, metric in baseline.metrics.items():
        content["metrics"][name]["samples"] = {
            seed: [_plain(value) for value in values] for seed, values in metric.samples.items()
        }
    return _indented(content, "") + "\n"


def _plain(value: StoredValue) -> Any:
    if isinstance(value, Null):
        return {"null": value.null}
    whole = isinstance(value, float) and value.is_integer() and abs(value) < LARGEST_EXACT
    return int(value) if whole else value


def _indented(value: Any, margin: str) -> str:
    if not isinstance(value, Mapping) or not value:
        return json.dumps(value, ensure_ascii=False, allow_nan=False, sort_keys=True)
    inner = margin + " "
    lines = [f"{inner}{json.dumps(str(key))}: {_indented(value[key], inner)}" for key in sorted(value)]
    return "{\n" + ",\n".join(lines) + f"\n{margin}}}"
