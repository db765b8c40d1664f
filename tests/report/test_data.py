"""What sections ask of a run set's tables."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from scipy import stats

from harness.report import ReportData
from harness.report._sample import explain
from harness.suite import PartRef
from tests.report.support import Trained, make_case, make_suite, read, stored, usual, values


def test_mean_and_interval_are_students(tmp_path: Path) -> None:
    """The interval beside a mean is scipy's t interval over seeds."""
    accuracies = [0.990, 0.992, 0.991]

    sample = read(usual(tmp_path)).sample("keras", "accuracy")

    expected = stats.t.interval(0.95, 2, loc=0.991, scale=stats.sem(accuracies))
    assert sample.mean == pytest.approx(0.991)
    assert sample.interval == pytest.approx(expected)


def test_one_seed_has_no_interval(tmp_path: Path) -> None:
    """A single seed gives a mean and no interval."""
    case = make_case(seeds=[1])

    sample = read(stored(tmp_path, make_suite(case), [Trained(case, 1, values(0.9))])).sample("keras", "accuracy")

    assert (sample.mean, sample.interval) == (0.9, None)


def test_repeated_seed_counts_once(tmp_path: Path) -> None:
    """A seed that ran twice is one value, the mean of its runs."""
    case = make_case(seeds=[1, 2], repeats=2)
    runs = [
        Trained(case, seed, values(accuracy), columns={"repeat": repeat})
        for seed, repeat, accuracy in ((1, 1, 0.8), (1, 2, 0.9), (2, 1, 0.7), (2, 2, 0.7))
    ]

    sample = read(stored(tmp_path, make_suite(case), runs)).sample("keras", "accuracy")

    assert sample.values == pytest.approx({1: 0.85, 2: 0.7})


def test_base_of_a_comparison_is_left_out(tmp_path: Path) -> None:
    """Means are of the head alone."""
    case = make_case(seeds=[1])
    runs = [
        Trained(case, 1, values(0.9), columns={"arm": "head"}),
        Trained(case, 1, values(0.1), columns={"arm": "base"}),
    ]

    data = read(stored(tmp_path, make_suite(case), runs))

    assert data.sample("keras", "accuracy").mean == 0.9
    assert [run["arm"] for run in data.runs_of("keras")] == ["head"]


def test_null_has_a_reason_in_words(tmp_path: Path) -> None:
    """A metric without a value says why, as the harness words it."""
    data = read(usual(tmp_path))

    assert data.sample("keras", "gpu_utilization").reason == "the run used no GPU"
    assert data.value("keras-1-1-solo", "gpu_utilization") == (None, "the run used no GPU")


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("no_gpu", "the run used no GPU"),
        ("unsupported: power", "the driver or platform does not offer this reading: power"),
        ("new_reason", "new_reason"),
        ("", "the value is not a number"),
    ],
)
def test_explain_knows_codes_details_and_strangers(reason: str, words: str) -> None:
    """A code becomes words, its detail stays, an unknown code stands for itself."""
    assert explain(reason) == words


def test_values_that_are_no_numbers_are_left_out_and_counted(tmp_path: Path) -> None:
    """NaN and infinity do not enter a mean; how many there were is known."""
    case = make_case(seeds=[1, 2, 3])
    runs = [
        Trained(case, seed, values(0.9, test_loss=loss), nulls={"test_loss": ""})
        for seed, loss in ((1, 0.5), (2, math.nan), (3, math.inf))
    ]

    sample = read(stored(tmp_path, make_suite(case), runs)).sample("keras", "test_loss")

    assert (sample.mean, sample.lacking) == (0.5, ("the value is not a number",) * 2)


def test_failed_case_says_so(tmp_path: Path) -> None:
    """A case without a run that succeeded has no value because of that, not because of a null."""
    case = make_case(seeds=[1])
    run_set = stored(tmp_path, make_suite(case), [Trained(case, 1, status="failed", reason="boom")])

    assert read(run_set).sample("keras", "accuracy").reason == "no run of this case succeeded"


def test_seeds_ok_needs_every_repeat(tmp_path: Path) -> None:
    """A seed counts as ok when all its declared runs are there and ok."""
    case = make_case(seeds=[1, 2, 3], repeats=2)
    runs = [
        Trained(case, 1, values(0.9), columns={"repeat": 1}),
        Trained(case, 1, values(0.9), columns={"repeat": 2}),
        Trained(case, 2, values(0.9), columns={"repeat": 1}),
        Trained(case, 3, values(0.9), columns={"repeat": 1}),
        Trained(case, 3, status="failed", columns={"repeat": 2}),
    ]

    assert read(stored(tmp_path, make_suite(case), runs)).seeds_ok(case) == 1


def test_origin_comes_from_the_catalogue(tmp_path: Path) -> None:
    """Generated data is labelled by its part's own field; data that no catalogue knows is labelled too."""
    made = tmp_path / "bench" / "data"
    made.mkdir(parents=True)
    (made / "tones.py").write_text('"""Tones."""\n\nDATASET = Dataset(load=load, synthetic=True)\n')
    cases = [make_case(name, data=data) for name, data in (("a", "mnist"), ("b", "tones"), ("c", "unheard_of"))]

    data = read(stored(tmp_path / "results", make_suite(*cases)), tmp_path / "bench")

    assert [data.origin(case) for case in cases] == ["", "synthetic", "not in the catalogue"]


def test_primary_metric_comes_from_the_task(tmp_path: Path) -> None:
    """The metric shown first is the task's own."""
    tasks = tmp_path / "bench" / "tasks"
    tasks.mkdir(parents=True)
    (tasks / "summary.py").write_text('"""Summarise."""\n\nTASK = Task(primary="bleu", scores={"bleu": "higher"})\n')
    cases = [make_case("a"), make_case("b", task=PartRef(name="summary"))]

    data = read(stored(tmp_path / "results", make_suite(*cases)), tmp_path / "bench")

    assert [data.primary(case) for case in cases] == ["accuracy", "bleu"]


def test_runs_are_in_the_suites_order(tmp_path: Path) -> None:
    """Whatever order runs ended in, they are shown by case as declared, then by seed."""
    cases = [make_case("zebra", seeds=[1, 2]), make_case("ant", seeds=[1])]
    runs = [Trained(cases[1], 1), Trained(cases[0], 2), Trained(cases[0], 1)]

    data = read(stored(tmp_path, make_suite(*cases), runs))

    assert [(run["case"], run["seed"]) for run in data.records] == [("zebra", 1), ("zebra", 2), ("ant", 1)]


def test_progress_prefers_the_split_evaluated_oftenest(tmp_path: Path) -> None:
    """Learning curves follow the split that was evaluated while training, not the single test at the end."""
    case = make_case(seeds=[1])
    run_set = stored(tmp_path, make_suite(case), [Trained(case, 1, progress=(0.5, 0.6, 0.7))])
    data = read(run_set)
    evaluations = data.evaluations.assign(split=["validation", "validation", "test"])

    changed = ReportData(**{**{name: getattr(data, name) for name in data.__dataclass_fields__}, "evaluations": evaluations})

    assert changed.progress("keras", "accuracy") == ("validation", {1: [0.5], 2: [0.6]})
