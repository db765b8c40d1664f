"""Profile a stored run: where the time of a training step goes."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from harness.cli._base import Catalogues, Command
from harness.errors import ExitCode

Run = Annotated[
    str,
    typer.Argument(metavar="RUN", help="A run's id, or the head of it; with CASE, a suite (its last run set) or a run set."),
]
OneCase = Annotated[str | None, typer.Argument(metavar="[CASE]", help="A case of the suite: its first run that went well.")]
Steps = Annotated[int, typer.Option("--steps", metavar="N", min=1, help="Steps to profile, after a warm-up.")]
Stacks = Annotated[bool, typer.Option("--stacks", help="Keep the lines of Python that call each operation; a larger trace.")]
Top = Annotated[int, typer.Option("--top", metavar="N", min=1, help="Operations to show.")]


def profile(
    run: Run, case: OneCase = None, steps: Steps = 5, stacks: Stacks = False, top: Top = 15, catalogue: Catalogues = None
) -> ExitCode:
    """Train a stored run's case and seed again for a few steps under torch's profiler.

    Shows the operations that take the most time themselves, and keeps the Chrome trace in the run set's folder `traces`.
    Nothing else of the run set changes.

    Examples: harness profile smoke lenet · harness profile lenet-s1-20260102T030405 --steps 20 --stacks
    """
    from harness.cli._table import print_table
    from harness.project import find_project
    from harness.runner.find import find_run
    from harness.runner.jobs import Profiling
    from harness.runner.profile import profile as profile_run

    project = find_project(catalogues=catalogue or ())
    found = find_run(project, run, case)
    profiled = profile_run(project, found, Profiling(steps, stacks))
    device = any(row["self_device_seconds"] for row in profiled.operations)
    columns, rows = _table(profiled.operations, "device" if device else "cpu", steps)
    print_table(columns, rows[:top], right=columns[:-1])
    if len(rows) > top:
        typer.echo(f"{len(rows) - top} more operations; --top {len(rows)} shows all", err=True)
    typer.echo(f"{found.run_id}, {steps} steps; open the trace in https://ui.perfetto.dev or chrome://tracing:", err=True)
    print(profiled.trace)
    return ExitCode.PASS


def _table(operations: list[dict[str, Any]], place: str, steps: int) -> tuple[tuple[str, ...], list[tuple[object, ...]]]:
    """Return columns and rows: shares are of all operations' own time on the device, or on the CPU without one."""
    from harness.units import show

    key = f"self_{place}_seconds"
    whole = sum(row[key] for row in operations)
    rows: list[tuple[object, ...]] = [
        (
            show(row[key] / whole * 100 if whole else 0.0, "%"),
            show(row[key] / steps, "s"),
            show(row["self_cpu_seconds"] / steps, "s"),
            show(row["cpu_seconds"] / steps, "s"),
            f"{row['calls'] / steps:g}",
            show(row[f"self_{place}_bytes"] / steps, "By"),
            row["operation"],
        )
        for row in operations
    ]
    own = "self GPU/step" if place == "device" else "self time/step"
    columns = ("share", own, "self CPU/step", "CPU/step", "calls/step", "memory/step", "operation")
    if place == "cpu":  # the two columns are one
        return (*columns[:2], *columns[3:]), [(*row[:2], *row[3:]) for row in rows]
    return columns, rows


COMMAND = Command(run=profile, order=35)
