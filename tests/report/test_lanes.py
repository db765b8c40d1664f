"""Cost of determinism: ratios of the two lanes, seed by seed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from harness.report import Section
from harness.suite import Case, Execution, Recipe
from tests.report.support import UNITS, Trained, find_row, make_case, make_suite, read, section, stored, tables, usual

UNITS.setdefault("cpu_time_per_step", ("s", "lower", "machine"))


@pytest.fixture
def lanes() -> Section:
    """The section."""
    return section("lanes")


def in_lane(lane: str, name: str = "lstm", **fields: object) -> Case:
    """Return a case as a matrix over lanes names it."""
    return make_case(f"{name}[lane={lane}]", execution=Execution.model_validate({"lane": lane}), **fields)


def test_ratios_are_paired_by_seed_with_students_interval(tmp_path: Path, lanes: Section) -> None:
    """The ratio is the geometric mean of the seeds' own, its interval scipy's on logarithms; a seed of one lane is left out."""
    speed, slow = {1: 0.010, 2: 0.020, 3: 0.015}, {1: 0.011, 2: 0.025, 3: 0.016, 4: 9.0}
    cases = in_lane("speed"), in_lane("deterministic", seeds=(1, 2, 3, 4))
    runs = [
        Trained(case, seed, {"cpu_time_per_step": value, "train_throughput": 64 / value})
        for case, values in zip(cases, (speed, slow), strict=True)
        for seed, value in values.items()
    ]

    (table,) = tables(lanes.build(read(stored(tmp_path, make_suite(*cases), runs))))

    ratios = np.log([slow[seed] / speed[seed] for seed in speed])
    low, high = np.exp(stats.t.interval(0.95, 2, loc=ratios.mean(), scale=stats.sem(ratios)))
    _, _, _, cost, _, _, throughput = find_row(table, "lstm").cells
    assert (cost.text, cost.sub) == (f"{np.exp(ratios.mean()):.4f}", f"{low:.4f} to {high:.4f}")
    assert (throughput.text, throughput.sub) == (f"{np.exp(-ratios.mean()):.4f}", f"{1 / high:.4f} to {1 / low:.4f}")


def test_only_cases_that_differ_in_nothing_else_are_paired(tmp_path: Path, lanes: Section) -> None:
    """Another recipe is another question; without a pair the section is left out."""
    cases = in_lane("speed"), in_lane("deterministic", recipe=Recipe(epochs=3))
    runs = [Trained(case, 1, {"cpu_time_per_step": 0.01}) for case in cases]

    assert not lanes.build(read(stored(tmp_path / "other", make_suite(*cases), runs)))
    assert not lanes.build(read(usual(tmp_path / "usual")))


def test_what_was_not_measured_says_so(tmp_path: Path, lanes: Section) -> None:
    """One seed has no interval; a lane that failed has no ratio, and both say why."""
    fast, failed = in_lane("speed", seeds=(1,)), in_lane("deterministic", seeds=(1,))
    other, another = in_lane("speed", "gru", recipe=Recipe(epochs=5)), in_lane("deterministic", "gru", recipe=Recipe(epochs=5))
    runs = [
        Trained(fast, 1, {"cpu_time_per_step": 0.01}),
        Trained(failed, 1, status="failed", reason="no deterministic algorithm"),
        *(Trained(case, 1, {"cpu_time_per_step": value}) for case, value in ((other, 0.01), (another, 0.02))),
    ]

    (table,) = tables(lanes.build(read(stored(tmp_path, make_suite(fast, failed, other, another), runs))))

    lacking, ratio = find_row(table, "lstm").cells[3], find_row(table, "gru").cells[3]
    assert (lacking.text, lacking.note) == ("n/a", "no seed has a value in both lanes")
    assert (ratio.text, ratio.sub, ratio.note) == ("2.0000", "", "one seed: no interval")


def test_cases_that_no_matrix_named_keep_both_names(tmp_path: Path, lanes: Section) -> None:
    """Two cases written out by hand are a pair too."""
    cases = make_case("fast"), make_case("exact", execution=Execution(lane="deterministic"))
    runs = [Trained(case, 1, {"cpu_time_per_step": 0.01}) for case in cases]

    (table,) = tables(lanes.build(read(stored(tmp_path, make_suite(*cases), runs))))

    assert [row.cells[0].text for row in table.rows] == ["fast, exact"]
