"""Two records of one training held against each other: equal bit for bit, or where they part first, in what and by how much."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from harness.reproduce._evidence import Evidence, TensorDigest
from harness.results import differing
from harness.verdicts import LOSS_RTOL

HEAD = 10
"""Losses that a tolerance is held to; later ones rounding has moved apart (see `LOSS_RTOL`)."""
NORM_RTOL = 1e-4
"""Largest relative difference of an initial tensor's norm that another instruction set may cause."""
NORM_ROUNDING = 1e-9
"""Largest relative difference of the norms of equal tensors: another number of threads sums in another order."""
RATE_RTOL = 1e-12
LISTED = 20
"""Losses, and data samples, that are named one by one."""

Outcome = Literal["identical", "within tolerance", "different"]
What = Literal[
    "status",
    "data",
    "batch order",
    "initial weights",
    "learning rate",
    "steps",
    "loss",
    "update",
    "weights",
    "evaluation",
    "metric",
    "detail",
]


@dataclass(frozen=True)
class Difference:
    """One thing in which a re-run is not as the record says."""

    what: What
    step: int | None
    """None for what belongs to no step; 0 is before the first."""
    name: str
    """Tensor, metric, sample."""
    old: str
    new: str
    by: float | None = None
    """Size of the change relative to the old value, where there are numbers; of a tensor, at least."""

    def __str__(self) -> str:
        place = f" at step {self.step}" if self.step else ""
        name = f" {self.name}" if self.name else ""
        by = (
            f" (by {'at least ' if self.what in ('weights', 'initial weights') else ''}{self.by:.3g}, relative)"
            if self.by
            else ""
        )
        return f"{self.what}{name}{place}: {self.old} → {self.new}{by}"


@dataclass(frozen=True)
class Comparison:
    """What came of holding two records against each other."""

    outcome: Outcome
    differences: tuple[Difference, ...]
    """Causes before effects: the first is where they part."""

    @property
    def first(self) -> Difference | None:
        """The first difference, None where there is none."""
        return self.differences[0] if self.differences else None


def compare(old: Evidence, new: Evidence) -> Comparison:
    """Compare a record with a re-run.

    What the record does not hold is not compared; what it holds and the re-run does not is a difference.
    """
    found = tuple(_differences(old, new))
    if not found:
        return Comparison("identical", ())
    return Comparison("within tolerance" if _tolerable(old, new, found) else "different", found)


def environment_changes(old: Mapping[str, str], new: Mapping[str, str]) -> str:
    """Return the fields that decide the bits and differ, 'name old → new' each; '' where none does."""
    return differing(_numeric(old), _numeric(new))


def _numeric(environment: Mapping[str, str]) -> dict[str, str]:
    return {key.removeprefix("numeric."): value for key, value in environment.items() if key.startswith("numeric.")}


def _differences(old: Evidence, new: Evidence) -> Iterator[Difference]:
    if (old.status, old.reason) != (new.status, new.reason):
        yield Difference("status", None, "", _status(old), _status(new))
    yield from _data(old, new)
    yield from _metrics(old, new, only=("batch_order_digest",))
    yield from _tensors("initial weights", 0, old, new)
    yield from _learning_rates(old, new)
    yield from _steps(old, new)
    along = [*_losses(old, new), *_updates(old, new), *_weights(old, new)]
    yield from sorted(
        along, key=lambda difference: (difference.step or 0, ("loss", "update", "weights").index(difference.what))
    )
    yield from _evaluations(old, new)
    yield from _metrics(old, new, but=("batch_order_digest",))
    yield from _details(old, new)


def _status(evidence: Evidence) -> str:
    return f"{evidence.status} ({evidence.reason})" if evidence.reason else evidence.status


def _data(old: Evidence, new: Evidence) -> Iterator[Difference]:
    for split, before in sorted(old.data_samples.items()):
        after = new.data_samples.get(split)
        if after is None:
            yield Difference("data", None, f"{split} split", _counted(before), "none")
            continue
        if len(before) != len(after):
            yield Difference("data", None, f"{split} split", _counted(before), _counted(after))
        count = min(len(before), len(after))
        changed = np.flatnonzero(before[:count] != after[:count])
        for sample in changed[:LISTED].tolist():
            yield Difference("data", None, f"{split} sample {sample}", _hash(before[sample]), _hash(after[sample]))
        if len(changed) > LISTED:
            yield Difference("data", None, f"{split} split", f"{len(changed):,} of {count:,} samples", "others")


def _counted(samples: np.ndarray) -> str:
    return f"{len(samples):,} samples"


def _hash(value: np.uint64) -> str:
    return f"{int(value):016x}"


def _tensors(what: What, step: int, old: Evidence, new: Evidence) -> Iterator[Difference]:
    """Yield the tensors that differ after a step which both have noted."""
    before, after = old.tensors.get(step), new.tensors.get(step)
    if before is None or after is None:
        return
    for name, one in before.items():
        other = after.get(name)
        if other is None:
            yield Difference(what, step, name, _tensor(one), "absent")
        elif one.sha256 != other.sha256:
            yield Difference(what, step, name, _tensor(one), _tensor(other), _distance(one.norm, other.norm))
        elif one.norm is not None and not math.isclose(one.norm, other.norm or 0.0, rel_tol=NORM_ROUNDING):
            yield Difference(what, step, f"{name}, norm", repr(one.norm), repr(other.norm), _distance(one.norm, other.norm))
    for name in after.keys() - before.keys():
        yield Difference(what, step, name, "absent", _tensor(after[name]))


def _tensor(tensor: TensorDigest) -> str:
    return tensor.sha256[:12]


def _learning_rates(old: Evidence, new: Evidence) -> Iterator[Difference]:
    for step, before, after in _pairs(old.learning_rates, new.learning_rates):
        if not math.isnan(before):
            yield Difference("learning rate", step, "", repr(before), repr(after), _distance(before, after))
            return  # the others follow from the recipe as this one does


def _steps(old: Evidence, new: Evidence) -> Iterator[Difference]:
    before, after = len(old.losses), len(new.losses)
    if before == after:
        return
    count = min(before, after)
    parts = np.flatnonzero(_unequal(old.losses[:count], new.losses[:count]))
    at = int(parts[0]) + 1 if len(parts) else count + 1
    longer, shorter = (old.losses, new.losses) if before > after else (new.losses, old.losses)
    left_out = abs(before - after) == 1 and not _unequal(np.delete(longer, at - 1), shorter).any()
    name = f"{'missing' if before > after else 'added'}: step {at}" if left_out else ""
    yield Difference("steps", None, name, str(before), str(after))


def _losses(old: Evidence, new: Evidence) -> Iterator[Difference]:
    changed = _pairs(old.losses, new.losses)
    for step, before, after in changed[:LISTED]:
        yield Difference("loss", step, "", repr(before), repr(after), _distance(before, after))
    counted = np.flatnonzero(old.samples[: len(new.samples)] != new.samples[: len(old.samples)])
    for step in counted[:1].tolist():
        yield Difference("loss", step + 1, "samples", str(old.samples[step]), str(new.samples[step]))


def _updates(old: Evidence, new: Evidence) -> Iterator[Difference]:
    """Yield the steps after which one of the two has the very weights of the step before and the other has not."""
    for step in sorted({*old.tensors} & {*new.tensors}):
        if {step - 1} <= {*old.tensors} & {*new.tensors} and _stood_still(old, step) != _stood_still(new, step):
            words = {True: "no update", False: "update"}
            yield Difference("update", step, "", words[_stood_still(old, step)], words[_stood_still(new, step)])


def _stood_still(evidence: Evidence, step: int) -> bool:
    return bool(evidence.tensors[step]) and evidence.tensors[step] == evidence.tensors[step - 1]


def _weights(old: Evidence, new: Evidence) -> Iterator[Difference]:
    for step in sorted({*old.tensors} - {0}):
        yield from _tensors("weights", step, old, new)


def _evaluations(old: Evidence, new: Evidence) -> Iterator[Difference]:
    for (epoch, split, score), before in sorted(old.evaluations.items()):
        place = f"{score} on {split} after epoch {epoch}"
        if (epoch, split, score) not in new.evaluations:
            yield Difference("evaluation", None, place, repr(before), "absent")
        elif not _same(before, after := new.evaluations[epoch, split, score]):
            yield Difference("evaluation", None, place, repr(before), repr(after), _distance(before, after))


def _metrics(old: Evidence, new: Evidence, only: tuple[str, ...] = (), but: tuple[str, ...] = ()) -> Iterator[Difference]:
    for metric, before in sorted(old.values.items()):
        if metric in but or (only and metric not in only):
            continue
        what: What = "batch order" if metric == "batch_order_digest" else "metric"
        name = "" if what == "batch order" else metric
        if metric not in new.values:
            yield Difference(what, None, name, _shown(before), "absent")
        elif not _same(before, after := new.values[metric]):
            yield Difference(what, None, name, _shown(before), _shown(after), _distance(before, after))


def _details(old: Evidence, new: Evidence) -> Iterator[Difference]:
    for name, before in old.details.items():
        if name not in new.details:
            yield Difference("detail", None, name, _shown(before), "absent")
        elif not _same(before, after := new.details[name]):
            yield Difference("detail", None, name, _shown(before), _shown(after), _distance(before, after))


def _pairs(before: np.ndarray, after: np.ndarray) -> list[tuple[int, float, float]]:
    """Return (step, old, new) of each step that both have and that differs."""
    count = min(len(before), len(after))
    changed = np.flatnonzero(_unequal(before[:count], after[:count])).tolist()
    return [(index + 1, float(before[index]), float(after[index])) for index in changed]


def _unequal(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    unequal: np.ndarray = (before != after) & ~(np.isnan(before) & np.isnan(after))
    return unequal


def _same(before: float | str | None, after: float | str | None) -> bool:
    return before == after


def _distance(before: float | str | None, after: float | str | None) -> float | None:
    """Return how far two numbers are apart, relative to the first; None where that means nothing."""
    if not isinstance(before, float) or not isinstance(after, float) or not before:
        return None
    by = abs(after - before) / abs(before)
    return by if math.isfinite(by) else None


def _shown(value: float | str | None) -> str:
    if isinstance(value, str):
        return value if len(value) <= 12 else f"{value[:12]}…"
    return "null" if value is None else repr(value)


UNTOLERABLE = ("status", "data", "batch order", "steps", "update")
"""What rounding cannot change."""


def _tolerable(old: Evidence, new: Evidence, found: tuple[Difference, ...]) -> bool:
    """Return whether rounding can have made the differences: in other surroundings, which alone round otherwise; with the same
    data, order, rates and steps, alike initial weights, and first losses within LOSS_RTOL. Scores and later losses may differ
    by more."""
    if not environment_changes(old.environment, new.environment) or not all(_rounded(old, difference) for difference in found):
        return False
    count = min(HEAD, len(old.losses), len(new.losses))
    before, after = old.losses[:count], new.losses[:count]
    return bool(np.all((np.abs(after - before) <= LOSS_RTOL * np.abs(before)) | (np.isnan(before) & np.isnan(after))))


def _rounded(old: Evidence, difference: Difference) -> bool:
    """Return whether a difference is of a kind and size that rounding can have made."""
    match difference.what:
        case "initial weights":
            return difference.by is not None and difference.by <= NORM_RTOL
        case "learning rate":
            return difference.by is not None and difference.by <= RATE_RTOL
        case "metric":
            return old.classes[difference.name] != "exact" or old.scopes[difference.name] != "any"
        case what:
            return what not in UNTOLERABLE
