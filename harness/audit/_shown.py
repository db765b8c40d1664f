"""What people see of an audit: a training is told by the check that it is for, and ends with what the check found."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from harness.runner.display import Display
from harness.runner.jobs import Outcome
from harness.runner.plan import PlannedRun
from harness.suite import Case


@dataclass(frozen=True)
class _Trial(PlannedRun):
    """A training, known by what it is for."""

    what: str = ""

    @property
    def title(self) -> str:
        """How people are told of it."""
        return f"{self.case.name}, {self.what}"


class Shown(AbstractContextManager["Shown"]):
    """Shows the trainings of one check as one line of another display."""

    def __init__(self, display: Display, case: Case, what: str) -> None:
        self._display, self._trial = display, _Trial(case, case.seeds[0], 1, what=what)
        self._outcome, self._seconds = Outcome("skipped"), 0.0

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Nothing to clean up."""

    def note(self, text: str) -> None:
        """Say one line."""
        self._display.note(text)

    def started(self, run: PlannedRun) -> None:
        """Tell that a training has started."""
        self._display.started(self._trial)

    def advanced(self, progress: dict[str, Any]) -> None:
        """Tell how far the training has come."""
        self._display.advanced(progress)

    def ended(self, run: PlannedRun, outcome: Outcome, numbers: Sequence[str], seconds: float) -> None:
        """Remember how the training ended: the line comes when it was compared."""
        self._outcome, self._seconds = outcome, self._seconds + seconds

    def tell(self, found: str) -> None:
        """Say what the check found; of a training that failed, why is said instead."""
        numbers = [] if self._outcome.status not in ("ok", "skipped") else [found]
        self._display.ended(self._trial, self._outcome, numbers, self._seconds)
