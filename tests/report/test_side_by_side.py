"""Several run sets in one report: overview, a table a metric, what is not compared, learning curves."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from harness.catalog import Catalog
from harness.cli._several import metrics_of, set_rows
from harness.gate import find_holder
from harness.project import find_project
from harness.render import compose_side_by_side, to_html, to_markdown
from harness.render._document import Document
from harness.report import Banner, Details, Figure, ReportData, Table
from harness.report._side_by_side import told_apart
from harness.results import RunSet
from harness.suite import Case
from harness.verdicts import Entry, Line, beside
from tests.report.support import ENVIRONMENT, Trained, column, make_case, make_experiment, make_suite, stored, values

CASES = (make_case("keras"), make_case("digits", data="digits"))


def trained(case: Case, accuracies: Sequence[float], **given: object) -> list[Trained]:
    """A run of each seed, with these accuracies."""
    return [Trained(case, seed, values(found), **given) for seed, found in enumerate(accuracies, start=1)]  # type: ignore[arg-type]


def three(project: Path) -> list[RunSet]:
    """Three run sets: one that is clearly better than the first in one case, and one with a case that failed."""
    results, suite = project / "results", make_suite(*CASES)
    keras, digits = CASES
    failed = [Trained(digits, seed, status="oom", reason="killed", losses=(), seconds=()) for seed in (1, 2, 3)]
    return [
        stored(results, suite, [*trained(keras, (0.90, 0.91, 0.92)), *trained(digits, (0.90, 0.91, 0.92))]),
        stored(results, suite, [*trained(keras, (0.97, 0.975, 0.98)), *trained(digits, (0.905, 0.91, 0.915))]),
        stored(results, suite, [*trained(keras, (0.80, 0.81, 0.82), progress=(0.5, 0.8)), *failed]),
    ]


def composed(run_sets: Sequence[RunSet]) -> Document:
    """The document of run sets, as the command makes it."""
    project, catalog = find_project(), Catalog()
    holders = [find_holder(project, str(run_set.path)) for run_set in run_sets]
    lines = beside(holders, metrics_of(holders, (), catalog, scores=True, others=("train_throughput", "host_peak_memory")))
    datas = [ReportData.read(run_set, catalog) for run_set in run_sets]
    return compose_side_by_side(holders, lines, datas, list(set_rows(holders)), catalog)


def chapter(document: Document, name: str) -> tuple[object, ...]:
    """The blocks of one chapter."""
    return next(found.blocks for found in document.chapters if found.name == name)


def table_of(document: Document, title: str) -> Table:
    """The table of a metric."""
    tables = [block for block in chapter(document, "differences") if isinstance(block, Table)]
    return next(table for table in tables if table.caption.startswith(f"{title}: "))


def test_the_first_screen_counts_what_became_of_the_differences(project_folder: Path) -> None:
    """How many are better, worse, not told apart and not comparable, and what each set is."""
    document = composed(three(project_folder))

    banner, sets, _ = chapter(document, "sets")
    assert isinstance(banner, Banner)
    assert isinstance(sets, Table)
    assert banner.title == "3 run sets side by side"
    counts = {count.what: count.number for count in banner.counts}
    assert counts["better"] >= 2
    assert counts["worse"] >= 2
    assert counts["no value"] == len(table_rows(document, "digits"))
    assert [row.cells[0].text for row in sets.rows] == ["A", "B", "C"]
    assert document.cases == ("keras", "digits")


def table_rows(document: Document, case: str) -> list[str]:
    """The metrics that have a row for a case."""
    blocks = chapter(document, "differences")
    return [block.caption for block in blocks if isinstance(block, Table) for row in block.rows if row.case == case]


def test_each_metric_has_a_table_with_a_row_for_each_case(project_folder: Path) -> None:
    """Values with the best marked, and differences from A drawn and in words, with their sign and interval."""
    table = table_of(composed(three(project_folder)), "Accuracy")

    assert [found.title for found in table.columns] == [
        *("Case", "A", "B", "B against A", "B − A", "C", "C against A", "C − A"),
    ]
    assert column(table, "A") == ["0.9100", "0.9100"]
    assert column(table, "B") == ["0.9750", "0.9100"]
    assert column(table, "B − A") == ["+0.0650", "0.0000"]
    keras, digits = table.rows
    assert [cell.badge for cell in keras.cells] == ["", "", "best", "", "", "", "", ""]
    assert keras.cells[4].sub.startswith("+0.0")
    assert "keras: B is +0.0650 [" in keras.cells[3].plot
    assert (digits.cells[5].text, digits.cells[5].note) == (
        "n/a",
        "seed 1: oom (killed); seed 2: oom (killed); seed 3: oom (killed)",
    )


def test_what_is_not_compared_is_listed_once_a_reason(project_folder: Path) -> None:
    """Metrics of one set and case with one reason are one row."""
    document = composed(three(project_folder))

    (details,) = (block for block in chapter(document, "differences") if isinstance(block, Details))
    (table,) = details.blocks
    assert isinstance(table, Table)
    assert [(row.cells[0].text, row.cells[1].text) for row in table.rows] == [("C", "digits")]
    assert table.rows[0].cells[2].text.startswith("Accuracy, ")


def test_of_another_machine_times_are_shown_and_not_compared(project_folder: Path) -> None:
    """Scores of another machine are compared, its throughput is not, and the cell says so."""
    results, case = project_folder / "results", make_case()
    elsewhere = {**ENVIRONMENT, "machine.cpu": "Another CPU"}
    runs = {"machine_class": "one"}, {"machine_class": "two"}
    sets = [
        stored(results, make_suite(case), trained(case, (0.9, 0.91, 0.92), environment=environment, columns=columns))
        for environment, columns in zip((ENVIRONMENT, elsewhere), runs, strict=True)
    ]

    document = composed(sets)

    throughput = table_of(document, "Training throughput")
    assert [found.title for found in throughput.columns] == ["Case", "A", "B", "B − A"]  # nothing to draw
    assert throughput.rows[0].cells[2].text == "5.12 ksamples/s"
    assert throughput.rows[0].cells[3].text == "not comparable"
    assert throughput.rows[0].cells[3].note.startswith("another machine class: cpu Example CPU 2.5 GHz → Another CPU")
    assert column(table_of(document, "Accuracy"), "B − A") == ["same"]


def test_learning_curves_lie_over_one_another(project_folder: Path) -> None:
    """One drawing a case that two sets evaluated: their means over seeds, each named by its letter, and the numbers."""
    document = composed(three(project_folder))

    figures = [block for block in chapter(document, "curves") if isinstance(block, Figure)]
    assert [figure.case for figure in figures] == ["keras", "digits"]
    assert figures[0].alt.endswith("mean over seeds; last: A 0.9800, B 0.9800, C 0.8000.")
    assert column(figures[0].table, "C") == ["0.5000", "0.8000"]
    assert [found.title for found in figures[1].table.columns] == ["Epoch", "A", "B"]
    assert all(f">{letter}</text>" in figures[0].svg for letter in "ABC")


def test_equal_tables_give_equal_bytes_and_a_page_of_its_own(project_folder: Path) -> None:
    """Composed twice, page and Markdown are the same to the byte; nothing of a case's name is read as markup."""
    sets = three(project_folder)

    pages = [to_html(composed(sets)) for _ in range(2)]

    assert pages[0] == pages[1]
    assert to_markdown(composed(sets)) == to_markdown(composed(sets))
    assert "http://" not in pages[0].replace("http://www.w3.org/2000/svg", "")
    for words in ("3 run sets side by side", "Not compared: 1", 'id="curves"'):
        assert words in pages[0]


def test_experiments_are_put_side_by_side_too(project_folder: Path) -> None:
    """Their outcomes are scores, and there is no curve of them."""
    case = make_experiment()
    columns = {"pass": "experiment", "task": "", "model": "", "data": ""}
    sets = [
        stored(
            project_folder / "results",
            make_suite(case),
            [Trained(case, seed, {"slope_tanh": base - seed / 10}, progress=(), columns=columns) for seed in case.seeds],
        )
        for base in (-0.5, -0.7)
    ]

    document = composed(sets)

    assert column(table_of(document, "slope_tanh"), "B − A") == ["-0.2000"]
    assert [found.name for found in document.chapters] == ["sets", "differences"]


@pytest.mark.parametrize(
    ("direction", "entry", "words"),
    [
        ("higher", Entry(0.9, difference=0.1, difference_low=0.05, difference_high=0.15), "better"),
        ("lower", Entry(0.9, difference=0.1, difference_low=0.05, difference_high=0.15), "worse"),
        ("none", Entry(0.9, difference=0.1, difference_low=0.05, difference_high=0.15), "differs"),
        ("higher", Entry(0.9, difference=0.1, difference_low=-0.05, difference_high=0.25), "not told apart"),
        ("higher", Entry(0.9, difference=0.1, difference_low=0.0, difference_high=0.2), "not told apart"),
        ("higher", Entry(0.9, difference=0.0, difference_low=0.0, difference_high=0.0), "same"),
        ("higher", Entry(0.9, difference=0.1), "no interval"),
        ("higher", Entry(0.9, reason="another machine class"), "not comparable"),
        ("higher", Entry(reason="no such case"), "no value"),
        ("none", Entry(5.0, relation="same", difference=0.0), "same"),
    ],
)
def test_a_difference_is_told_by_its_interval(direction: str, entry: Entry, words: str) -> None:
    """Better or worse where the interval leaves zero on one side, by the metric's direction."""
    line = Line("c", "m", "1", direction, "quality", ())  # type: ignore[arg-type]

    assert told_apart(line, entry) == words
