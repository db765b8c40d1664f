"""Audit a suite: which of its trainings give the same bits again."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli._base import Catalogues, Command, Device, Keyword, SuiteArgument, Tags
from harness.errors import ExitCode

if TYPE_CHECKING:
    from harness.audits import CaseAudit

Steps = Annotated[
    int | None, typer.Option("--steps", metavar="N", min=2, help="Train for N steps, rather than as long as each case does.")
]
Seed = Annotated[int | None, typer.Option("--seed", metavar="S", min=0, help="Seed to train with; default each case's first.")]
Fresh = Annotated[bool, typer.Option("--fresh", help="Audit again what is unchanged since it was audited, too.")]


def audit(
    suite: SuiteArgument,
    keyword: Keyword = None,
    tag: Tags = None,
    steps: Steps = None,
    seed: Seed = None,
    device: Device = None,
    fresh: Fresh = False,
    catalogue: Catalogues = None,
) -> ExitCode:
    """Train each case again and again, and grade whether it gives the same bits.

    After a first training, each case is trained in another process, twice in one process, after the suite's other cases in
    reverse order, killed in mid-epoch and gone on with, twice in the deterministic lane, with another number of threads, and
    with an older CPU's instructions: about ten trainings a case. Every loss, learning rate, evaluation, exact and quality
    metric and digest of a tensor is compared.

    Grades: A, everything is identical · B, with other threads or instructions only within tolerance (the first ten losses
    differ by at most 0.1 %) · C, these differ more · F, anything else differs.

    What is found is stored case by case in results/audits/SUITE.json, for git; an interrupted audit goes on where it was, and
    cases whose code, data, recipe and machine are unchanged are left as they are. Exit code 1: a case has grade F, and its
    model declares no `nondeterminism`.

    Examples: harness audit smoke · harness audit articles -k lstm --steps 30 · harness audit mine --seed 7 --fresh
    """
    from harness.audit import Options
    from harness.audit import audit as audit_suite
    from harness.audits import CHECKS, GRADES, audit_file
    from harness.cli._table import print_table
    from harness.cli._trainings import only_trainings
    from harness.project import find_project
    from harness.suite import Overrides, load_suite, narrow, trainings

    project = find_project(catalogues=catalogue or ())
    whole, _ = narrow(load_suite(project.suite_file(suite), project.catalog()), Overrides(device=device))
    declared = trainings(whole, "harness audit")[0]
    chosen = only_trainings(narrow(whole, Overrides(keyword, tuple(tag or ())))[0], "harness audit")
    try:
        found = audit_suite(project, declared, chosen, Options(seed, steps, fresh))
    except KeyboardInterrupt:
        told = "what was found of the cases that were done is stored; the same command goes on with the others"
        print(f"\ninterrupted: {told}", file=sys.stderr)
        return ExitCode.INTERRUPTED
    cases = {case.name: found.cases[case.name] for case in chosen.cases}
    print_table(("case", "grade", *CHECKS, "nondeterminism"), [_row(name, case) for name, case in cases.items()])
    for line in (line for name, case in cases.items() for line in _exceptions(name, case)):
        typer.echo(line, err=True)
    grades = [case.grade for case in cases.values()]
    counts = "; ".join(f"{grades.count(grade)} {grade}: {meaning}" for grade, meaning in GRADES.items() if grade in grades)
    typer.echo(f"{counts}; stored in", err=True)
    print(audit_file(project.results, found.suite))
    return ExitCode.WORSE if any(case.unexplained for case in cases.values()) else ExitCode.PASS


def _row(name: str, case: CaseAudit) -> tuple[object, ...]:
    from harness.audits import CHECKS

    return (name, case.grade, *(case.checks.get(check, "not reached") for check in CHECKS), case.nondeterminism)


def _exceptions(name: str, case: CaseAudit) -> list[str]:
    """Return what did not come out identical, in words."""
    return [f"{name}, {check}{f' ({found.how})' if found.how else ''}: {found.why}" for check, found in case.exceptions.items()]


COMMAND = Command(run=audit, order=37)
