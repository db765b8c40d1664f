"""Check suite files: every problem at once."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli._base import Catalogues, Command
from harness.errors import ExitCode, Problem, ResultsError, SuiteError, UsageError

if TYPE_CHECKING:
    from harness.calibration import Finding
    from harness.project import Project
    from harness.suite import Suite

Suites = Annotated[
    list[str] | None, typer.Argument(metavar="[SUITE]...", help="Suite names or .toml files; all of the project's.")
]


def check(suites: Suites = None, catalogue: Catalogues = None) -> ExitCode:
    """Check suite files and print every problem of all of them, with file and line.

    Margins are held to what was measured: one of `harness ab` below what `harness calibrate` found detectable is refused, one
    of a hard quality gate below what seeds can tell from its baseline is a warning, as is a claim with too few seeds to be
    decided.

    Example: harness check suites/mine.toml
    """
    from harness.project import find_project
    from harness.suite import claim_doubts, load_suite

    project = find_project(catalogues=catalogue or ())
    catalog = project.catalog()
    files = [project.suite_file(name) for name in suites or project.suite_files()]
    if not files:
        raise UsageError(f"no suites in {project.suites}; write one, or name a file: harness check FILE.toml")
    problems: list[Problem] = []
    refused: list[str] = []
    for file in files:
        try:
            suite = load_suite(file, catalog)
        except SuiteError as error:
            problems += error.problems
            continue
        try:
            findings = _findings(project, suite)
        except ResultsError as error:
            refused.append(f"{_shown(file)}: {error}")
            continue
        if wrong := [f"{_shown(file)}: {finding.message}" for finding in findings if finding.refused]:
            refused += wrong
        else:
            runs = sum(len(list(case.runs())) for case in suite.cases)
            print(f"{_shown(file)}: ok, {_count(len(suite.cases), 'case')}, {_count(runs, 'run')}")
        doubts = [*(finding.message for finding in findings if not finding.refused), *claim_doubts(suite, catalog)]
        for doubt in doubts:
            print(f"warning: {_shown(file)}: {doubt}")
    if refused:
        lines = [*map(str, sorted(set(problems))), *refused]
        raise UsageError("\n  ".join([f"{_count(len(lines), 'problem')}:", *lines]))
    if problems:
        raise SuiteError(problems)
    return ExitCode.PASS


def _findings(project: Project, suite: Suite) -> list[Finding]:
    """Return what was measured against the suite's margins; nothing heavy is imported where nothing was."""
    stored = [project.baselines / suite.name, *(project.results / "calibration").glob(f"*/{suite.name}.json")]
    if not any(path.exists() for path in stored):
        return []
    from harness.calibration import margin_findings

    return list(margin_findings(project, suite))


def _shown(file: Path) -> str:
    real = file.resolve()
    return str(real.relative_to(Path.cwd())) if real.is_relative_to(Path.cwd()) else str(file)


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"


COMMAND = Command(run=check, order=30)
