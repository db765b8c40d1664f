"""Tell what is wrong with this machine for measuring, and what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli._base import AsJson, Catalogues, Command
from harness.errors import ExitCode

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from harness.probes.readiness import Finding
    from harness.project import Project

RunThreads = Annotated[int, typer.Option("--threads", metavar="N", min=1, help="Threads that runs are to compute with.")]

COLUMNS = ("status", "topic", "finding")


def doctor(threads: RunThreads = 1, as_json: AsJson = False, catalogue: Catalogues = None) -> ExitCode:
    """Look at this machine for two seconds and tell what would spoil measurements, why, and what to do.

    Exit code 0: nothing is bad (there may be warnings); 2: something is, and should be put right before timing anything;
    5: nothing can be measured at all.

    Example: harness doctor --threads 2
    """
    from harness.probes.readiness import Surroundings, examine
    from harness.project import find_project

    project = find_project(catalogues=catalogue or ())
    findings = examine(Surroundings(project.root, project.results, project.data, _downloads(project), threads))
    if as_json:
        _print_json(findings)
    else:
        _print_table(findings)
    if any(finding.stops for finding in findings):
        return ExitCode.MEASURING
    return ExitCode.USAGE if any(finding.status == "bad" for finding in findings) else ExitCode.PASS


def _downloads(project: Project) -> dict[str, Path]:
    parts = project.catalog().parts("data")
    return {
        name: project.data / (part.fields.get("folder") or name) for name, part in parts.items() if part.fields.get("download")
    }


def _print_json(findings: Sequence[Finding]) -> None:
    import json
    from dataclasses import asdict

    print(json.dumps([asdict(finding) for finding in findings], indent=2))


def _print_table(findings: Sequence[Finding]) -> None:
    from harness.cli._table import print_table

    print_table(COLUMNS, [(finding.status, finding.topic, _words(finding)) for finding in findings])


def _words(finding: Finding) -> str:
    advice = [f"do: {finding.advice}"] if finding.advice else []
    return "\n".join([f"{finding.found}.", f"why: {finding.why}.", *advice])


COMMAND = Command(run=doctor, order=35)
