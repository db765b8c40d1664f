"""Trains a recorded run again and says whether it gave the same, and if it did not, from where on and why."""

from __future__ import annotations

from dataclasses import dataclass, replace

from harness.errors import ComparisonError, MeasuringError, UsageError
from harness.project import Project
from harness.reproduce._compare import Comparison, compare, environment_changes
from harness.reproduce._evidence import Evidence
from harness.reproduce._localise import Localised, localise
from harness.reproduce._rerun import Rerunner
from harness.runner.display import make_display

TRAINED = ("ok", "tainted", "diverged")
"""Statuses of trainings that ended by themselves: what they left is theirs."""


@dataclass(frozen=True)
class Reproduction:
    """A recorded run, and what came of training it again."""

    old: Evidence
    new: Evidence
    comparison: Comparison
    environment: str
    """Fields in which what decides the bits differs; '' where it is as recorded."""
    localised: Localised | None
    """Where two more trainings part, if the run was of the same code, data and surroundings and yet differs."""

    @property
    def code_changed(self) -> bool | None:
        """Whether the code that the run executes is another now; None where the record does not tell."""
        if self.old.code_digest:
            return self.old.code_digest != self.new.code_digest
        return False if self.same_key else None

    @property
    def same_key(self) -> bool:
        """Whether code, data, recipe and surroundings are as recorded."""
        return bool(self.old.run_key) and self.old.run_key == self.new.run_key


def reproduce(project: Project, old: Evidence, version: int = 1, tolerant: bool = False) -> Reproduction:
    """Train a recorded run's case with its seed again, in a run set that is thrown away, and compare.

    Args:
        project: where data and the user's parts are.
        old: the record.
        version: of the suite.
        tolerant: train even where other bits are to be expected.

    Raises:
        UsageError: there is nothing that could be trained again, because a script made the run or it did not end by itself.
        ComparisonError: the surroundings cannot give the same bits; names the fields.
        MeasuringError: the re-run failed.
    """
    check_repeatable(old)
    with Rerunner(project, old.suite, version, [old.case]) as rerunner:
        changed = environment_changes(old.environment, rerunner.surroundings(old.case))
        if changed and not tolerant:
            raise ComparisonError(
                f"{old.run_id}: what decides the bits is not as recorded: {changed}; "
                "make it so, or accept numbers within a tolerance with --tolerant"
            )
        with make_display(1) as display:
            new = rerunner.run(old.case, old.seed, display=display)
        if new.status not in TRAINED:
            said = rerunner.log(new.run_id)
            raise MeasuringError("\n".join([f"{old.run_id}: the re-run ended as {new.status}: {new.reason}", *said]))
        comparison = compare(old, new)
        made = Reproduction(old, new, comparison, changed, None)
        if comparison.outcome == "identical" or not made.same_key:
            return made
        return replace(made, localised=_localised(rerunner, old, new))


def _localised(rerunner: Rerunner, old: Evidence, new: Evidence) -> Localised | None:
    """Return where trainings part; None if the user has no time for that: what was compared is theirs all the same."""
    with make_display(2) as display:
        display.note("code, data and surroundings are as recorded: two more trainings tell where they part (Ctrl-C: stop)")
        try:
            return localise(rerunner, old, new, display)
        except KeyboardInterrupt:
            display.note("interrupted: not localised")
            return None


def check_repeatable(old: Evidence) -> None:
    """Refuse a record of which there is nothing to train again.

    Raises:
        UsageError: a script made it, it did not end by itself, or no number of it is one that repeats.
    """
    if old.case.task.name == "script":
        raise UsageError(
            f"{old.run_id}: a script trained it, which alone can do so again: run it again and use `harness compare`"
        )
    if old.case.experiment is not None and old.status == "ok" and not old.values:
        raise UsageError(f"{old.run_id}: an experiment that gives times and memory alone, which no two runs have in common")
    if old.status not in TRAINED:
        why = f"{old.status}{f': {old.reason}' if old.reason else ''}"
        raise UsageError(f"{old.run_id}: it ended as {why}; only a training that came to its end can be reproduced")
