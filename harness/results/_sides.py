"""One case's runs and samples, as a comparison sees them: from a run set here, from a baseline in `harness.baseline`."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from harness.observations import MAIN_PASSES, Direction, MetricClass
from harness.results._fields import MIXED, only
from harness.results._store import RunSet
from harness.stats import summarise
from harness.suite import Case

if TYPE_CHECKING:
    import pandas as pd

SAME_RUN = ("seed", "repeat", "arm", "block", "restart", "pass")
"""What tells the runs of one case apart."""
ENVIRONMENT = ("machine_class", "numeric_fingerprint", "version_key", "environment_digest")
ORIGIN = ("commit", "dirty", "code_digest", "started_utc", "case_digest")
RUN_COLUMNS = ("run_id", "case", *SAME_RUN, "status", "reason", *ORIGIN, *ENVIRONMENT)


@dataclass(frozen=True)
class Sample:
    """One metric's value in one run."""

    seed: int
    value: float | str | None
    null_reason: str = ""


@dataclass(frozen=True)
class Series:
    """One metric of one case: what it means and its value in every run."""

    metric: str
    metric_class: MetricClass
    unit: str
    direction: Direction
    scope: str
    samples: tuple[Sample, ...]
    passes: tuple[str, ...] = ("train",)
    """The passes whose runs measured it."""
    problems: tuple[str, ...] = ()
    """What is wrong with the stored rows, such as two for one run."""

    @property
    def numbers(self) -> list[float]:
        """The values that are finite numbers, one a run."""
        return [sample.value for sample in self.samples if isinstance(sample.value, float) and math.isfinite(sample.value)]

    @property
    def seed_means(self) -> list[float]:
        """The mean of each seed's finite numbers: a seed that ran twice is one piece of evidence, not two."""
        by_seed: dict[int, list[float]] = {}
        for sample in self.samples:
            if isinstance(sample.value, float) and math.isfinite(sample.value):
                by_seed.setdefault(sample.seed, []).append(sample.value)
        return [summarise(found).mean for found in by_seed.values()]

    @property
    def by_seed(self) -> dict[int, list[float | str]]:
        """Seed -> its values, nulls left out."""
        found: dict[int, list[float | str]] = {}
        for sample in self.samples:
            if sample.value is not None:
                found.setdefault(sample.seed, []).append(sample.value)
        return found

    @property
    def nulls(self) -> list[Sample]:
        """The samples without a value."""
        return [sample for sample in self.samples if sample.value is None]


@dataclass(frozen=True)
class RunState:
    """How one run ended."""

    seed: int
    repeat: int
    status: str
    reason: str
    measures: str
    """Its pass: train, memory, …"""
    commit: str
    dirty: bool
    started_utc: str
    code: str = ""
    """Digest of the source files that it executed; '' where the harness that ran it kept none."""

    def __str__(self) -> str:
        """Return it in words: 'seed 3, memory pass: oom (signal 9)'."""
        of_pass = "" if self.measures in MAIN_PASSES else f", {self.measures} pass"
        return f"seed {self.seed}{of_pass}: {self.status}" + (f" ({self.reason})" if self.reason else "")


@dataclass(frozen=True)
class Side:
    """One case as one side of a comparison holds it."""

    suite_version: int
    specification: Mapping[str, Any]
    case_digest: str
    machine_class: str
    numeric_fingerprint: str
    version_key: str
    machine: Mapping[str, str]
    """The fields behind the machine class."""
    numeric: Mapping[str, str]
    """The fields behind the numeric fingerprint."""
    metrics: Mapping[str, Series]
    runs: tuple[RunState, ...] = ()
    """Empty for a baseline, which holds only runs that ended ok."""
    problems: tuple[str, ...] = ()
    """What is wrong with the stored runs, such as two of one name."""


def sides(run_set: RunSet) -> dict[str, Side]:
    """Return every case of a run set that has a run. A comparison's base arm is left out.

    Raises:
        ResultsError: a table or the manifest cannot be read.
    """
    manifest = run_set.manifest
    runs = run_set.table("runs", RUN_COLUMNS)
    runs = runs[runs["arm"] != "base"]
    ok = runs[runs["status"] == "ok"]
    measured = run_set.table("measurements").merge(ok[["run_id", "case", "seed", "pass"]].drop_duplicates(), on="run_id")
    rows = {str(case): to_records(group) for case, group in runs.groupby("case")}
    values = {str(case): to_records(group) for case, group in measured.groupby("case")}
    return {
        case.name: _side(run_set, manifest.suite.version, case, rows[case.name], values.get(case.name, []))
        for case in manifest.suite.cases
        if case.name in rows
    }


def absent_runs(case: Case, runs: Iterable[RunState]) -> Iterator[str]:
    """Yield in words what a case declares and is not among the runs, whatever became of those."""
    held = Counter((run.measures, run.seed) for run in runs)
    main = case.main_pass
    if none := [str(seed) for seed in case.seeds if not held[main, seed]]:
        yield f"no run of seed {', '.join(none)}"
    for seed in case.seeds:
        if 0 < held[main, seed] < case.repeats:
            yield f"seed {seed}: {held[main, seed]} of {case.repeats} repeats"
    for measures in case.passes if held and main == "train" else ():
        yield from (f"no {measures} pass of seed {seed}" for seed in case.seeds_of(measures) if not held[measures, seed])


def to_records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Return rows as dicts, with None for every null."""
    return [
        {str(key): None if isinstance(value, float) and math.isnan(value) else value for key, value in row.items()}
        for row in frame.to_dict("records")
    ]


def _side(run_set: RunSet, version: int, case: Case, rows: list[dict[str, Any]], values: list[dict[str, Any]]) -> Side:
    ok = [row for row in rows if row["status"] == "ok"]
    described = [run_set.environment.get(row["environment_digest"] or "", {}) for row in ok]
    series: dict[str, list[dict[str, Any]]] = {}
    for row in values:
        series.setdefault(row["metric"], []).append(row)
    return Side(
        suite_version=version,
        specification=case.specification,
        # the rows' digests were made by the harness that ran; the manifest's case has the defaults of keys that came later
        case_digest=case.digest if len({row["case_digest"] for row in ok}) <= 1 else f"{MIXED}definitions",
        machine_class=only(row["machine_class"] for row in ok),
        numeric_fingerprint=only(row["numeric_fingerprint"] for row in ok),
        version_key=only(row["version_key"] for row in ok),
        machine=_fields(described, "machine."),
        numeric=_fields(described, "numeric."),
        metrics={metric: _series(metric, found) for metric, found in sorted(series.items())},
        runs=tuple(_state(row) for row in rows),
        problems=tuple(_twice(rows)),
    )


def _fields(described: list[dict[str, str]], group: str) -> dict[str, str]:
    """Return one group's fields; a field on which runs disagree is 'mixed: …'."""
    keys = {key for fields in described for key in fields if key.startswith(group)}
    return {key.removeprefix(group): only(fields.get(key) for fields in described) for key in sorted(keys)}


def _state(row: Mapping[str, Any]) -> RunState:
    return RunState(
        seed=int(row["seed"]),
        repeat=int(row["repeat"]),
        status=row["status"] or "unknown",
        reason=row["reason"] or "",
        measures=row["pass"] or "train",
        commit=row["commit"] or "",
        dirty=bool(row["dirty"]),
        started_utc=row["started_utc"] or "",
        code=row["code_digest"] or "",
    )


def _twice(rows: list[dict[str, Any]]) -> list[str]:
    counts = Counter(tuple(row[key] for key in SAME_RUN) for row in rows)
    return [
        f"seed {name[0]}, repeat {name[1]}, {name[-1]} pass: {count} runs of one name"
        for name, count in counts.items()
        if count > 1
    ]


def _series(metric: str, rows: list[dict[str, Any]]) -> Series:
    first = rows[0]
    problems = [f"seed {seed}: {count} rows for one run" for (seed, _), count in _rows_a_run(rows).items() if count > 1]
    for column in ("unit", "direction", "class", "scope"):
        if len(found := sorted({str(row[column]) for row in rows})) > 1:
            problems.append(f"{column} {' and '.join(found)} in one run set")
    return Series(
        metric,
        cast(MetricClass, first["class"]),
        first["unit"] or "",
        cast(Direction, first["direction"]),
        first["scope"] or "any",
        tuple(_sample(row) for row in rows),
        tuple(sorted({row["pass"] or "train" for row in rows})),
        tuple(problems),
    )


def _rows_a_run(rows: list[dict[str, Any]]) -> Counter[tuple[int, str]]:
    return Counter((int(row["seed"]), str(row["run_id"])) for row in rows)


def _sample(row: Mapping[str, Any]) -> Sample:
    """Return a row's sample; a value that is lacking without a reason is NaN, which no gate lets pass."""
    value = row["value_text"] if row["value_text"] is not None else row["value"]
    if value is None and not row["null_reason"]:
        value = math.nan
    return Sample(int(row["seed"]), value, "" if value is not None else row["null_reason"])
