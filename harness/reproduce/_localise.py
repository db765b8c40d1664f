"""Finds the step at which trainings by the same code part: two more of them, with a digest of every tensor after each step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from harness.reproduce._compare import Difference, compare
from harness.reproduce._evidence import Evidence
from harness.reproduce._rerun import Rerunner
from harness.runner.display import Display
from harness.suite import Case

MOST_STEPS = 200
"""Steps that are looked at; more would take longer than the training, and a loss tells of a change within few."""
WHOLE = ("cosine", "linear")
"""Schedules that depend on how many steps there are, so that a training cannot be cut short and stay the same."""

MOST_NAMED = 3
"""Steps named that changed nothing."""

Like = Literal["", "record", "re-run", "both"]


@dataclass(frozen=True)
class Localised:
    """Where two trainings by the same code and seed part, if they do."""

    steps: tuple[int, ...]
    """Steps after which every tensor was digested."""
    difference: Difference | None
    """The first between the two; None where there is none."""
    like: Like
    """Which of record and re-run the two agree with, where they agree with one another."""
    still: tuple[int, ...]
    """Of the steps, those that left every tensor as it was."""

    def __str__(self) -> str:
        still = "".join(f"; step {step} changes no tensor" for step in self.still[:MOST_NAMED])
        if self.difference is not None:
            return f"two trainings by the same code differ first {_place(self.difference)}{still}"
        return f"two more trainings by the same code agree with one another {AGREEMENT[self.like]}{still}"


AGREEMENT: dict[Like, str] = {
    "": "and with neither record nor re-run: something from outside, which nothing recorded tells of, decides their bits",
    "record": "and with the record: the re-run alone differs, so that what makes it differ is rare",
    "re-run": "and with the re-run: the record was changed, or comes from surroundings that it does not tell of",
    "both": "and, as far as they go, with record and re-run: what makes these differ is rare, or comes later",
}


def localise(rerunner: Rerunner, old: Evidence, new: Evidence, display: Display) -> Localised:
    """Train twice more, up to where record and re-run differ, and compare the two with one another.

    Args:
        rerunner: trains.
        old: the record.
        new: the re-run of the same code, data and surroundings, which differs from it.
        display: told of the two runs.
    """
    until = first_different_step(old, new)
    steps = steps_between(last_equal_step(old, new, until), until) if until else ()
    case = shortened(old.case, old, until) if until is not None else old.case
    case = case.model_copy(update={"digest_steps": steps or case.digest_steps})
    one, other = (rerunner.run(case, old.seed, display=display) for _ in range(2))
    difference = compare(one, other).first
    return Localised(steps, difference, "" if difference else _like(one, old, new), still_steps(one, steps))


def first_different_step(old: Evidence, new: Evidence) -> int | None:
    """Return the first step at which a tensor or a loss is seen to differ; 0 is before the first; None: none does."""
    marks = [step for step in sorted({*old.tensors} & {*new.tensors}) if not _same_weights(old, new, step)]
    count = min(len(old.losses), len(new.losses))
    losses = np.flatnonzero(old.losses[:count] != new.losses[:count])[:1] + 1
    return min([*marks[:1], *losses.tolist()], default=None)


def last_equal_step(old: Evidence, new: Evidence, before: int) -> int:
    """Return the last step before another after which all recorded tensors are equal; 0 where there is none."""
    shared = {*old.tensors} & {*new.tensors}
    return max((step for step in shared if step < before and _same_weights(old, new, step)), default=0)


def steps_between(equal: int, different: int) -> tuple[int, ...]:
    """Return the steps after one and up to another, the last ones where they are too many."""
    return tuple(range(max(equal, different - MOST_STEPS) + 1, different + 1))


def still_steps(training: Evidence, steps: tuple[int, ...]) -> tuple[int, ...]:
    """Return those of some steps after which every tensor is what it was after the step before; none where nothing learns."""
    marks = training.tensors
    still = [step for step in steps if step in marks and step - 1 in marks and marks[step] == marks[step - 1]]
    return tuple(still) if len(still) < len(steps) else ()


def shortened(case: Case, record: Evidence, until: int) -> Case:
    """Return the case, ended with the epoch that a step lies in, where its first steps stay the same by that."""
    recipe = case.recipe
    if recipe.schedule.name in WHOLE or not len(record.epochs):
        return case
    epoch = record.epochs[max(until, 1) - 1]
    steps = int(np.count_nonzero(record.epochs <= epoch))
    if steps == len(record.epochs):
        return case
    return case.model_copy(update={"recipe": recipe.model_copy(update={"epochs": None, "steps": steps})})


def _same_weights(one: Evidence, other: Evidence, step: int) -> bool:
    tensors = one.tensors[step], other.tensors[step]
    return all(tensors[0][name].sha256 == tensors[1][name].sha256 for name in {*tensors[0]} & {*tensors[1]})


def _like(training: Evidence, old: Evidence, new: Evidence) -> Like:
    record, rerun = _agrees(training, old), _agrees(training, new)
    if record and rerun:
        return "both"
    return "record" if record else "re-run" if rerun else ""


def _agrees(training: Evidence, whole: Evidence) -> bool:
    """Return whether a training, perhaps a shortened one, is what another begins with."""
    count = len(training.losses)
    if count == len(whole.losses):
        return compare(whole, training).outcome == "identical"
    shared = ({*training.tensors} & {*whole.tensors}) - {count}  # the last mark is of the selected weights
    return np.array_equal(training.losses, whole.losses[:count]) and all(
        _same_weights(training, whole, step) for step in shared
    )


def _place(difference: Difference) -> str:
    match difference.what:
        case "weights":
            return f"at step {difference.step}, tensor {difference.name}"
        case "initial weights":
            return f"before the first step, tensor {difference.name}"
        case what if difference.step is not None:
            return f"at step {difference.step}, {what}{f' {difference.name}' if difference.name else ''}"
        case what:
            return f"in {what}{f' {difference.name}' if difference.name else ''}"
