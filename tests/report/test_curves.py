"""Learning curves: what is drawn, what is said, and where training broke."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from harness.report import Figure, Heading, Paragraph
from harness.report._decimate import POINTS
from tests.report.support import Trained, figures, make_case, make_suite, read, section, stored, texts, values


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

    longest = max(path.count("L") for path in loss.svg.split("<path"))
    assert longest == POINTS - 1
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


def test_published_and_target_are_lines(tmp_path: Path) -> None:
    """What was published and what is aimed at are named on the plot."""
    case = make_case(seeds=[1], targets={"accuracy": 0.98})

    _, score = build(tmp_path, Trained(case, 1, values(0.9)))

    labels = score.svg.split("</title>")[1]
    assert ">published<" in labels
    assert ">target<" in labels


def test_no_steps_are_said(tmp_path: Path) -> None:
    """Without a stored step there is a sentence instead of an empty grid."""
    assert section("curves").build(read(stored(tmp_path, make_suite()))) == [
        Paragraph("No run has stored a training step yet.", "muted")
    ]
