"""Kernels that no arm can change: what they say against a verdict on the arms' time, and what they do not."""

from __future__ import annotations

import math

import pytest

from harness.paired._ab import explained
from harness.paired._blocks import Block, Restart


def restarts(changes: list[float]) -> list[Restart]:
    """Return restarts of one pair each, whose kernels take so much longer on the head."""
    return [
        Restart(number, 0, (_block("base", 1.0), _block("head", math.exp(change)))) for number, change in enumerate(changes, 1)
    ]


def _block(arm: str, kernels: float) -> Block:
    return Block(1, arm, 0, 8, 1.0, 1.0, math.nan, 0, 0, kernels)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("estimate", "kernels", "is_explained"),
    [
        (0.03, 0.025, True),  # the kernels are slower on the head by nearly as much
        (0.06, 0.025, False),  # what is left of the change is beyond the margin
        (0.03, -0.025, False),  # the kernels are quicker on the head: the change is all the more the code's
        (-0.03, -0.025, True),
        (-0.03, 0.025, False),
        (0.03, 0.005, False),  # too small a change of the kernels to tell of anything
    ],
)
def test_kernels_void_only_what_they_explain(estimate: float, kernels: float, is_explained: bool) -> None:
    """A change is in doubt where the kernels moved with it, and what they leave of it is within the margin."""
    same_sign = restarts([kernels * factor for factor in (0.8, 0.9, 1.0, 1.0, 1.1, 1.2, 1.0, 0.95, 1.05)])
    assert bool(explained(estimate, 0.015, same_sign)) is is_explained


def test_kernels_that_move_by_chance_explain_nothing() -> None:
    """Large changes of both signs are noise, and a restart without kernels (on a GPU) has no say."""
    assert not explained(0.03, 0.015, restarts([0.04, -0.03, 0.02, -0.05, 0.03, -0.02, 0.05, -0.04, 0.06]))
    assert not explained(0.03, 0.015, restarts([math.nan] * 9))
