"""Compare a suite with itself: what this machine can tell, and how often it cries wolf."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli._base import Catalogues, Command, Keyword, SuiteArgument, Tags
from harness.errors import ExitCode

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from harness.calibration import CalibratedCase

Restarts = Annotated[int, typer.Option("--restarts", metavar="N", min=5, help="Pairs of processes for each case.")]

COLUMNS = ("case", "clock", "restarts", "sd", "detectable", "margin", "false worse", "A/A", "why")
NUMBERS = COLUMNS[2:7]


def calibrate(
    suite: SuiteArgument, keyword: Keyword = None, tag: Tags = None, restarts: Restarts = 12, catalogue: Catalogues = None
) -> ExitCode:
    """Compare each case of a suite with itself, both arms being the working tree, and store what this machine can tell.

    Stored in results/calibration, for git: `harness check` refuses margins of `harness ab` below it. About 6 s a restart.

    *detectable*: the smallest change found with 90 % power; *false worse*: how often the rule calls equal code worse, over 2000
    relabellings of the restarts (which process is the head is a coin's throw); *A/A*: how the comparison itself was judged.

    Examples: harness calibrate smoke · harness calibrate mine -k lenet --restarts 20
    """
    from harness.calibration import calibrate_suite
    from harness.cli._table import print_table
    from harness.cli._trainings import only_trainings
    from harness.paired import needed
    from harness.project import find_project
    from harness.suite import Overrides, load_suite, narrow, trainings

    project = find_project(catalogues=catalogue or ())
    whole = load_suite(project.suite_file(suite), project.catalog())
    declared = trainings(whole, "harness calibrate")[0]
    chosen = only_trainings(narrow(whole, Overrides(keyword, tuple(tag or ())))[0], "harness calibrate")
    names = [case.name for case in chosen.cases]
    rows: list[tuple[str, ...]] = []
    files: list[Path] = []
    try:
        for name, found, file in calibrate_suite(project, declared, names, restarts, lambda line: typer.echo(line, err=True)):
            rows += _rows(name, found)
            files.append(file)
    finally:  # what was measured is stored, and worth reading, however the next case ends
        if rows:
            print_table(COLUMNS, rows, right=NUMBERS)
    for line in dict.fromkeys(files):
        print(line)
    if restarts < (wanted := needed(found.family)[0]):
        typer.echo(
            f"note: with {found.family} times judged, the rank test begins at {wanted} restarts (--restarts {wanted})",
            err=True,
        )
    typer.echo(f"next: harness check {suite}, and commit what was stored", err=True)
    return ExitCode.PASS


def _rows(name: str, found: CalibratedCase) -> Iterator[tuple[str, ...]]:
    for clock, told in found.clocks.items():
        sizes = (_percent(size) for size in (told.sd, told.detectable_effect, told.margin, told.false_worse))
        yield (name, clock, str(len(told.changes)), *sizes, told.verdict, told.note)


def _percent(share: float) -> str:
    return f"{100 * share:.2f} %"


COMMAND = Command(run=calibrate, order=24)
