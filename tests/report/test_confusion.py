"""What was taken for what."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pandas as pd
from sklearn.metrics import confusion_matrix

from harness.report import Block, ReportData
from harness.report._charts import heat
from harness.report.confusion import confused
from tests.report.support import Trained, figures, make_case, make_suite, read, section, stored, texts, usual, values


def told(labels: list[int], predictions: list[int]) -> list[dict[str, int]]:
    """Return what a run stores: a row for each pair that occurs, counted by scikit-learn."""
    counts = confusion_matrix(labels, predictions)
    return [
        {"label": int(label), "predicted": int(predicted), "count": int(counts[label, predicted])}
        for label, predicted in np.argwhere(counts)
    ]


def with_confusions(results: Path, **runs: list[dict[str, int]]) -> ReportData:
    """Return a run set of two seeds, with the rows of each."""
    case = make_case(seeds=[1, 2])
    data = read(stored(results, make_suite(case), [Trained(case, seed, values(0.9)) for seed in case.seeds]))
    rows = [row | {"run_id": f"keras-{name[1:]}-1-solo"} for name, found in runs.items() for row in found]
    return replace(data, confusions=pd.DataFrame(rows))


def build(data: ReportData) -> list[Block]:
    """Return the section's blocks."""
    return list(section("confusion").build(data))


def test_nothing_is_drawn_where_nothing_is_stored(tmp_path: Path) -> None:
    """The section is left out of a report without predictions."""
    assert build(read(usual(tmp_path))) == []


def test_seeds_are_summed_and_the_worst_is_named(tmp_path: Path) -> None:
    """Counts of all seeds stand in one matrix; the commonest confusion is told, with its share of the class."""
    data = with_confusions(tmp_path, s1=told([0, 0, 1, 2], [0, 1, 1, 2]), s2=told([0, 1, 1, 2], [1, 1, 2, 2]))

    (figure,) = figures(build(data))

    assert figure.alt == "Confusions of keras: 5 of 8 right; most often 0 was taken for 1, 2 times."
    assert texts(figure.table) == [["0", "1", "2", "66.7 %"], ["1", "2", "1", "33.3 %"]]


def test_all_right_is_said(tmp_path: Path) -> None:
    """A perfect classifier has an empty table that says so."""
    (figure,) = figures(build(with_confusions(tmp_path, s1=told([0, 1], [0, 1]))))

    assert figure.alt == "Confusions of keras: 2 of 2 right."
    assert (figure.table.rows, figure.table.empty) == ((), "Every sample was told right.")


def test_confusions_are_ranked() -> None:
    """The commonest first, the classes' order where they are as common; what is right is none."""
    assert confused({(0, 0): 9, (2, 1): 3, (1, 2): 3, (0, 1): 5, (1, 0): 0}) == [(0, 1, 5), (1, 2, 3), (2, 1, 3)]


def test_shades_grow_with_the_share_of_the_row() -> None:
    """A class that is always told right is as dark as can be; a quarter, whose root is a half, is half as dark."""
    root = ElementTree.fromstring(heat("Two classes.", ["a", "b"], [[3, 1], [0, 400]]))
    shades = {path.attrib["class"]: path.attrib["d"].count("M") for path in root.iter("path") if path.attrib["class"] != "z"}

    assert shades == {"h7": 1, "h4": 1, "h8": 1}
    assert [text.text for text in root.iter("text") if text.text and text.text.isdigit()] == ["3", "1", "400"]


def test_many_classes_have_names_that_do_not_touch() -> None:
    """Of forty classes every second is named, and no number is written where there is no room."""
    names = [f"{number}" for number in range(40)]
    svg = heat("Forty classes.", names, np.eye(40, dtype=int).tolist())

    labels = [text.text for text in ElementTree.fromstring(svg).iter("text")]
    assert labels.count("1") == 0
    assert labels.count("38") == 2
