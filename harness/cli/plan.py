"""Show the runs that a command would execute, and how long they may take."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import typer

from harness.cli._base import Catalogues, Command, Device, Keyword, Seeds, SuiteArgument, Tags, Threads
from harness.errors import ExitCode

if TYPE_CHECKING:
    from pathlib import Path

    from harness.suite import Case, Suite

COLUMNS = ("case", "model", "data", "device", "threads", "seeds", "runs", "length", "estimate")


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

    The time is estimated from the suite's stored runs of the very same case: median seconds × runs. Where there are
    none yet, the training time in its baseline stands in, marked ~: another machine's, perhaps, and training alone.

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
    rows = [_row(case, expected, "" if case.digest in measured else "~") for case in planned.cases]
    print_table(COLUMNS, rows, right=("threads", "runs", "length", "estimate"), total=_total(planned, expected))
    if left_out:
        typer.echo(f"left out: {', '.join(left_out)}", err=True)
    return ExitCode.PASS


def _median_seconds(results: Path, suite: Suite) -> dict[str, float]:
    """Return case digest -> median seconds of its stored runs that went well."""
    if not (results / suite.name).is_dir():
        return {}
    import pandas as pd

    from harness.results import run_sets

    tables = [run_set.table("runs", ["case_digest", "status", "seconds"]) for run_set in run_sets(results, suite.name)]
    if not tables:
        return {}
    runs = pd.concat(tables)
    medians = runs[runs["status"] == "ok"].groupby("case_digest")["seconds"].median()
    return {str(digest): float(seconds) for digest, seconds in medians.items()}


def _baseline_seconds(folder: Path) -> dict[str, float]:
    """Return case digest -> mean training time in the case's baseline."""
    if not folder.is_dir():
        return {}
    from harness.baseline import read_baselines

    seconds: dict[str, float] = {}
    for baseline in read_baselines(folder).values():
        series = baseline.side().metrics.get("train_time")
        if series and series.numbers:
            seconds[baseline.case_digest] = sum(series.numbers) / len(series.numbers)
    return seconds


def _row(case: Case, expected: Mapping[str, float], mark: str) -> tuple[object, ...]:
    recipe, runs = case.recipe, _runs(case)
    length = f"{recipe.epochs} epochs" if recipe.epochs else f"{recipe.steps} steps"
    place = (case.execution.device, case.execution.threads)
    estimate = mark + _time(expected[case.digest] * runs) if case.digest in expected else "unknown"
    return (case.name, case.model.name, case.data.name, *place, _seeds(case.seeds), runs, length, estimate)


def _total(suite: Suite, expected: Mapping[str, float]) -> tuple[object, ...]:
    known = [expected[case.digest] * _runs(case) for case in suite.cases if case.digest in expected]
    least = "" if len(known) == len(suite.cases) else "at least "
    estimate = f"{least}{_time(sum(known))}" if known else "unknown"
    return ("total", "", "", "", "", "", sum(map(_runs, suite.cases)), "", estimate)


def _runs(case: Case) -> int:
    return len(case.seeds) * case.repeats


def _seeds(seeds: Sequence[int]) -> str:
    consecutive = len(seeds) > 1 and list(seeds) == list(range(seeds[0], seeds[0] + len(seeds)))
    return f"{seeds[0]}-{seeds[-1]}" if consecutive else ",".join(map(str, seeds))


def _time(seconds: float) -> str:
    from harness.units import show

    return show(seconds, "s")


COMMAND = Command(run=plan, order=40)
