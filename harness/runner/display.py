"""What people see while a suite runs: a live display on a terminal, one plain line a run elsewhere. All on stderr."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Any, Protocol

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from harness.runner.jobs import Outcome
from harness.runner.plan import PlannedRun
from harness.units import show

COLOURS = {
    "ok": "green",
    "diverged": "red",
    "failed": "red",
    "oom": "red",
    "killed": "red",
    "timeout": "red",
    "tainted": "yellow",
}

MOST_OF_A_REASON = 1000
"""Characters shown of why a run failed; the table holds all."""


class Display(Protocol):
    """Told of every run as it starts, advances and ends."""

    def __enter__(self) -> Display:
        """Begin."""

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """End."""

    def note(self, text: str) -> None:
        """Say one line."""

    def started(self, run: PlannedRun) -> None:
        """Tell that a run has started."""

    def advanced(self, progress: dict[str, Any]) -> None:
        """Tell how far the run has come."""

    def ended(self, run: PlannedRun, outcome: Outcome, numbers: Sequence[str], seconds: float) -> None:
        """Tell that a run has ended."""


def result_line(run: PlannedRun, outcome: Outcome, numbers: Sequence[str], seconds: float) -> str:
    """Return a run's result in one line: 'lenet, seed 1: ok, accuracy 0.9500, 9.1 ksamples/s, 3.2 s'."""
    reason = [" ".join(outcome.reason.split())[:MOST_OF_A_REASON]] if outcome.reason else []
    return f"{run.title}: " + ", ".join([outcome.status, *reason, *numbers, show(seconds, "s")])


class PlainDisplay(AbstractContextManager["PlainDisplay"]):
    """One line a run, for logs and pipes."""

    def __init__(self, runs: int) -> None:
        self._runs, self._done = runs, 0

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Nothing to clean up."""

    def note(self, text: str) -> None:
        """Say one line."""
        print(text, file=sys.stderr, flush=True)

    def started(self, run: PlannedRun) -> None:
        """Say nothing: the line comes when the run ends."""

    def advanced(self, progress: dict[str, Any]) -> None:
        """Say nothing."""

    def ended(self, run: PlannedRun, outcome: Outcome, numbers: Sequence[str], seconds: float) -> None:
        """Say the result."""
        self._done += 1
        self.note(f"[{self._done}/{self._runs}] {result_line(run, outcome, numbers, seconds)}")


class LiveDisplay(AbstractContextManager["LiveDisplay"]):
    """Two bars on a terminal: runs done with the time left, and the run in flight with its loss and throughput."""

    def __init__(self, runs: int) -> None:
        self._console = Console(stderr=True)
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[info]}"),
            TimeElapsedColumn(),
            console=self._console,
            transient=True,
        )
        self._runs, self._done, self._begun = runs, 0, time.monotonic()
        self._all = self._progress.add_task("runs", total=runs, info=f"0/{runs}")
        self._one = self._progress.add_task("", total=1, info="", visible=False)

    def __enter__(self) -> LiveDisplay:
        """Begin drawing."""
        self._progress.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Stop drawing."""
        self._progress.stop()

    def note(self, text: str) -> None:
        """Print one line above the bars."""
        self._console.print(text, highlight=False, markup=False)

    def started(self, run: PlannedRun) -> None:
        """Show the run in flight."""
        self._progress.reset(self._one, description=run.title, total=1, info="starting", visible=True)

    def advanced(self, progress: dict[str, Any]) -> None:
        """Show steps, and of a training loss and throughput, of the run in flight."""
        info = f"step {progress['step']}/{progress['steps']}"
        if "loss" in progress:
            rate = progress["samples"] / progress["seconds"] if progress["seconds"] else None
            info += f"  loss {progress['loss']:.4f}  {show(rate, '{sample}/s')}"
        self._progress.update(self._one, completed=progress["step"], total=progress["steps"], info=info)

    def ended(self, run: PlannedRun, outcome: Outcome, numbers: Sequence[str], seconds: float) -> None:
        """Print the result and show the time left, by the mean of the runs so far."""
        self._done += 1
        line = result_line(run, outcome, numbers, seconds)
        self._console.print(line, style=COLOURS.get(outcome.status, ""), highlight=False, markup=False)
        left = (time.monotonic() - self._begun) / self._done * (self._runs - self._done)
        self._progress.update(self._all, completed=self._done, info=f"{self._done}/{self._runs}  about {left:.0f} s left")


def make_display(runs: int, quiet: bool = False) -> Display:
    """Return the display that fits stderr: live on a terminal, plain elsewhere."""
    return LiveDisplay(runs) if sys.stderr.isatty() and not quiet else PlainDisplay(runs)
