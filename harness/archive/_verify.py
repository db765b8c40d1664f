"""Verifies an archive: trains its run again and compares, and looks for what the archive leaves out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from harness.archive._read import Archive
from harness.errors import CatalogError
from harness.project import Project
from harness.reproduce import Comparison, Difference, Evidence, Reproduction, compare, evidence_of, reproduce

CAUSES = ("initial weights", "weights")
"""What differs wherever rounding does: a loss or a score that differs while every weight is the same was edited."""


def verify(project: Project, archive: Archive, tolerant: bool = False) -> Reproduction:
    """Train an archive's run again by this project's code, in a run set that is thrown away, and compare.

    A number that the training gives and the archive does not hold is a difference too: what is left out cannot be checked.

    Args:
        project: a checkout of the project that the run is of, with its models and data.
        archive: what was read.
        tolerant: train even where other bits are to be expected.

    Raises:
        CatalogError: the project has no such model, data set or task.
        ComparisonError: the surroundings cannot give the same bits; names the fields.
        MeasuringError: the re-run failed.
    """
    old = evidence_of(archive.table, archive.case, archive.record.run_id, archive.suite.name)
    try:
        made = reproduce(project, old, archive.suite.version, tolerant)
    except CatalogError as error:
        raise CatalogError(
            f"{error}\n{archive.path} is of another state of the project, or of another project: {archive.record.checkout}"
        ) from error
    found = made.comparison.differences
    withheld = tuple(_withheld(old, made.new, found))
    if withheld or (found and not any(difference.what in CAUSES for difference in found)):
        return replace(made, comparison=Comparison("different", (*found, *withheld)))
    return made


def _withheld(old: Evidence, new: Evidence, found: tuple[Difference, ...]) -> Iterator[Difference]:
    """Yield what a training gives and the record does not hold, or holds as something that is compared otherwise."""
    known = set(map(_place, found))
    for difference in compare(new, old).differences:
        if _place(difference) not in known:
            yield replace(difference, old=difference.new, new=difference.old, by=None)
    for step in sorted({*old.tensors} ^ {*new.tensors}):
        yield Difference("weights", step, "all tensors", _counted(old, step), _counted(new, step))
    for metric in sorted({*old.values} & {*new.values}):
        before, after = (f"{each.classes[metric]}, scope {each.scopes[metric]}" for each in (old, new))
        if before != after:
            yield Difference("metric", None, f"{metric}, its class", before, after)


def _place(difference: Difference) -> tuple[str, int | None, str]:
    """Return what a difference is known by from either side; a step that one side misses, the other has added."""
    return difference.what, difference.step, "" if difference.what == "steps" else difference.name


def _counted(evidence: Evidence, step: int) -> str:
    return f"{len(evidence.tensors[step])} digests" if step in evidence.tensors else "absent"
