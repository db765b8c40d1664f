"""What was measured of the series that a test names: one value a seed, and why others are lacking."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from harness.observations import NULL_REASONS, MetricClass
from harness.results import RunState, Series, Side
from harness.stats import summarise

Value = float | str


@dataclass(frozen=True)
class Measured:
    """One metric of one case."""

    values: Mapping[int, tuple[Value, ...]]
    """Seed -> the value of each of its runs: finite numbers, or texts such as digests."""
    unit: str
    metric_class: MetricClass
    lacking: tuple[str, ...] = ()
    """Why there is no value, one entry a run: 'seed 3: diverged'."""
    machine_class: str = ""

    @cached_property
    def numbers(self) -> dict[int, float]:
        """Seed -> mean of its runs; seeds with texts are left out."""
        held = {seed: [value for value in found if isinstance(value, float)] for seed, found in self.values.items()}
        return {seed: summarise(found).mean for seed, found in sorted(held.items()) if found}

    @property
    def constant(self) -> bool:
        """Whether the metric is exact and every run gave the same: nothing of it is left to chance."""
        return self.metric_class == "exact" and len({value for found in self.values.values() for value in found}) == 1


@dataclass(frozen=True)
class Samples:
    """The series of one test, paired by their seeds."""

    series: tuple[Measured, ...]

    @cached_property
    def seeds(self) -> tuple[int, ...]:
        """The seeds of which every series has a number."""
        return tuple(sorted(set.intersection(*(set(one.numbers) for one in self.series))))

    @cached_property
    def rows(self) -> tuple[tuple[float, ...], ...]:
        """One row a series, one number a seed."""
        return tuple(tuple(one.numbers[seed] for seed in self.seeds) for one in self.series)

    @property
    def means(self) -> tuple[float, ...]:
        """The mean of each series over the common seeds; none without these."""
        return tuple(summarise(row).mean for row in self.rows) if self.seeds else ()

    @property
    def constant(self) -> bool:
        """Whether chance has no part in any of the series."""
        return all(one.constant for one in self.series)

    @property
    def lacking(self) -> tuple[str, ...]:
        """Why values are lacking, each reason once."""
        return tuple(dict.fromkeys(reason for one in self.series for reason in one.lacking))


def measured(side: Side, metric: str) -> Measured | None:
    """Return a metric of a case as it was measured; None where no run of the case succeeded."""
    series = side.metrics.get(metric)
    failed = tuple(f"seed {run.seed}: {_ending(run)}" for run in side.runs if _counts(run, series))
    if series is None:
        succeeded = any(run.status == "ok" for run in side.runs)
        return Measured({}, "1", "quality", (*failed, "not measured in any run")) if succeeded else None
    values: dict[int, tuple[Value, ...]] = {}
    lacking = list(failed)
    for sample in series.samples:
        if sample.value is None or (isinstance(sample.value, float) and not math.isfinite(sample.value)):
            lacking.append(f"seed {sample.seed}: {_explained(sample.null_reason)}")
        else:
            values[sample.seed] = (*values.get(sample.seed, ()), sample.value)
    return Measured(values, series.unit, series.metric_class, tuple(lacking), side.machine_class)


def failures(side: Side) -> str:
    """Return how the runs of a case ended, none of which succeeded."""
    return "; ".join(dict.fromkeys(f"seed {run.seed}: {_ending(run)}" for run in side.runs))


def _counts(run: RunState, series: Series | None) -> bool:
    """Whether a run should have given a value of the series, and has failed."""
    return run.status != "ok" and (series is None or run.measures in series.passes)


def _ending(run: RunState) -> str:
    return run.status + (f" ({run.reason})" if run.reason else "")


def _explained(reason: str) -> str:
    key, _, more = reason.partition(": ")
    return more or NULL_REASONS.get(key, key) or "no finite number"


SHOWN = 3
"""Reasons or names that are written out."""


def in_words(texts: Sequence[str], between: str = "; ") -> str:
    """Return some reasons or names in one line: the first few and how many more."""
    more = [f"{len(texts) - SHOWN} more"] if len(texts) > SHOWN else []
    return between.join([*texts[:SHOWN], *more])
