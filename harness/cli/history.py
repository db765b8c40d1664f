"""Show a metric over all run sets of a suite: where it changed, and how far it has drifted."""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli._base import Command
from harness.errors import ExitCode, UsageError, among, nearest

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from harness.history import Anchor, History
    from harness.project import Project
    from harness.results import RunSet

MetricArgument = Annotated[str, typer.Argument(metavar="METRIC", help="A metric; `harness list metrics` shows all.")]
SuiteOption = Annotated[str, typer.Option("--suite", metavar="SUITE", help="The suite whose run sets are read.")]
CaseOption = Annotated[str | None, typer.Option("--case", metavar="CASE", help="Only this case.")]
AnchorOption = Annotated[
    str,
    typer.Option("--anchor", metavar="RUN_SET|baseline|none", help="What drift is measured from."),
]
Check = Annotated[bool, typer.Option("--check", help="End with exit code 1 where a metric has drifted for the worse.")]

COLUMNS = ("case", "moment", "run set", "commit", "runs", "mean", "low", "high", "change", "note")


def history(
    metric: MetricArgument,
    suite: SuiteOption,
    case: CaseOption = None,
    anchor: AnchorOption = "baseline",
    check: Check = False,
) -> ExitCode:
    """Show a metric over all run sets of a suite, where it changed, and how far it has drifted from its anchor.

    A change is told where the mean moved by 2 % or more, significantly. Drift is that of the last three run sets against the
    anchor: what many changes below every margin add up to. On a pipe: tab-separated numbers in the metric's unit.

    Examples: harness history step_time_median --suite smoke · harness history accuracy --suite smoke --case cnn
    --anchor smoke/20260102T030405Z --check
    """
    from harness.cli._table import print_table
    from harness.project import find_project
    from harness.results import run_sets

    project = find_project()
    suite = Path(suite).stem if suite.endswith(".toml") else suite
    stored = run_sets(project.results, suite)
    if not stored:
        raise UsageError(f"no run set of suite {suite!r} in {project.results}; make one with `harness run {suite}`")
    found = list(_histories(project, stored, metric, suite, case, anchor))
    print_table(COLUMNS, [row for one in found for row in _rows(one)], right=("runs", "mean", "low", "high", "change"))
    for one in found:
        for line in _sentences(one, anchor):
            typer.echo(line, err=True)
    worse = any(one.drift and one.drift.shown and one.worse(one.drift.change) for one in found)
    return ExitCode.WORSE if check and worse else ExitCode.PASS


def _histories(
    project: Project, stored: Sequence[RunSet], metric: str, suite: str, case: str | None, anchor: str
) -> Iterator[History]:
    from harness.history import cases_of, read_history, read_sides

    held = read_sides(stored, lambda line: typer.echo(line, err=True))
    cases = cases_of(held)
    if case is not None and case not in cases:
        shown = among(case, cases, f"harness history {metric} --suite {suite}", word="held")
        raise UsageError(f"--case: no run set of {suite!r} holds case {case!r}{shown}")
    anchors = _anchors(project, suite, anchor)
    wanted = [name for name in cases if case in (None, name)]
    found = [one for name in wanted if (one := read_history(held, name, metric, anchors.get(name)))]
    if not found:
        known = project.catalog().parts("metrics")
        raise UsageError(f"no run set of {suite!r} holds a number of {metric!r}{nearest(metric, known)}")
    yield from found


def _anchors(project: Project, suite: str, name: str) -> dict[str, Anchor]:
    """Return what drift of each case is measured from."""
    from harness.baseline import read_baselines
    from harness.history import Anchor
    from harness.results import find_run_set, sides

    if name == "none":
        return {}
    if name == "baseline":
        held = read_baselines(project.baselines / suite)
        return {case: Anchor(f"the baseline of {one.recorded_on}", one.side(), len(one.run_sets)) for case, one in held.items()}
    run_set = find_run_set(project.results, name)
    return {case: Anchor(run_set.name, side) for case, side in sides(run_set).items()}


def _rows(found: History) -> Iterator[tuple[str, ...]]:
    changes = {change.at: change for change in found.changes}
    for index, point in enumerate(found.points):
        low, high = point.interval or (None, None)
        change = changes.get(index)
        yield (
            found.case,
            _moment(point.started_utc),
            point.run_set,
            point.commit + ("+" if point.dirty else ""),
            str(len(point.values)),
            *(_number(value, found.unit) for value in (point.mean, low, high)),
            f"{100 * change.change:+.1f} %" if change else "",
            point.apart or (f"changed, p = {change.p:.2g}" if change else ""),
        )


def _moment(started_utc: str) -> str:
    """Return a moment without fractions of its second."""
    return datetime.fromisoformat(started_utc).isoformat(timespec="seconds") if started_utc else ""


def _number(value: float | None, unit: str) -> str:
    """Return a value for people on a terminal, and with every digit on a pipe."""
    from harness.units import show

    if value is None:
        return ""
    return show(value, unit) if sys.stdout.isatty() else repr(value)


def _sentences(found: History, anchor: str) -> Iterator[str]:
    for change in found.changes:
        after = found.points[change.at]
        word = "worse" if found.worse(change.change) else "better" if found.worse(-change.change) else "changed"
        since = f"{after.run_set} on (commit {after.commit or 'unknown'})"
        yield f"{found.case}: {word} by {100 * abs(change.change):.1f} % from {since}"
    if found.drift is None:
        if anchor != "none":
            why = f"{anchor} holds no {found.metric} that can be compared with the last run set"
            yield f"{found.case}: no drift can be told: {why}"
        return
    drift = found.drift
    ends = "" if drift.low is None or drift.high is None else f" ({100 * drift.low:+.1f} to {100 * drift.high:+.1f} %)"
    if not drift.shown:
        why = ": too few run sets to know the spread" if not ends else ""
        yield f"{found.case}: no drift shown from {drift.anchor}: {100 * drift.change:+.1f} %{ends}{why}"
        return
    word = " for the worse" if found.worse(drift.change) else " for the better" if found.worse(-drift.change) else ""
    yield f"{found.case}: drifted{word} from {drift.anchor}: {100 * drift.change:+.1f} %{ends}"


COMMAND = Command(run=history, order=30)
