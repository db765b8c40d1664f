"""Learning curves: what is drawn, what is said, and where training broke."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from harness.report import Figure, Heading, Paragraph
from harness.report._chosen import chosen, left_out
from harness.report._decimate import POINTS
from harness.report._divergence import first_difference
from tests.report.support import (
    Trained,
    figures,
    make_case,
    make_suite,
    points_of,
    read,
    section,
    stored,
    texts,
    values,
    verdict,
)


def build(tmp_path: Path, *runs: Trained) -> list[Figure]:
    """Return the section's figures."""
    return figures(section("curves").build(read(stored(tmp_path, make_suite(runs[0].case), runs))))


def test_each_case_has_a_loss_and_a_score_plot(tmp_path: Path) -> None:
    """Plots of one kind stand together, under their heading."""
    case = make_case(seeds=[1, 2])

    blocks = section("curves").build(
        read(stored(tmp_path, make_suite(case), [Trained(case, seed, values(0.9)) for seed in case.seeds]))
    )

    assert [block.text for block in blocks if isinstance(block, Heading)] == ["Training loss per step", "Accuracy per epoch"]
    assert [figure.title for figure in figures(blocks)] == ["keras", "keras"]


def test_loss_says_first_and_last(tmp_path: Path) -> None:
    """In words: how long, how many runs, from where to where."""
    case = make_case(seeds=[1, 2])
    runs = [
        Trained(case, 1, values(0.9), losses=(2.3, 1.0, 0.5, 0.4)),
        Trained(case, 2, values(0.9), losses=(2.4, 1.0, 0.5, 0.3)),
    ]

    loss, _ = build(tmp_path, *runs)

    assert loss.alt == "Training loss of keras over 4 steps, 2 runs. First step 2.3000 to 2.4000, last step 0.3000 to 0.4000."
    assert texts(loss.table)[0] == ["1", "2.3000", "2.3500", "2.4000"]
    assert loss.caption == "Every step is drawn."


def test_long_run_is_decimated(tmp_path: Path) -> None:
    """However many steps, a line has few points, and the caption says what one stands for."""
    case = make_case(seeds=[1])
    losses = np.linspace(2.3, 0.1, 10 * POINTS)

    loss, _ = build(tmp_path, Trained(case, 1, values(0.9), losses=losses.tolist(), seconds=[0.01] * len(losses)))

    assert len(points_of(loss.svg, "l")) == POINTS
    assert loss.caption == "Each point is the mean of 10 steps."
    assert len(loss.table.rows) <= 12


def test_divergence_names_seed_and_step(tmp_path: Path) -> None:
    """A loss that is no number breaks the line and is named with its first step."""
    case = make_case(seeds=[1, 2])
    runs = [
        Trained(case, 1, values(0.9)),
        Trained(case, 2, status="diverged", reason="loss", losses=(2.0, 9.0, math.nan, math.nan)),
    ]

    loss, _ = build(tmp_path, *runs)

    assert loss.caption == "Every step is drawn. Not a finite number: seed 2 from step 3 on."
    assert texts(loss.table)[2] == ["3", "n/a", "n/a", "n/a"]
    assert ">not finite<" in loss.svg


def test_band_reaches_from_the_lowest_to_the_highest_seed(tmp_path: Path) -> None:
    """The band's upper edge is drawn where the largest loss is, its lower where the smallest is, the line at their mean."""
    case = make_case(seeds=[1, 2])
    runs = [
        Trained(case, 1, values(0.9), losses=(4.0, 2.0), seconds=(0.1, 0.1)),
        Trained(case, 2, values(0.9), losses=(2.0, 1.0), seconds=(0.1, 0.1)),
    ]

    loss, _ = build(tmp_path, *runs)

    (x, high), (_, highest_end), (_, low_end), (_, low) = points_of(loss.svg, "b")
    (start, mean), (_, mean_end) = points_of(loss.svg, "l")
    assert x == start
    assert high < mean < low
    assert mean - high == pytest.approx(low - mean, abs=1)
    assert low_end - highest_end == pytest.approx((low - high) / 2, abs=1)
    assert mean_end == pytest.approx((highest_end + low_end) / 2, abs=1)


def test_one_run_has_no_band(tmp_path: Path) -> None:
    """A single seed claims no spread."""
    case = make_case(seeds=[1])

    assert all('class="b"' not in figure.svg for figure in build(tmp_path, Trained(case, 1, values(0.9))))


def test_first_divergence_from_an_earlier_run_set_is_marked(tmp_path: Path) -> None:
    """The same training made before is found by its case and seed, and the step at which they part is named and drawn."""
    case = make_case(seeds=[1, 2])
    before = stored(
        tmp_path,
        make_suite(case),
        [Trained(case, seed, values(0.9), losses=(2.0, 1.0, 0.5, 0.25)) for seed in case.seeds],
    )
    changed = {1: (2.0, 1.0, 0.5, 0.25), 2: (2.0, 1.0, 0.4, 0.25)}

    loss, _ = build(tmp_path, *(Trained(case, seed, values(0.9), losses=losses) for seed, losses in changed.items()))

    assert loss.caption == f"Every step is drawn. Parts from {before.name} at step 3 (seed 2)."
    assert ">parts<" in loss.svg


def test_a_training_that_repeats_is_said_to(tmp_path: Path) -> None:
    """Equal losses at every step are worth a sentence, and no mark."""
    case = make_case(seeds=[1])
    before = stored(tmp_path, make_suite(case), [Trained(case, 1, values(0.9))])

    loss, _ = build(tmp_path, Trained(case, 1, values(0.9)))

    assert loss.caption == f"Every step is drawn. Every loss is that of {before.name}."
    assert ">parts<" not in loss.svg


def test_a_later_run_set_changes_no_report(tmp_path: Path) -> None:
    """What came after a run set is not what it is held against."""
    case = make_case(seeds=[1])
    first = stored(tmp_path, make_suite(case), [Trained(case, 1, values(0.9))])
    stored(tmp_path, make_suite(case), [Trained(case, 1, values(0.9), losses=(9.0, 9.0, 9.0, 9.0))])

    loss, _ = figures(section("curves").build(read(first)))

    assert loss.caption == "Every step is drawn."


def test_repeats_of_a_seed_are_held_against_the_first(tmp_path: Path) -> None:
    """Two trainings of one seed in one run set should be the same; where they part is said."""
    case = make_case(seeds=[1], repeats=2)
    runs = [
        Trained(case, 1, values(0.9), losses=(2.0, 1.0, 0.5, last), columns={"repeat": repeat})
        for repeat, last in ((1, 0.25), (2, 0.3))
    ]

    loss, _ = build(tmp_path, *runs)

    assert loss.caption == "Every step is drawn. Parts from the first repeat at step 4 (seed 1)."


@pytest.mark.parametrize(
    ("one", "other", "step"),
    [
        ([1.0, 2.0], [1.0, 2.0], None),
        ([1.0, math.nan], [1.0, math.nan], None),
        ([1.0, 2.0], [1.0, math.nan], 2),
        ([1.0, 2.0], [1.0, 2.0, 3.0], 3),
        ([0.1 + 0.2], [0.3], 1),
    ],
)
def test_first_difference_is_bitwise(one: list[float], other: list[float], step: int | None) -> None:
    """The last bit counts; two values that are no numbers are the same; a training that went on longer parts after the end."""
    curves = [(np.arange(1, len(losses) + 1), np.array(losses)) for losses in (one, other)]

    assert first_difference(curves[0], curves[1]) == step
    assert first_difference(curves[1], curves[0]) == step


def test_of_too_many_cases_those_with_something_amiss_are_drawn_first(tmp_path: Path) -> None:
    """Drawings are bounded: a failed run and a gated change come before what is well, and what is left out is said."""
    cases = [make_case(name, seeds=[1]) for name in ("a", "b", "worse", "c", "failed")]
    runs = [Trained(case, 1, values(0.9), status="failed" if case.name == "failed" else "ok") for case in cases]
    data = read(
        stored(tmp_path, make_suite(*cases), runs, [verdict("worse", name="worse"), verdict("c", "x", "worse", level="info")])
    )

    assert [case.name for case in chosen(data, cases, most=3)] == ["a", "worse", "failed"]
    assert chosen(data, cases, most=5) == cases
    assert left_out(5, 5) == []
    (said,) = left_out(3, 5)
    assert isinstance(said, Paragraph)
    assert said.text.startswith("3 of 5 cases are drawn, those with something amiss first")


def test_wide_range_of_losses_is_logarithmic(tmp_path: Path) -> None:
    """A loss that falls by more than a factor of twenty is drawn where its end can still be read."""
    case = make_case(seeds=[1])

    wide, _ = build(tmp_path / "wide", Trained(case, 1, values(0.9), losses=(2.0, 1.0, 0.5, 0.01)))
    narrow, _ = build(tmp_path / "narrow", Trained(case, 1, values(0.9), losses=(2.0, 1.0, 0.5, 0.2)))

    assert ["logarithmic" in figure.svg for figure in (wide, narrow)] == [True, False]


def test_score_has_a_band_over_seeds(tmp_path: Path) -> None:
    """Per epoch: the lowest, mean and highest seed; the split is named."""
    case = make_case(seeds=[1, 2])
    runs = [Trained(case, seed, values(0.9), progress=progress) for seed, progress in ((1, (0.5, 0.8)), (2, (0.7, 0.9)))]

    _, score = build(tmp_path, *runs)

    assert texts(score.table) == [["1", "0.5000", "0.6000", "0.7000", "2"], ["2", "0.8000", "0.8500", "0.9000", "2"]]
    assert score.caption == "Accuracy on the test split; last: 0.8000 to 0.9000."


def test_one_evaluation_is_no_curve(tmp_path: Path) -> None:
    """A score that was taken once stands among the cases; an empty grid with a dot would say no more."""
    case = make_case(seeds=[1])

    assert len(build(tmp_path, Trained(case, 1, values(0.9), progress=(0.9,)))) == 1


def test_published_and_target_are_lines(tmp_path: Path) -> None:
    """What was published and what is aimed at are named on the plot."""
    case = make_case(seeds=[1], targets={"accuracy": 0.98})

    _, score = build(tmp_path, Trained(case, 1, values(0.9)))

    assert ">published<" in score.svg
    assert ">target<" in score.svg


def test_no_steps_are_said(tmp_path: Path) -> None:
    """Without a stored step there is a sentence instead of an empty grid."""
    assert section("curves").build(read(stored(tmp_path, make_suite()))) == [
        Paragraph("No run has stored a training step yet.", "muted")
    ]
