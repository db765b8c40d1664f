"""What an experiment part is."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from harness.errors import MeasuringError
from harness.observations import Direction, MetricClass

if TYPE_CHECKING:
    import torch

    from harness.project import Project

Outcomes = dict[str, float | None]
"""What one run of an experiment gives, by name; None for what could not be measured."""


LONGEST = 60
"""Characters of a wrong value that a message shows."""


@dataclass(frozen=True)
class Experiment:
    """One experiment: a function of a seed that gives numbers.

    `run(setting, *, option=default)` returns a number for each of `outcomes`, no more and no fewer; its keyword-only arguments
    are the options a suite may set. All fields but the function are literals, so that listings and suites need no import.
    """

    run: Callable[..., Mapping[str, float | None]]
    title: str
    outcomes: dict[str, str]
    """Name in snake_case -> UCUM unit: `1`, `s`, `By`, `%`."""
    metric_class: MetricClass = "quality"
    """exact: the same for every seed and on every machine; quality: depends on the seed; machine: times and memory."""
    directions: dict[str, Direction] = field(default_factory=dict)
    """Outcome -> which way is better, of those that have a better and a worse."""
    source: str = ""
    """Paper or specification of what is measured."""

    def perform(
        self,
        options: Mapping[str, Any],
        *,
        seed: int,
        device: torch.device | str = "cpu",
        project: Project | None = None,
        report: Callable[[int, int], None] = lambda done, total: None,
    ) -> Outcomes:
        """Run once, with torch's global stream at the head of the seed's `init`, and return what came of it, checked.

        Args:
            options: the experiment's.
            seed, device, project, report: as of `Setting`.

        Raises:
            MeasuringError: an outcome is lacking, undeclared, or no finite number; or there is no table of them.
        """
        from harness.experiments._setting import Setting

        setting = Setting(seed, device=device, project=project, report=report)
        setting.seed_globals()
        return self.checked(self.run(setting, **options))

    def checked(self, found: object) -> Outcomes:
        """Return the outcomes as plain numbers, in the order in which they are declared.

        Raises:
            MeasuringError: as `perform` says; every problem is named.
        """
        if not isinstance(found, Mapping):
            names = ", ".join(map(repr, self.outcomes))
            raise MeasuringError(f"the experiment returned {_shown(found)}; allowed: a table of its outcomes' numbers: {names}")
        problems = [f"{name!r} is declared and was not returned" for name in self.outcomes if name not in found]
        problems += [f"{name!r} was returned and is not declared" for name in found if name not in self.outcomes]
        numbers: Outcomes = {}
        for name in self.outcomes:
            try:
                numbers[name] = _number(found.get(name))
            except ValueError as error:
                problems.append(f"{name!r} was {error}")
        if problems:
            raise MeasuringError(f"outcomes of the experiment: {'; '.join(problems)}")
        return numbers


def _number(value: Any) -> float | None:
    """Return an outcome as a plain number; None as it is.

    Raises:
        ValueError: it is no number, or none that is finite; says what was found and what is allowed.
    """
    if value is None:
        return None
    try:
        number = math.nan if isinstance(value, str | bytes) else float(value)
    except (TypeError, ValueError, RuntimeError, OverflowError):  # a list; an array or a tensor of several; an int too long
        number = math.nan
    if math.isfinite(number):
        return number
    raise ValueError(f"{_shown(value)}; allowed: a finite number, or None for what cannot be measured")


def _shown(value: object) -> str:
    """Return a value for a message, with its type where it is no number."""
    if value is None or isinstance(value, int | float):
        return repr(value)
    text = repr(value)
    return f"{text if len(text) <= LONGEST else text[:LONGEST] + '…'} ({type(value).__name__})"
