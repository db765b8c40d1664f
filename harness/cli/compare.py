"""Compare two run sets, or a run set with a folder of baselines."""

from __future__ import annotations

from typing import Annotated

import typer

from harness.cli._base import Command, PolicyOption
from harness.errors import ExitCode

Base = Annotated[
    str,
    typer.Argument(
        metavar="BASE", help="A run set (path, <suite>/<run set>, or a suite for its last), or a folder of baselines."
    ),
]
Head = Annotated[str, typer.Argument(metavar="HEAD", help="The run set to judge: path, <suite>/<run set>, or a suite.")]
Changed = Annotated[bool, typer.Option("--changed", help="Leave out verdicts that passed.")]


def compare(base: Base, head: Head, policy: PolicyOption = "pr", changed: Changed = False) -> ExitCode:
    """Judge HEAD against BASE by the gates that HEAD was run with, and show every verdict.

    Examples: harness compare articles/20260102T030405Z articles · harness compare results/baselines/smoke smoke
    """
    from harness.cli._verdicts import check_policy, print_verdicts
    from harness.gate import judge_run_sets
    from harness.project import find_project

    chosen = check_policy(policy)
    return print_verdicts(judge_run_sets(find_project(), base, head), chosen, not changed)


COMMAND = Command(run=compare, order=25)
