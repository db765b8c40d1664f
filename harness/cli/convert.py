"""Write a run set in a foreign format, or make one of another tool's files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli._base import Catalogues, Command
from harness.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from harness.project import Project

Inputs = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="RUN_SET|FILE...",
        help="With --to: a run set (path, <suite>/<run set>, or a suite for its last). With --from: files, one a run.",
    ),
]
To = Annotated[
    str | None, typer.Option("--to", metavar="FORMAT", help="Write the run set so; `harness convert --formats` shows them.")
]
From = Annotated[str | None, typer.Option("--from", metavar="pytest-benchmark", help="Make a run set of that tool's files.")]
Output = Annotated[
    Path | None,
    typer.Option("--output", "-o", metavar="FILE|DIR", help="Where to write; a format of one text goes to stdout without it."),
]
Metrics = Annotated[list[str] | None, typer.Option("--metric", metavar="NAME", help="With --to: only this (repeatable).")]
SuiteName = Annotated[str | None, typer.Option("--suite", metavar="NAME", help="With --from: the suite that the runs are of.")]
Formats = Annotated[bool, typer.Option("--formats", help="Show the formats.")]
Margin = Annotated[
    float, typer.Option("--margin", metavar="PERCENT", min=0.0, help="With --from: the change for the worse that passes.")
]


def convert(
    inputs: Inputs = None,
    to: To = None,
    source: From = None,
    output: Output = None,
    metric: Metrics = None,
    suite: SuiteName = None,
    margin: Margin = 5.0,
    formats: Formats = False,
    catalogue: Catalogues = None,
) -> ExitCode:
    """Write a run set in a foreign format, or make a run set of another tool's files.

    What a format has no place for is left out, and said on stderr.

    Examples: harness convert smoke --to bencher -o bmf.json · harness convert smoke --to tensorboard -o runs
    · harness convert a.json b.json --from pytest-benchmark --suite api && harness compare api/20260102T030405Z api
    """
    from harness.project import find_project

    project = find_project(catalogues=catalogue or ())
    if formats:
        return _list(project)
    if not inputs:
        raise UsageError("name a run set (with --to) or files (with --from)")
    if (to is None) == (source is None):
        raise UsageError("give either --to FORMAT, to write a run set, or --from pytest-benchmark, to make one")
    unused = {"--suite": suite} if to else {"--output": output, "--metric": metric}
    for option, value in unused.items():
        if value:
            raise UsageError(f"{option} means nothing with {'--to' if to else '--from'}")
    if to is not None:
        return _export(project, inputs, to, output, metric or [])
    return _import(project, inputs, str(source), suite, margin)


def _list(project: Project) -> ExitCode:
    from harness.cli._table import print_table
    from harness.exporters import exporters

    print_table(("format", "what it is"), [(name, part.summary) for name, part in exporters(project.catalog()).items()])
    return ExitCode.PASS


def _export(project: Project, inputs: list[str], to: str, output: Path | None, metrics: list[str]) -> ExitCode:
    from harness.exporters import exporter, read_source, write
    from harness.results import find_run_set

    if len(inputs) > 1:
        raise UsageError(f"--to: one run set at a time; found {', '.join(inputs)}")
    made = exporter(project.catalog(), to)
    found = read_source(find_run_set(project.results, inputs[0]), made, metrics)
    text = write(made, found, output)
    if text is not None:
        print(text, end="")
    for line in found.left_out:
        typer.echo(f"left out: {line}", err=True)
    if output is not None:
        print(output)
        typer.echo(f"read by: {made.reads}", err=True)
    return ExitCode.PASS


def _import(project: Project, inputs: list[str], source: str, suite: str | None, margin: float) -> ExitCode:
    from harness.exporters import FROM, import_files

    if source.replace("_", "-") != FROM:
        raise UsageError(f"--from: found {source!r}; allowed: {FROM}")
    if suite is None:
        raise UsageError("--suite NAME: say which suite the runs are of, such as `--suite api`")
    run_set = import_files(project, [Path(name) for name in inputs], suite, margin / 100)
    print(run_set.path)
    cases = run_set.manifest.suite.cases
    typer.echo(f"{run_set.name}: {len(cases)} benchmarks, {len(inputs)} runs of each", err=True)
    if len(inputs) < 2:
        typer.echo("note: a base needs two runs or more to be judged against: give the files of several", err=True)
    return ExitCode.PASS


COMMAND = Command(run=convert, order=45)
