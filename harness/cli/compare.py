"""Compare run sets: two by their gates, or any number beside one another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli._base import AsJson, AsMarkdown, Command, PolicyOption
from harness.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

RunSets = Annotated[
    list[str],
    typer.Argument(
        metavar="BASE HEAD...",
        help="Run sets (a path, <suite>/<run set>, or a suite for its last) or folders of baselines. Two are judged, the "
        "second against the first; more, or any with one of the options below, are a table.",
    ),
]
Changed = Annotated[bool, typer.Option("--changed", help="Of two: leave out verdicts that passed.")]
Metric = Annotated[
    list[str] | None,
    typer.Option(
        "--metric",
        metavar="NAME",
        help="A table of this metric, or of those that a pattern such as 'infer_*' names (repeatable); by default each "
        "case's primary score, train_throughput and host_peak_memory.",
    ),
]
AsCsv = Annotated[bool, typer.Option("--csv", help="Print it as CSV, a row for each case, metric and run set.")]
LEAST = 2
"""Run sets that there are to compare."""


def compare(
    names: RunSets,
    policy: PolicyOption = "pr",
    changed: Changed = False,
    metric: Metric = None,
    as_csv: AsCsv = False,
    as_json: AsJson = False,
    as_markdown: AsMarkdown = False,
) -> ExitCode:
    """Judge one run set against another by the gates that it was run with; or show any number in one table.

    Two are judged as `harness gate` does: every verdict is shown, and the exit code says how it went. A table judges nothing
    and ends with 0: the sets may be of other machines, commits and suites, and what cannot be compared with the first says so.

    Examples: harness compare articles/20260102T030405Z articles · harness compare results/baselines/smoke smoke
    · harness compare before after later --metric accuracy --metric 'infer_*' --markdown
    """
    forms = [name for name, given in (("csv", as_csv), ("json", as_json), ("markdown", as_markdown)) if given]
    if len(names) < LEAST:
        raise UsageError(f"found one run set, {names[0]!r}; give at least two to compare (`harness show` shows one)")
    if len(forms) > 1:
        raise UsageError(f"found --{' and --'.join(forms)}; allowed: one of them")
    if len(names) == LEAST and not metric and not forms:
        return _judge(names[0], names[1], policy, changed)
    if changed or policy != "pr":
        raise UsageError("--policy and --changed are of two run sets that are judged; a table of several judges nothing")
    return _show(names, metric or (), forms[0] if forms else "table")


def _judge(base: str, head: str, policy: str, changed: bool) -> ExitCode:
    from harness.cli._verdicts import check_policy, print_verdicts
    from harness.gate import judge_run_sets
    from harness.project import find_project

    chosen = check_policy(policy)
    return print_verdicts(judge_run_sets(find_project(), base, head), chosen, not changed)


def _show(names: Sequence[str], wanted: Sequence[str], form: str) -> ExitCode:
    from harness.cli._several import metrics_of, print_several
    from harness.gate import find_holder
    from harness.project import find_project
    from harness.verdicts import beside

    project = find_project()
    holders = [find_holder(project, name) for name in names]
    lines = beside(holders, metrics_of(holders, wanted, project.catalog()))
    print_several(holders, lines, form)
    return ExitCode.PASS


COMMAND = Command(run=compare, order=25)
