"""Write a run set's report as HTML and Markdown."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from harness.cli._base import Catalogues, Command
from harness.errors import ExitCode

Target = Annotated[
    str,
    typer.Argument(metavar="SUITE|RUN_SET", help="A suite, for its last run set; or <suite>/<run set>, or a run set's path."),
]
Open = Annotated[bool, typer.Option("--open", help="Open the page in the browser.")]
Output = Annotated[
    Path | None,
    typer.Option("--output", metavar="DIR", help="Folder to write to instead of the run set's."),
]


def report(target: Target, open_page: Open = False, output: Output = None, catalogue: Catalogues = None) -> ExitCode:
    """Write report.html and report.md from a run set's tables.

    Examples: harness report articles · harness report articles/20260102T030405Z --output public
    """
    from harness.project import find_project
    from harness.render import write_report
    from harness.results import find_run_set

    project = find_project(catalogues=catalogue or ())
    name = Path(target).stem if target.endswith(".toml") else target
    written = write_report(find_run_set(project.results, name), project.catalog(), output)
    if open_page:
        import webbrowser

        webbrowser.open(written.html.resolve().as_uri())
    print(written.html)
    print(written.markdown)
    return ExitCode.PASS


COMMAND = Command(run=report, order=40)
