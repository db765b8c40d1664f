"""Write one stored run as an archive that others can verify."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from harness.cli._base import Catalogues, Command
from harness.errors import ExitCode

Run = Annotated[
    str,
    typer.Argument(metavar="RUN", help="A run's id, or the head of it; with CASE, a suite (its last run set) or a run set."),
]
OneCase = Annotated[str | None, typer.Argument(metavar="[CASE]", help="A case of the suite: its first run that went well.")]
Output = Annotated[
    Path | None,
    typer.Option("--output", "-o", metavar="FILE", help="The archive; by default RUN_ID.zip in the working folder."),
]


def export(run: Run, case: OneCase = None, output: Output = None, catalogue: Catalogues = None) -> ExitCode:
    """Write a training's record as one zip file: its case, every number, what was installed, and how to verify it.

    The archive holds plain data (JSON, Parquet, text) and names no user, host or folder. The same run gives the same bytes.

    Examples: harness export smoke lenet · harness export lenet-s1-20260102T030405 -o lenet.zip
    """
    from harness.archive import export as write_archive
    from harness.project import find_project
    from harness.runner.find import find_run
    from harness.units import show

    project = find_project(catalogues=catalogue or ())
    written = write_archive(project, find_run(project, run, case, command="export"), output)
    size = show(written.stat().st_size, "By")
    typer.echo(f"{size}; in any checkout of the project: harness verify {written.name}; its README.md says more", err=True)
    print(written)
    return ExitCode.PASS


COMMAND = Command(run=export, order=28)
