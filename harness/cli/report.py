"""Write the report of a run set, or of several side by side, as HTML and Markdown."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli._base import Catalogues, Command
from harness.errors import ExitCode

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.project import Project
    from harness.render import Written
    from harness.report import ReportData

Targets = Annotated[
    list[str],
    typer.Argument(
        metavar="SUITE|RUN_SET...",
        help="A suite, for its last run set; or <suite>/<run set>, or a run set's path. Several are put side by side; then a "
        "folder of baselines may be one of them.",
    ),
]
Open = Annotated[bool, typer.Option("--open", help="Open the page in the browser.")]
Output = Annotated[
    Path | None,
    typer.Option("--output", metavar="DIR", help="Folder to write to instead of the run set's (of several: the last one's)."),
]
BESIDE = (
    "train_throughput",
    "step_time_median",
    "train_time",
    "infer_latency_median",
    "host_peak_memory",
    "cuda_peak_allocated",
    "gpu_utilization",
    "parameters",
    "train_flops_per_sample",
    "final_weights_digest",
)
"""Metrics that stand side by side beside every score."""


def report(targets: Targets, open_page: Open = False, output: Output = None, catalogue: Catalogues = None) -> ExitCode:
    """Write report.html and report.md from a run set's tables; of several, side-by-side.html and side-by-side.md.

    Examples: harness report articles · harness report articles/20260102T030405Z --output public
    · harness report results/baselines/smoke before smoke --open
    """
    from harness.project import find_project
    from harness.render import write_report
    from harness.results import find_run_set

    project = find_project(catalogues=catalogue or ())
    names = [Path(target).stem if target.endswith(".toml") else target for target in targets]
    if len(names) == 1:
        written = write_report(find_run_set(project.results, names[0]), project.catalog(), output)
    else:
        written = _side_by_side(project, names, output)
    if open_page:
        import webbrowser

        webbrowser.open(written.html.resolve().as_uri())
    print(written.html)
    print(written.markdown)
    return ExitCode.PASS


def _side_by_side(project: Project, names: Sequence[str], output: Path | None) -> Written:
    from harness.cli._several import metrics_of, set_rows
    from harness.gate import find_holder
    from harness.render import compose_side_by_side, write_side_by_side
    from harness.results import find_run_set
    from harness.verdicts import beside

    catalog = project.catalog()
    holders = [find_holder(project, name) for name in names]
    datas = [_tables(project, name) if holder.is_run_set else None for name, holder in zip(names, holders, strict=True)]
    lines = beside(holders, metrics_of(holders, (), catalog, scores=True, others=BESIDE))
    document = compose_side_by_side(holders, lines, datas, list(set_rows(holders)), catalog)
    folders = [find_run_set(project.results, name).path for name, data in zip(names, datas, strict=True) if data is not None]
    return write_side_by_side(document, output or (folders[-1] if folders else project.results))


def _tables(project: Project, name: str) -> ReportData:
    from harness.report import ReportData
    from harness.results import find_run_set

    return ReportData.read(find_run_set(project.results, name), project.catalog())


COMMAND = Command(run=report, order=40)
