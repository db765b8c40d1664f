"""Which runs a suite means, and the key that says whether two runs are of the same thing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from harness.digests import digest_of
from harness.observations import MAIN_PASSES, Pass
from harness.suite import PASSES, Case, Suite


@dataclass(frozen=True)
class PlannedRun:
    """One pass over one case with one seed, to be run in a process of its own."""

    case: Case
    seed: int
    repeat: int
    measures: Pass = "train"

    @property
    def title(self) -> str:
        """How people are told of it."""
        repeat = f", repeat {self.repeat}" if self.case.repeats > 1 else ""
        measures = f", {self.measures} pass" if self.measures not in MAIN_PASSES else ""
        return f"{self.case.name}, seed {self.seed}{repeat}{measures}"


def planned_runs(suite: Suite) -> list[PlannedRun]:
    """Return the suite's runs: all trainings and experiments, first seeds first, so that machine drift does not fall on one
    case alone; then pass after pass, because processes of one pass share an environment."""
    places: dict[Pass, int] = {measures: place for place, measures in enumerate(PASSES, 1)}

    def runs() -> Iterator[tuple[tuple[int, int, int, int], PlannedRun]]:
        for number, case in enumerate(suite.cases):
            for measures, seed, repeat in case.runs():
                place = places.get(measures, 0), repeat, case.seeds.index(seed), number
                yield place, PlannedRun(case, seed, repeat, measures)

    return [run for _, run in sorted(runs(), key=lambda entry: entry[0])]


def run_key(case: Case, code: str, data_identity: str, numeric_fingerprint: str) -> str:
    """Return the key of a case as it would be run now: its specification, code, data and numeric fingerprint.

    Analyses are no part of the specification, since they change nothing that is compared; a run without one that is now asked
    for is another run all the same.
    """
    parts = [case.specification, code, data_identity, numeric_fingerprint]
    return digest_of([*parts, sorted(case.analyses)] if case.analyses else parts)
