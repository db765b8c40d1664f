"""Show the runs that a command would execute, and how long they may take."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import typer

from harness.cli._base import Catalogues, Command, Device, Keyword, Seeds, SuiteArgument, Tags, Threads
from harness.errors import ExitCode

if TYPE_CHECKING:
    from pathlib import Path

    from harness.observations import Pass
    from harness.suite import Case, Suite

COLUMNS = ("case", "model", "data", "device", "threads", "seeds", "passes", "runs", "length", "estimate")


def plan(
    suite: SuiteArgument,
    keyword: Keyword = None,
    tag: Tags = None,
    seeds: Seeds = None,
    device: Device = None,
    threads: Threads = None,
    catalogue: Catalogues = None,
) -> ExitCode:
    """Show what `harness run` would execute, without running it.

    The time is estimated from the suite's stored runs of the very same case: median seconds × runs, pass by pass. Where
    no training is stored yet, the training time in the case's baseline stands in, marked ~: another machine's, perhaps.

    Example: harness plan articles --seeds 10 -k lenet
    """
    from harness.cli._table import print_table
    from harness.project import find_project
    from harness.suite import Overrides, load_suite, narrow, parse_seeds

    project = find_project(catalogues=catalogue or ())
    declared = load_suite(project.suite_file(suite), project.catalog())
    overrides = Overrides(keyword, tuple(tag or ()), parse_seeds(seeds) if seeds else None, device, threads)
    planned, left_out = narrow(declared, overrides)
    measured = _median_seconds(project.results, planned)
    expected = _baseline_seconds(project.baselines / planned.name) | measured
    estimates = [Estimate.of(case, expected, measured) for case in planned.cases]
    rows = [_row(case, estimate) for case, estimate in zip(planned.cases, estimates, strict=True)]
    print_table(COLUMNS, rows, right=("threads", "runs", "length", "estimate"), total=_total(estimates))
    if left_out:
        typer.echo(f"left out: {', '.join(left_out)}", err=True)
    return ExitCode.PASS


Expected = dict[tuple[str, "Pass"], float]
"""(case digest, pass) -> seconds of one run."""


@dataclass(frozen=True)
class Estimate:
    """How long some runs may take."""

    runs: int
    known: int
    """Of those, the runs whose time can be told."""
    seconds: float
    """Of the known ones together."""
    rough: bool = False
    """Whether a baseline's time stands in for what was not run here yet."""

    @classmethod
    def of(cls, case: Case, expected: Expected, measured: Expected) -> Estimate:
        """Return the estimate of a case's runs."""
        names = [(case.digest, measures) for measures, _, _ in case.runs()]
        found = [name for name in names if name in expected]
        return cls(len(names), len(found), sum(expected[name] for name in found), any(name not in measured for name in found))

    def __str__(self) -> str:
        """Return it in words: 'unknown', or 'at least ~3.00 s' where not all is known and a baseline stands in."""
        from harness.units import show

        least, about = "at least " if self.known < self.runs else "", "~" if self.rough else ""
        return f"{least}{about}{show(self.seconds, 's')}" if self.known else "unknown"


def _median_seconds(results: Path, suite: Suite) -> Expected:
    """Return the median seconds of stored runs that went well."""
    if not (results / suite.name).is_dir():
        return {}
    import pandas as pd

    from harness.results import run_sets

    tables = [run_set.table("runs", ["case_digest", "pass", "status", "seconds"]) for run_set in run_sets(results, suite.name)]
    if not tables:
        return {}
    runs = pd.concat(tables)
    medians = runs[runs["status"] == "ok"].groupby(["case_digest", "pass"])["seconds"].median()
    return cast("Expected", medians.to_dict())


def _baseline_seconds(folder: Path) -> Expected:
    """Return the mean training time in each case's baseline."""
    if not folder.is_dir():
        return {}
    from harness.baseline import read_baselines

    seconds: Expected = {}
    for baseline in read_baselines(folder).values():
        series = baseline.side().metrics.get("train_time")
        if series and series.numbers:
            seconds[baseline.case_digest, "train"] = sum(series.numbers) / len(series.numbers)
    return seconds


def _row(case: Case, estimate: Estimate) -> tuple[object, ...]:
    place = (case.execution.device, case.execution.threads, _seeds(case.seeds))
    if case.experiment is not None:
        return (case.name, case.experiment.name, "", *place, "", estimate.runs, "an experiment", estimate)
    recipe, passes = case.recipe, ", ".join(case.passes)
    length = f"{recipe.epochs} epochs" if recipe.epochs else f"{recipe.steps} steps"
    return (case.name, case.model.name, case.data.name, *place, passes, estimate.runs, length, estimate)


def _total(estimates: Sequence[Estimate]) -> tuple[object, ...]:
    runs, known = (sum(getattr(each, name) for each in estimates) for name in ("runs", "known"))
    whole = Estimate(runs, known, sum(each.seconds for each in estimates), any(each.rough for each in estimates))
    return ("total", "", "", "", "", "", "", runs, "", whole)


def _seeds(seeds: Sequence[int]) -> str:
    consecutive = len(seeds) > 1 and list(seeds) == list(range(seeds[0], seeds[0] + len(seeds)))
    return f"{seeds[0]}-{seeds[-1]}" if consecutive else ",".join(map(str, seeds))


COMMAND = Command(run=plan, order=40)
