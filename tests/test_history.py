"""Histories: change points against every segmentation there is, tests against SciPy's, false alarms counted."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Sequence
from itertools import combinations, pairwise
from pathlib import Path
from statistics import mean, variance

import pytest
from scipy import stats

from harness.history import LEAST_POINTS, PENALTY, Anchor, best_cuts, find_changes, find_drift, read_history, read_sides
from harness.results import RunSet
from tests.support import MACHINE, Trained, make_case, make_suite, record

CASE = make_case(seeds=(1, 2))
SUITE = make_suite(CASE)


def noisy(rng: random.Random, levels: Sequence[float], spread: float) -> list[float]:
    """Return points whose logarithms scatter normally around levels."""
    return [level * math.exp(rng.gauss(0, spread)) for level in levels]


def segmentations(count: int) -> Iterator[tuple[int, ...]]:
    """Yield every way to cut so many points into segments that are long enough."""
    for number in range(count // LEAST_POINTS):
        for cuts in combinations(range(1, count), number):
            edges = (0, *cuts, count)
            if all(end - start >= LEAST_POINTS for start, end in pairwise(edges)):
                yield cuts


def price(points: Sequence[float], cuts: Sequence[int]) -> float:
    """Return what a segmentation costs, by the definition."""
    differences = sorted(abs(after - before) for before, after in pairwise(points))
    middle = len(differences) // 2
    typical = differences[middle] if len(differences) % 2 else (differences[middle - 1] + differences[middle]) / 2
    sigma = max(1.4826 * typical / math.sqrt(2), 0.002)
    edges = (0, *cuts, len(points))
    segments = [points[start:end] for start, end in pairwise(edges)]
    squares = sum(sum((point - mean(segment)) ** 2 for point in segment) for segment in segments)
    return squares / sigma**2 + PENALTY * math.log(len(points)) * len(cuts)


@pytest.mark.parametrize("seed", range(30))
def test_the_cuts_are_the_best_of_all_there_are(seed: int) -> None:
    """Among all segmentations of up to 14 points none costs less."""
    rng = random.Random(seed)
    levels = [rng.choice((0.0, 0.05, 0.1)) for _ in range(4)]
    points = [levels[index * 4 // 14] + rng.gauss(0, 0.02) for index in range(rng.randint(3, 14))]

    found = best_cuts(points)

    assert price(points, found) == pytest.approx(min(price(points, cuts) for cuts in segmentations(len(points))))


def test_a_change_is_tested_as_scipy_does() -> None:
    """The p-value is that of Student's t test on logarithms, times the places where a cut might have been."""
    values = [100.0, 101, 99, 102, 100, 104, 106, 105, 107, 105]

    [change] = find_changes(values)

    logs = [math.log(value) for value in values]
    assert change.at == 5
    assert change.p == pytest.approx(5 * stats.ttest_ind(logs[:5], logs[5:]).pvalue)
    assert change.change == pytest.approx(math.exp(mean(logs[5:]) - mean(logs[:5])) - 1)


def test_steps_are_found_where_they_are() -> None:
    """Up and down again: both, at their places."""
    points = noisy(random.Random(3), [100] * 10 + [106] * 8 + [98] * 10, 0.005)

    assert [change.at for change in find_changes(points)] == [10, 18]


@pytest.mark.parametrize(
    "points",
    [
        [],
        [1.0],
        [100.0] * 20,
        [0.0] * 20,
        [100.0, 150.0, 100.0, 150.0, 100.0],
        [100.0] * 10 + [101.5] * 10,
        [100.0, 101, 99, 100, 101, 180, 99, 100, 101, 100, 99],
        [100.0, 101, 99, 100, 101, 180, 181, 99, 100, 101, 100, 99],
    ],
    ids=["none", "one", "constant", "zero", "short", "below two per cent", "a spike", "a spike of two"],
)
def test_what_is_no_change_is_not_told(points: list[float]) -> None:
    """Constant, too short, too small, and spikes: a segment has three points or more."""
    assert find_changes(points) == []


def test_values_that_are_not_positive_have_changes_too() -> None:
    """A return around zero is measured by its typical size."""
    [change] = find_changes([-1.0, -1.1, -0.9, -1.0, 1.0, 1.1, 0.9, 1.0])

    assert (change.at, change.change) == (4, pytest.approx(2.0))


@pytest.mark.parametrize(("spread", "count"), [(0.02, 10), (0.02, 30), (0.1, 20)])
def test_steady_histories_seldom_seem_to_change(spread: float, count: int) -> None:
    """Of 1,000 histories in which nothing happened at most two per cent are said to have changed, or to have drifted."""
    rng = random.Random(f"{spread}, {count}")
    steady = [noisy(rng, [100] * (count + 1), spread) for _ in range(1000)]

    changed = sum(bool(find_changes(points[1:])) for points in steady)
    drifted = sum(bool((drift := find_drift("anchor", points[0], 1, points[1:])) and drift.shown) for points in steady)

    assert changed <= 20
    assert drifted <= 20


def test_a_slow_drift_is_told_though_no_step_is() -> None:
    """Half a per cent each time is below every margin; after sixteen times it is 8 %."""
    points = noisy(random.Random(1), [100 * 1.005**step for step in range(17)], 0.003)

    drift = find_drift("anchor", 100.0, 1, points)

    assert drift is not None
    assert drift.shown
    assert drift.low is not None
    assert drift.change == pytest.approx(1.005**15 - 1, abs=0.01)


def test_drift_is_a_prediction_interval_of_sessions() -> None:
    """The last three points against an anchor of two sessions, with the spread of all points: by hand, on logarithms."""
    values = [100.0, 102, 99, 101, 100]

    drift = find_drift("anchor", 98.0, 2, values)

    logs = [math.log(value) for value in values]
    difference, error = mean(logs[2:]) - math.log(98), math.sqrt(variance(logs) * (1 / 3 + 1 / 2))
    half = stats.t.ppf(0.995, 4) * error
    assert drift is not None
    assert (drift.change, drift.low, drift.high) == pytest.approx(
        tuple(math.expm1(difference + end) for end in (0, -half, half))
    )


def test_one_point_drifts_without_an_interval() -> None:
    """Its spread is unknown, so that nothing is shown."""
    drift = find_drift("anchor", 100.0, 1, [150.0])

    assert drift is not None
    assert (drift.change, drift.low, drift.shown) == (pytest.approx(0.5), None, False)


def measured(results: Path, day: int, seconds: float, machine: dict[str, str] = MACHINE) -> RunSet:
    """Store a run set of a day."""
    columns = {"started_utc": f"2026-01-{day:02}T00:00:00+00:00"}
    runs = [Trained(CASE, seed, {"step_time_median": seconds}, machine=machine, columns=columns) for seed in CASE.seeds]
    return record(results, SUITE, runs)


def test_points_are_ordered_by_when_they_were_measured(tmp_path: Path) -> None:
    """Not by when they were stored: old files may be imported late."""
    stored = [measured(tmp_path, day, 1.0 + day) for day in (3, 1, 2)]

    found = read_history(read_sides(stored, pytest.fail), CASE.name, "step_time_median")

    assert found is not None
    assert [point.mean for point in found.points] == [2.0, 3.0, 4.0]


def scored(results: Path, day: int, scores: dict[int, float], operations: float) -> RunSet:
    """Store a run set of a day with a score of each seed and an exact count."""
    columns = {"started_utc": f"2026-01-{day:02}T00:00:00+00:00"}
    values = {seed: {"accuracy": score, "aten_operations_per_step": operations} for seed, score in scores.items()}
    return record(results, SUITE, [Trained(CASE, seed, found, columns=columns) for seed, found in values.items()])


def test_other_seeds_are_no_change(tmp_path: Path) -> None:
    """Only seeds of the last run set count; one that lacks any takes no part."""
    all_seeds = {1: 0.9, 2: 0.8, 3: 0.5, 4: 0.4}
    stored = [
        *(scored(tmp_path, day, all_seeds, 10.0) for day in range(1, 5)),
        scored(tmp_path, 5, {1: 0.9}, 10.0),
        *(scored(tmp_path, day, {1: 0.9, 2: 0.8}, 10.0) for day in range(6, 10)),
    ]
    held = read_sides(stored, pytest.fail)

    found = read_history(held, CASE.name, "accuracy", Anchor("first", held[0][1][CASE.name]))

    assert found is not None
    assert found.changes == ()
    assert [point.apart for point in found.points if point.apart] == ["lacks seeds of the last run set"]
    assert found.drift is not None
    assert found.drift.change == pytest.approx(0.0)


def test_an_exact_metric_changes_by_any_difference(tmp_path: Path) -> None:
    """One operation of a thousand more is a change and a drift at once: no noise could have made it."""
    held = read_sides([scored(tmp_path, day, {1: 0.9}, 1000.0 + (day == 3)) for day in (1, 2, 3)], pytest.fail)

    found = read_history(held, CASE.name, "aten_operations_per_step", Anchor("first", held[0][1][CASE.name]))

    assert found is not None
    assert [(change.at, change.change) for change in found.changes] == [(2, pytest.approx(0.001))]
    assert found.drift is not None
    assert found.drift.shown


def test_points_of_another_machine_take_no_part(tmp_path: Path) -> None:
    """A history that moves to a quicker machine has not changed; its points there say why they are apart."""
    stored = [measured(tmp_path, day, 2.0, {"cpu": "old"}) for day in range(1, 6)]
    stored += [measured(tmp_path, day, 1.0) for day in range(6, 11)]

    held = read_sides(stored, pytest.fail)
    found = read_history(held, CASE.name, "step_time_median", Anchor("old", held[0][1][CASE.name]))

    assert found is not None
    assert found.changes == ()
    assert [point.apart for point in found.points] == ["another machine class"] * 5 + [""] * 5
    assert found.drift is None
