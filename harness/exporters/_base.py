"""What an exporter is, and a run set as exporters see it: numbers over runs, and the trainings behind them."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.errors import UsageError, nearest
from harness.observations import MAIN_PASSES
from harness.results import RunSet, Series, sides
from harness.stats import summarise, t_interval
from harness.suite import Case

if TYPE_CHECKING:
    import pandas as pd


FOREIGN = ("script", "pytest-benchmark")
"""Tasks of cases that no suite trained: a script's own, and what was imported."""
NAMED = 5
"""Metrics of those left out that are named."""


@dataclass(frozen=True)
class Exporter:
    """One foreign format: a single text, or a folder of files."""

    reads: str
    """What reads it, in a few words."""
    text: Callable[[Source], str] | None = None
    folder: Callable[[Source, Path], None] | None = None
    """Fills an empty folder."""
    needs: str = ""
    """A package that writes it and is no dependency of the harness."""
    units: Collection[str] = ()
    """Units of the numbers that the format has a place for; none: all."""
    directions: Collection[str] = ("higher", "lower", "none")
    """Directions of the numbers that the format has a place for."""

    def takes(self, series: Series) -> bool:
        """Whether the format has a place for a metric."""
        return (not self.units or series.unit in self.units) and series.direction in self.directions


@dataclass(frozen=True)
class Number:
    """One metric of one case, with a finite value of at least one run."""

    case: Case
    series: Series

    @property
    def values(self) -> list[float]:
        """The value of each run."""
        return self.series.numbers

    @property
    def mean(self) -> float:
        """The mean over the runs."""
        return summarise(self.values).mean

    @property
    def interval(self) -> tuple[float, float] | None:
        """The 95 % t interval of the mean; None for fewer than two runs."""
        return t_interval(self.values) if len(self.values) > 1 else None


@dataclass(frozen=True)
class Training:
    """One case trained once with one seed, whatever passes measured it."""

    case: Case
    seed: int
    repeat: int
    row: Mapping[str, Any]
    """Of the runs table."""
    values: Mapping[str, float]
    """Metric -> its finite value."""
    steps: pd.DataFrame
    """Of the steps table, by step; `clock` is the training time at a step's end, in seconds."""
    evaluations: pd.DataFrame
    """Of the evaluations table, by step."""

    @property
    def specification(self) -> Mapping[str, Any]:
        """What the case declares that was run; without a recipe where runs came from elsewhere, which did not tell theirs."""
        declared = self.case.specification
        return declared if self.case.task.name not in FOREIGN else {key: declared[key] for key in ("model", "data", "task")}

    @property
    def began(self) -> float:
        """When it started, in seconds since 1970."""
        return datetime.fromisoformat(self.row["started_utc"]).timestamp()

    @property
    def name(self) -> str:
        """A name that no other training of the run set has, fit for a folder."""
        return f"{self.case.name}-seed{self.seed}" + (f"-repeat{self.repeat}" if self.repeat > 1 else "")


@dataclass(frozen=True)
class Source:
    """What is exported of a run set."""

    run_set: RunSet
    numbers: tuple[Number, ...]
    left_out: tuple[str, ...] = ()
    """In words, what the run set holds and the format has no place for."""

    @cached_property
    def runs(self) -> pd.DataFrame:
        """The runs table without a comparison's base arm, by start."""
        runs = self.run_set.table("runs")
        return runs[runs["arm"] != "base"].sort_values(["started_utc", "run_id"])

    @cached_property
    def environment(self) -> Mapping[str, str]:
        """What the last run ran on: key -> value."""
        digests = [str(digest) for digest in self.runs["environment_digest"] if digest]
        return self.run_set.environment.get(digests[-1], {}) if digests else {}

    @property
    def last(self) -> Mapping[str, Any]:
        """The last run's row of the runs table."""
        return _plain(self.runs.iloc[-1].to_dict())

    def trainings(self) -> Iterator[Training]:
        """Yield the trainings and experiments by case, seed and repeat, those that failed included."""
        cases = {case.name: case for case in self.run_set.manifest.suite.cases}
        wanted = {(number.case.name, number.series.metric) for number in self.numbers}
        steps, evaluations = self.run_set.table("steps"), self.run_set.table("evaluations")
        trained = self.runs[self.runs["pass"].isin([*MAIN_PASSES, None])].sort_values(["case", "seed", "repeat"])
        for row in trained.to_dict("records"):
            if row["case"] in cases:
                own = _plain(row)
                yield Training(
                    case=cases[row["case"]],
                    seed=int(row["seed"]),
                    repeat=int(row["repeat"]),
                    row=own,
                    values={metric: value for metric, value in self._values(own) if (row["case"], metric) in wanted},
                    steps=_timed(steps[steps["run_id"] == row["run_id"]]),
                    evaluations=evaluations[evaluations["run_id"] == row["run_id"]].sort_values(["step", "metric"]),
                )

    def _values(self, row: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
        """Yield the finite values of a training, and of the passes of its case and seed."""
        same = (self.runs["case"] == row["case"]) & (self.runs["seed"] == row["seed"]) & (self.runs["repeat"] == row["repeat"])
        ids = set(self.runs[same & (self.runs["status"] == "ok")]["run_id"])
        found = self._measurements[self._measurements["run_id"].isin(ids)].sort_values("metric")
        for metric, value in zip(found["metric"], found["value"], strict=True):
            if value is not None and math.isfinite(value):
                yield str(metric), float(value)

    @cached_property
    def _measurements(self) -> pd.DataFrame:
        return self.run_set.table("measurements", ["run_id", "metric", "value"])


def _plain(row: Mapping[Any, Any]) -> dict[str, Any]:
    """Return a row with None for every null."""
    return {str(key): None if isinstance(value, float) and math.isnan(value) else value for key, value in row.items()}


def _timed(steps: pd.DataFrame) -> pd.DataFrame:
    ordered = steps.sort_values("step")
    return ordered.assign(clock=(ordered["seconds"].fillna(0) + ordered["loader_seconds"].fillna(0)).cumsum())


def read_source(run_set: RunSet, exporter: Exporter, metrics: Collection[str] = ()) -> Source:
    """Return what an exporter writes of a run set.

    Args:
        run_set: what is exported.
        exporter: the format.
        metrics: only these; none takes all that the format has a place for.

    Raises:
        UsageError: no case holds a metric of that name, or there is nothing to export.
        ResultsError: a table cannot be read.
    """
    held = sides(run_set)
    cases = [case for case in run_set.manifest.suite.cases if case.name in held]
    series = [(case, found) for case in cases for found in held[case.name].metrics.values()]
    _check_names(run_set, metrics, {found.metric for _, found in series})
    chosen = [(case, found) for case, found in series if not metrics or found.metric in metrics]
    numbers = tuple(Number(case, found) for case, found in chosen if found.numbers and exporter.takes(found))
    if not numbers:
        raise UsageError(
            f"{run_set.name}: nothing to export: no run that is ok holds a number that this format has a place for"
        )
    return Source(run_set, numbers, tuple(_left_out(exporter, [found for _, found in chosen])))


def _check_names(run_set: RunSet, asked: Collection[str], held: Collection[str]) -> None:
    for name in asked:
        if name not in held:
            raise UsageError(
                f"--metric: {run_set.name} holds no {name!r}{nearest(name, held)}; it holds {', '.join(sorted(held))}"
            )


def _left_out(exporter: Exporter, series: list[Series]) -> Iterator[str]:
    texts = {found.metric for found in series if not found.numbers and any(isinstance(s.value, str) for s in found.samples)}
    nulls = {found.metric for found in series if not found.numbers} - texts
    unfit = {found.metric for found in series if found.numbers and not exporter.takes(found)}
    for names, why in (
        (texts, "texts"),
        (nulls, "null in every run"),
        (unfit, "of a unit or direction that the format has no place for"),
    ):
        if names:
            more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
            yield f"{why}: {', '.join(sorted(names)[:NAMED])}{more}"
