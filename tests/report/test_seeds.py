"""Every run in a row, and how far a case's seeds lie apart."""

from __future__ import annotations

from pathlib import Path

from harness.report import ReportData, Table
from tests.report.support import Trained, figures, make_case, make_suite, read, section, stored, tables, texts, usual, values


def build(data: ReportData) -> Table:
    """Return the table of runs."""
    (table,) = tables(section("seeds").build(data))
    return table


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


def test_strip_says_mean_interval_and_published(tmp_path: Path) -> None:
    """The plot of a case's seeds says in words what it shows; cases without a value have none."""
    found = figures(section("seeds").build(read(usual(tmp_path))))

    assert [figure.caption for figure in found] == [
        "Mean 0.9910 over 3 seeds, 95 % interval 0.9885 to 0.9935, published 0.9914.",
        "Mean 0.9550 over 2 seeds, 95 % interval 0.8915 to 1.0185.",
    ]
    assert texts(found[0].table) == [["1", "0.9900"], ["2", "0.9920"], ["3", "0.9910"]]
    assert "published" in found[0].svg.split("</title>")[1]


def test_one_seed_is_a_dot_without_interval(tmp_path: Path) -> None:
    """A single seed claims no interval."""
    case = make_case(seeds=[1], published={})

    (figure,) = figures(section("seeds").build(read(stored(tmp_path, make_suite(case), [Trained(case, 1, values(0.9))]))))

    assert figure.caption == "Mean 0.9000 over 1 seed."
