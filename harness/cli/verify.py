"""Verify an archive: train its run again and compare every number."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from harness.cli._base import AsJson, Catalogues, Command
from harness.cli._reproduction import Tolerant, Top
from harness.errors import ExitCode

ArchiveFile = Annotated[Path, typer.Argument(metavar="ARCHIVE", help="A file that `harness export` wrote.")]


def verify(
    archive: ArchiveFile,
    tolerant: Tolerant = False,
    as_json: AsJson = False,
    top: Top = 15,
    catalogue: Catalogues = None,
) -> ExitCode:
    """Train an archive's run again by the code of this project, and compare every number that does not depend on the machine.

    The archive is read as data: nothing of it is executed or unpacked, and its digests are checked first.
    Models and data are this project's; where its code is not the archive's, the commit to check out is named.
    No result is touched.

    Exit codes: 0 identical, or within the tolerance with --tolerant ·
    1 different, or within the tolerance without it ·
    4 refused, because the environment cannot give the same bits (its fields are named) ·
    5 the archive is damaged or edited, or the re-run failed.

    Examples: harness verify lenet-s1-20260102T030405-c0ffee.zip · harness verify lenet.zip --tolerant --json
    """
    from harness.archive import read_archive
    from harness.archive import verify as train_again
    from harness.cli._reproduction import exit_code, print_json, print_reproduction
    from harness.project import find_project

    found = read_archive(archive)
    record = found.record
    typer.echo(f"{archive}: {record.case}, seed {record.seed}, of suite {record.suite}, from {record.checkout}", err=True)
    try:
        made = train_again(find_project(catalogues=catalogue or ()), found, tolerant)
    except KeyboardInterrupt:
        print("\ninterrupted: nothing was compared, and no result was touched", file=sys.stderr)
        return ExitCode.INTERRUPTED
    code = exit_code(made, tolerant)
    if as_json:
        print_json(made, code)
    else:
        print_reproduction(made, top)
    if made.code_changed and record.commit:
        typer.echo(f"to verify it by the code that made it: git checkout {record.commit}", err=True)
    return code


COMMAND = Command(run=verify, order=29)
