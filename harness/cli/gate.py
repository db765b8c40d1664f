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
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Show every verdict, also those that passed.")]


def gate(
    suite: SuiteArgument,
    run_set: RunSetOption = None,
    policy: PolicyOption = "pr",
    verbose: Verbose = False,
    catalogue: Catalogues = None,
) -> ExitCode:
    """Judge a suite's results against results/baselines, store the verdicts, and say so by the exit code.

    Nothing is measured. Declared runs and gated metrics that are absent fail.

    Examples: harness gate articles · harness gate articles --policy strict --verbose
    """
    from harness.cli._verdicts import check_policy, print_verdicts
    from harness.gate import judge_suite
    from harness.project import find_project

    chosen = check_policy(policy)
    return print_verdicts(judge_suite(find_project(catalogues=catalogue or ()), suite, run_set), chosen, verbose)


COMMAND = Command(run=gate, order=20)
