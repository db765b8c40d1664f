"""Quality against cost: who stands together, and what nothing beats."""

from __future__ import annotations

import itertools
import random
from pathlib import Path
from xml.etree import ElementTree

import pytest

from harness.report import Heading
from harness.report._base import Figure
from harness.report.tradeoffs import Place, front
from tests.report.support import Trained, column, figures, make_case, make_suite, read, section, stored, values


def build(tmp_path: Path, *cases: tuple[str, str, float, float, float]) -> list[Figure]:
    """Return the figures of cases: name, data, accuracy, samples a second, MiB of tensors."""
    made = [make_case(name, data=data, seeds=[1]) for name, data, *_ in cases]
    runs = [
        Trained(case, 1, values(score, train_throughput=speed, tensor_peak_memory=memory * 2.0**20))
        for case, (_, _, score, speed, memory) in zip(made, cases, strict=True)
    ]
    return figures(section("tradeoffs").build(read(stored(tmp_path, make_suite(*made), runs))))


THREE = (
    ("good", "mnist", 0.99, 100.0, 64.0),
    ("fast", "mnist", 0.95, 900.0, 16.0),
    ("poor", "mnist", 0.94, 100.0, 32.0),
)


@pytest.mark.parametrize(("cost_up", "score_up"), list(itertools.product((True, False), repeat=2)))
def test_front_is_what_nothing_dominates(cost_up: bool, score_up: bool) -> None:
    """Against the definition, pair by pair, on points with many ties."""
    stream = random.Random(7)
    places = [Place(f"{index}", stream.randint(1, 6), stream.randint(1, 6)) for index in range(40)]

    def beats(one: Place, other: Place) -> bool:
        costs = (one.cost - other.cost) * (1 if cost_up else -1)
        scores = (one.score - other.score) * (1 if score_up else -1)
        return costs >= 0 and scores >= 0 and (costs > 0 or scores > 0)

    expected = {place.case for place in places if not any(beats(other, place) for other in places)}
    assert {place.case for place in front(places, cost_up, score_up)} == expected


def test_both_costs_are_drawn_and_the_front_is_named(tmp_path: Path) -> None:
    """Against speed and against memory; the words and the table say who is on the front."""
    speed, memory = build(tmp_path, *THREE)

    assert speed.alt == "Accuracy on mnist against training throughput, 3 cases. On the front: good, fast."
    assert memory.alt == "Accuracy on mnist against tensor memory, peak, 3 cases. On the front: fast, good."
    assert (speed.caption, memory.caption) == ("Upper right is better.", "Upper left is better.")
    assert dict(zip(column(memory.table, "Case"), column(memory.table, "Front"), strict=True)) == {
        "fast": "yes",
        "good": "yes",
        "poor": "no",
    }


def test_each_case_is_a_dot_that_says_which(tmp_path: Path) -> None:
    """A pointer on a dot shows the case with both numbers."""
    speed, _ = build(tmp_path, *THREE)

    titles = [dot[0].text for dot in ElementTree.fromstring(speed.svg).iter("circle")]
    assert sorted(titles) == [
        "fast: 0.9500 at 900 samples/s",
        "good: 0.9900 at 100 samples/s",
        "poor: 0.9400 at 100 samples/s",
    ]


def test_only_cases_of_one_data_set_stand_together(tmp_path: Path) -> None:
    """A score on one data set says nothing of another: two of another are too few for a drawing."""
    others = [("a", "digits", 0.9, 100.0, 1.0), ("b", "digits", 0.8, 200.0, 1.0)]

    assert {figure.alt.split(" against")[0] for figure in build(tmp_path, *THREE, *others)} == {"Accuracy on mnist"}


def test_the_group_is_named(tmp_path: Path) -> None:
    """The heading has the score, the data set and how many cases."""
    case_of = {name: make_case(name, data=data, seeds=[1]) for name, data, *_ in THREE}
    runs = [Trained(case, 1, values(0.9)) for case in case_of.values()]

    blocks = section("tradeoffs").build(read(stored(tmp_path, make_suite(*case_of.values()), runs)))

    assert [block.text for block in blocks if isinstance(block, Heading)] == ["Accuracy on mnist: 3 cases"]
