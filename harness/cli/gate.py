"""Judge a suite's last results against its baselines."""

from __future__ import annotations

from typing import Annotated

import typer

from harness.cli._base import Catalogues, Command, PolicyOption, SuiteArgument
from harness.errors import ExitCode

RunSetOption = Annotated[
    str | None,
    typer.Option("--run-set", metavar="RUN_SET", help="Judge this run set, by name or path, instead of the last one."),
]
BaselinesFrom = Annotated[
    str | None,
    typer.Option(
        "--baselines-from",
        metavar="REV",
        help="Judge by the baselines of this commit. Default: with HARNESS_BASE_REF or GITHUB_BASE_REF set, those of the "
        "merge base with it; else the working tree's.",
    ),
]
AcceptRenewed = Annotated[
    bool,
    typer.Option(
        "--accept-renewed",
        help="Judge by baselines that this change adds, renews with a new reason or removes: it is intended.",
    ),
]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Show every verdict, also those that passed.")]


def gate(
    suite: SuiteArgument,
    run_set: RunSetOption = None,
    policy: PolicyOption = "pr",
    verbose: Verbose = False,
    baselines_from: BaselinesFrom = None,
    accept_renewed: AcceptRenewed = False,
    catalogue: Catalogues = None,
) -> ExitCode:
    """Judge a suite's results against results/baselines, store the verdicts, and say so by the exit code.

    Nothing is measured. Declared runs and gated metrics that are absent fail. Baselines that a change edits do not judge it.

    Examples: harness gate articles · harness gate articles --policy strict --verbose
    · harness gate articles --baselines-from origin/main --accept-renewed
    """
    from harness.cli._verdicts import check_policy, print_verdicts
    from harness.gate import judge_suite
    from harness.project import find_project

    chosen = check_policy(policy)
    judged = judge_suite(find_project(catalogues=catalogue or ()), suite, run_set, baselines_from, accept_renewed)
    if judged.notice:
        print(judged.notice)
    return print_verdicts(judged, chosen, verbose)


COMMAND = Command(run=gate, order=20)
