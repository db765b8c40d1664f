"""What a second training says about a first: the outcome of one check."""

from __future__ import annotations

from harness.audits import Check
from harness.reproduce import Comparison, Evidence, compare

HEAD = 10
"""Losses whose change is told: those that the tolerance is held to."""
ENDED = ("ok", "tainted")
"""Statuses of trainings that came to their end; who else was on the GPU changes no bit."""


def failed(evidence: Evidence, how: str = "") -> Check:
    """Return the check of a training that did not come to its end."""
    return Check(outcome="failed", how=how, why=f"{evidence.status}: {evidence.reason}")


def checked(old: Evidence, new: Evidence, how: str = "") -> Check:
    """Return what came of training again.

    Args:
        old: the first training.
        new: the other.
        how: what was other about it.
    """
    if new.status not in ENDED:
        return failed(new, how)
    comparison = compare(old, new)
    first = comparison.first
    if first is None:
        return Check(outcome="identical", how=how)
    return Check(
        outcome=comparison.outcome,
        how=how,
        why=str(first),
        step=first.step,
        tensor=first.name if first.what in ("initial weights", "weights") else "",
        change=_loss_change(comparison),
    )


def _loss_change(comparison: Comparison) -> float:
    """Return the largest relative difference of the first losses, 0 where they are equal."""
    changes = [each.by for each in comparison.differences if each.what == "loss" and each.by and (each.step or 0) <= HEAD]
    return max(changes, default=0.0)
