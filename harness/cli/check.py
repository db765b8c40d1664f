"""Check suite files: every problem at once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from harness.cli._base import Catalogues, Command
from harness.errors import ExitCode, Problem, SuiteError, UsageError

Suites = Annotated[
    list[str] | None, typer.Argument(metavar="[SUITE]...", help="Suite names or .toml files; all of the project's.")
]


def check(suites: Suites = None, catalogue: Catalogues = None) -> ExitCode:
    """Check suite files and print every problem of all of them, with file and line.

    Example: harness check suites/mine.toml
    """
    from harness.project import find_project
    from harness.suite import load_suite

    project = find_project(catalogues=catalogue or ())
    catalog = project.catalog()
    files = [project.suite_file(name) for name in suites or project.suite_files()]
    if not files:
        raise UsageError(f"no suites in {project.suites}; write one, or name a file: harness check FILE.toml")
    problems: list[Problem] = []
    for file in files:
        try:
            suite = load_suite(file, catalog)
        except SuiteError as error:
            problems += error.problems
            continue
        runs = sum(len(list(case.runs())) for case in suite.cases)
        print(f"{_shown(file)}: ok, {_count(len(suite.cases), 'case')}, {_count(runs, 'run')}")
    if problems:
        raise SuiteError(problems)
    return ExitCode.PASS


def _shown(file: Path) -> str:
    real = file.resolve()
    return str(real.relative_to(Path.cwd())) if real.is_relative_to(Path.cwd()) else str(file)


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"


COMMAND = Command(run=check, order=30)
