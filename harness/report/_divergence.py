"""Where a training parts from one that should be the same: a repeat of its seed, or the last earlier run set's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np

from harness.errors import ResultsError
from harness.observations import Array
from harness.report._data import ReportData
from harness.suite import Case

if TYPE_CHECKING:
    from harness.results import RunSet

LOOKED_AT = 3
"""Earlier run sets that are searched for the same training."""


@dataclass(frozen=True)
class Parting:
    """How far the losses of a case's trainings are those of the trainings that they are held against."""

    against: str
    """What they are held against: 'smoke/20260102T030405Z' or 'the first repeat'."""
    compared: int
    """Trainings that have something to be held against."""
    step: int | None
    """The first step of all at which a loss is another; None where none is."""
    seed: int | None

    def __str__(self) -> str:
        """Return it in words."""
        if self.step is None:
            return f"Every loss is that of {self.against}."
        return f"Parts from {self.against} at step {self.step} (seed {self.seed})."


class Divergences:
    """The first divergence of each case; earlier run sets are read once, and only when they are asked for."""

    def __init__(self, data: ReportData) -> None:
        self._data = data

    def of(self, case: Case) -> Parting | None:
        """Return where a case's trainings part from what they repeat; None where they repeat nothing."""
        return self._of_repeats(case) or self._of_earlier(case)

    def _of_repeats(self, case: Case) -> Parting | None:
        pairs = []
        for seed in case.seeds:
            curves = [_curve(self._data, run) for run in self._data.runs_of(case.name, seed) if run["arm"] == "solo"]
            found = [curve for curve in curves if curve is not None]
            pairs += [(seed, found[0], other) for other in found[1:]]
        return _parting("the first repeat", pairs)

    def _of_earlier(self, case: Case) -> Parting | None:
        for held in self._earlier:
            pairs = []
            for run in self._data.runs_of(case.name):
                curve, other = _curve(self._data, run), held.curve(run)
                if curve is not None and other is not None:
                    pairs.append((int(run["seed"]), curve, other))
            if pairs:
                return _parting(held.name, pairs)
        return None

    @cached_property
    def _earlier(self) -> list[_Held]:
        return list(islice(_readable(reversed(self._data.earlier)), LOOKED_AT))


class _Held:
    """The trainings of an earlier run set."""

    def __init__(self, run_set: RunSet) -> None:
        self.name = run_set.name
        self._run_set = run_set
        runs = run_set.table("runs", ["run_id", "case", "case_digest", "seed", "repeat", "arm", "pass", "status"])
        runs = runs[(runs["pass"] == "train") & (runs["arm"] != "base") & runs["status"].isin(("ok", "diverged"))]
        self._runs: Mapping[tuple[Any, ...], str] = {
            tuple(row[name] for name in ("case", "case_digest", "seed", "repeat")): row["run_id"]
            for row in runs.to_dict("records")
        }

    def curve(self, run: Mapping[str, Any]) -> tuple[Array, Array] | None:
        """Return steps and losses of the same training; None where it is not held."""
        run_id = self._runs.get(tuple(run[name] for name in ("case", "case_digest", "seed", "repeat")))
        return None if run_id is None else self._curves.get(run_id)

    @cached_property
    def _curves(self) -> dict[str, tuple[Array, Array]]:
        steps = self._run_set.table("steps", ["run_id", "step", "loss"])
        return {
            str(run_id): (rows["step"].to_numpy(), rows["loss"].to_numpy())
            for run_id, rows in steps.groupby("run_id", sort=False)
        }


def _readable(run_sets: Iterator[RunSet]) -> Iterator[_Held]:
    """Yield what can be read: a report outlives a damaged neighbour."""
    for run_set in run_sets:
        try:
            yield _Held(run_set)
        except ResultsError:
            continue


def _curve(data: ReportData, run: Mapping[str, Any]) -> tuple[Array, Array] | None:
    rows = data.steps_of(run["run_id"])
    return None if rows is None else (rows["step"].to_numpy(), rows["loss"].to_numpy())


Curve = tuple[Array, Array]


def _parting(against: str, pairs: list[tuple[int, Curve, Curve]]) -> Parting | None:
    if not pairs:
        return None
    parted = [(step, seed) for seed, one, other in pairs if (step := first_difference(one, other)) is not None]
    step, seed = min(parted, default=(None, None))
    return Parting(against, len(pairs), step, seed)


def first_difference(one: Curve, other: Curve) -> int | None:
    """Return the first step whose loss is another, bit for bit; where one ends before the other, the step after its end.

    Example:
        >>> first_difference((np.array([1, 2]), np.array([0.5, 0.4])), (np.array([1, 2]), np.array([0.5, 0.3])))
        2
    """
    length = min(len(one[1]), len(other[1]))
    differ = np.flatnonzero(
        (one[0][:length] != other[0][:length])
        | ((one[1][:length] != other[1][:length]) & ~(np.isnan(one[1][:length]) & np.isnan(other[1][:length])))
    )
    if len(differ):
        return int(one[0][differ[0]])
    if len(one[1]) == len(other[1]):
        return None
    longer = one if len(one[1]) > length else other
    return int(longer[0][length])
