"""How often equal code is called worse, by relabelling what was measured."""

from __future__ import annotations

import itertools
import random

import pytest

from harness.calibration import false_alarms
from harness.calibration._relabel import sequence
from harness.paired._decide import decide

MARGINS = {"cpu": 0.015, "wall": 0.05}


def first_decided(values: list[float], margin: float, family: int) -> tuple[int, str]:
    """The rule of `harness ab` on one clock, restart by restart."""
    for count in range(1, len(values) + 1):
        found = decide(values[:count], margin, family, over=count == len(values))
        if found.verdict:
            return count, found.verdict
    raise AssertionError("the last restart decides")


@pytest.mark.parametrize("sd", [0.002, 0.02, 0.1])
def test_a_comparison_stops_where_the_rule_stops(sd: float) -> None:
    """Alone, a clock is judged after as many restarts as the rule needs; of two, the slower one decides how many."""
    draw = random.Random(3)
    cpu, wall = ([draw.gauss(0.0, sd) for _ in range(12)] for _ in range(2))
    counts = [first_decided(cpu, 0.015, 2), first_decided(wall, 0.05, 2)]

    assert (counts[0][0], {"cpu": counts[0][1]}) == sequence({"cpu": cpu}, MARGINS, 2)
    assert max(count for count, _ in counts) <= sequence({"cpu": cpu, "wall": wall}, MARGINS, 2)[0]


def test_the_rate_is_that_of_all_ways_to_name_the_arms() -> None:
    """Five restarts apart from 0 have 32 ways to be labelled; one of them is called worse, and so is one in 32 drawn."""
    changes = [0.30, 0.31, 0.30, 0.29, 0.30]
    ways = itertools.product((-1, 1), repeat=5)
    worse = [
        signs for signs in ways if first_decided([s * c for s, c in zip(signs, changes, strict=True)], 0.015, 1)[1] == "worse"
    ]

    assert worse == [(1, 1, 1, 1, 1)]
    found = false_alarms({"cpu": changes}, MARGINS, 1, relabellings=4000)["cpu"]
    assert found == pytest.approx(1 / 32, abs=0.008)  # three standard errors


def test_what_is_within_the_margin_is_never_worse() -> None:
    """Restarts that stay below the margin cannot be, whichever process is called the head."""
    assert {"cpu": 0.0, "wall": 0.0} == false_alarms({"cpu": [0.01, -0.014] * 6, "wall": [0.04, 0.01] * 6}, MARGINS, 2)


def test_drawing_again_gives_the_same() -> None:
    """The draws are seeded; another seed draws others."""
    changes = {"cpu": [0.30, 0.31, 0.30, 0.29, 0.30]}

    assert false_alarms(changes, MARGINS, 1) == false_alarms(changes, MARGINS, 1)
    assert len({false_alarms(changes, MARGINS, 1, seed=seed)["cpu"] for seed in range(8)}) > 1


@pytest.mark.slow
def test_the_rule_keeps_its_error_on_restarts_of_equal_code() -> None:
    """Over many calibrations of noise alone, the mean rate is at most the 1 % that the rule promises."""
    draw = random.Random(11)
    rates = [
        false_alarms({"cpu": [draw.gauss(0.0, 0.02) for _ in range(12)]}, MARGINS, 1, relabellings=200)["cpu"]
        for _ in range(40)
    ]

    assert sum(rates) / len(rates) <= 0.01
