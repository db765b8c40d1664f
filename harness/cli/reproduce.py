"""Train a stored run again, and say whether it gives the same."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from harness.cli._base import AsJson, Catalogues, Command
from harness.cli._reproduction import Tolerant, Top
from harness.errors import ExitCode

Run = Annotated[
    str,
    typer.Argument(metavar="RUN", help="A run's id, or the head of it; with CASE, a suite (its last run set) or a run set."),
]
OneCase = Annotated[str | None, typer.Argument(metavar="[CASE]", help="A case of the suite: its first run that went well.")]


def reproduce(
    run: Run,
    case: OneCase = None,
    tolerant: Tolerant = False,
    as_json: AsJson = False,
    top: Top = 15,
    catalogue: Catalogues = None,
) -> ExitCode:
    """Train a stored run again from its own record and compare everything whose bits are to be the same.

    That is data, batch order, initial weights, learning rates, losses, digests of the weights, evaluations, and every metric of
    class exact or quality. The code may have changed since; that is said. If code, data and environment are as recorded and the
    bits yet differ, two more trainings tell the step and the tensor at which trainings part. No result is touched.

    Exit codes: 0 identical, or within the tolerance with --tolerant · 1 different, or within the tolerance without it ·
    4 refused, because the environment cannot give the same bits (its fields are named) · 5 the re-run failed.

    Examples: harness reproduce smoke lenet · harness reproduce lenet-s1-20260102T030405 --tolerant ·
    harness reproduce smoke cnn --json
    """
    from harness.cli._reproduction import exit_code, print_json, print_reproduction
    from harness.project import find_project
    from harness.reproduce import evidence_of, reproduce
    from harness.runner.find import find_run

    project = find_project(catalogues=catalogue or ())
    found = find_run(project, run, case, command="reproduce")
    found.check_training(or_experiment=True)
    suite = found.run_set.manifest.suite
    try:
        made = reproduce(
            project, evidence_of(found.run_set.table, found.case, found.run_id, suite.name), suite.version, tolerant
        )
    except KeyboardInterrupt:
        print("\ninterrupted: nothing was compared, and no result was touched", file=sys.stderr)
        return ExitCode.INTERRUPTED
    code = exit_code(made, tolerant)
    if as_json:
        print_json(made, code)
    else:
        print_reproduction(made, top)
    return code


COMMAND = Command(run=reproduce, order=27)
