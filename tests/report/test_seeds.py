"""Every run in a row, and how far a case's seeds lie apart."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from harness.report import ReportData, Table
from harness.suite import PartRef
from tests.report.support import (
    Trained,
    alt,
    captioned,
    column,
    make_case,
    make_suite,
    plots,
    read,
    section,
    stored,
    texts,
    usual,
    values,
)


def build(data: ReportData) -> Table:
    """Return the table of runs."""
    return captioned(section("seeds").build(data), "Every training")


def test_every_run_is_a_row(tmp_path: Path) -> None:
    """Each run shows its status and scores; one that failed has its reason instead of numbers."""
    table = build(read(usual(tmp_path)))

    assert texts(table)[0] == ["keras", "1", "ok", "0.9900", "0.9890", "0.0500", "3.50 s", "12.5 ms", "4.20 s"]
    failed = table.rows[5].cells
    assert [cell.text for cell in failed] == ["digits", "3", "oom", *["n/a"] * 5, "4.20 s"]
    assert failed[2].sub == "killed at 7.2 GiB <script>alert('x')</script> | a_b"
    assert failed[2].tone == "bad"


def test_run_that_is_not_there_is_a_row(tmp_path: Path) -> None:
    """A declared seed without a run is shown as missing, not passed over."""
    run_set = stored(tmp_path, make_suite(), [Trained(make_case(), 2, values(0.9))], complete=False)

    assert [row[:3] for row in texts(build(read(run_set)))] == [
        ["keras", "1", "missing"],
        ["keras", "2", "ok"],
        ["keras", "3", "missing"],
    ]


def test_a_run_of_another_pass_is_no_row(tmp_path: Path) -> None:
    """A memory pass is no seed's training: neither a second one, nor a failed or a missing one."""
    case = make_case(seeds=[1, 2], passes=("memory",))
    runs = [Trained(case, seed, values(0.9)) for seed in (1, 2)]
    failed = Trained(case, 1, status="oom", losses=(), seconds=(), progress=(), columns={"pass": "memory"})

    data = read(stored(tmp_path, make_suite(case), [*runs, failed]))

    assert [["1", "ok"], ["2", "ok"]] == [row[1:3] for row in texts(build(data))]
    assert 2 == data.seeds_ok(case)


def test_run_of_an_undeclared_seed_is_a_row(tmp_path: Path) -> None:
    """A stored run whose seed the suite no longer declares counts in the means, so it is shown."""
    case = make_case(seeds=[1])
    runs = [Trained(case, seed, values(0.9)) for seed in (5, 1)]

    table = build(read(stored(tmp_path, make_suite(case), runs)))

    assert [row[1] for row in texts(table)] == ["1", "5"]


def test_repeats_are_told_apart(tmp_path: Path) -> None:
    """Two runs of one seed name their repeat; a lone one does not."""
    case = make_case(seeds=[1], repeats=2)
    runs = [Trained(case, 1, values(0.9), columns={"repeat": repeat}) for repeat in (1, 2)]

    table = build(read(stored(tmp_path, make_suite(case), runs)))

    assert [row.cells[1].sub for row in table.rows] == ["repeat 1", "repeat 2"]


def test_seeds_of_one_score_share_an_axis(tmp_path: Path) -> None:
    """Each case is a row of one table: its seeds drawn, said in words, and their numbers beside them."""
    table = captioned(section("seeds").build(read(usual(tmp_path))), "Accuracy of each seed")

    assert [alt(plot) for plot in plots(table)] == [
        "Accuracy of keras. Mean 0.9910 over 3 seeds, 95 % interval 0.9885 to 0.9935, published 0.9914.",
        "Accuracy of digits. Mean 0.9550 over 2 seeds, 95 % interval 0.8915 to 1.0185.",
    ]
    assert column(table, "Mean") == ["0.9910", "0.9550"]
    assert column(table, "Lowest") == ["0.9900", "0.9500"]
    assert column(table, "Highest") == ["0.9920", "0.9600"]


def test_spread_is_numpys(tmp_path: Path) -> None:
    """The spread over seeds is the standard deviation with n − 1."""
    table = captioned(section("seeds").build(read(usual(tmp_path))), "Accuracy of each seed")

    assert table.rows[0].cells[3].sort == pytest.approx(np.std([0.990, 0.992, 0.991], ddof=1))


def test_one_seed_is_a_dot_without_interval(tmp_path: Path) -> None:
    """A single seed claims neither interval nor spread."""
    case = make_case(seeds=[1], published={})

    blocks = section("seeds").build(read(stored(tmp_path, make_suite(case), [Trained(case, 1, values(0.9))])))

    table = captioned(blocks, "Accuracy of each seed")
    assert [alt(plot) for plot in plots(table)] == ["Accuracy of keras. Mean 0.9000 over 1 seed."]
    assert column(table, "Spread") == ["n/a"]
    assert 'class="w' not in plots(table)[0]


def test_scores_that_differ_in_kind_have_tables_of_their_own(tmp_path: Path) -> None:
    """No axis holds two metrics."""
    folder = tmp_path / "bench" / "tasks"
    folder.mkdir(parents=True)
    (folder / "summary.py").write_text('"""Summarise."""\n\nTASK = Task(primary="test_loss", scores={"test_loss": "lower"})\n')
    cases = [make_case("a", seeds=[1]), make_case("b", seeds=[1], task=PartRef(name="summary"))]
    runs = [Trained(case, 1, values(0.9)) for case in cases]

    blocks = section("seeds").build(read(stored(tmp_path / "results", make_suite(*cases), runs), tmp_path / "bench"))

    assert column(captioned(blocks, "Accuracy of each seed"), "Case") == ["a"]
    assert column(captioned(blocks, "Test loss of each seed"), "Case") == ["b"]
