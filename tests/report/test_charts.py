"""Drawings: places that follow from the numbers, few bytes, words in their place, and the same every time."""

from __future__ import annotations

import math
import re
from importlib.resources import files
from xml.etree import ElementTree

import pytest
from matplotlib import ticker

from harness.report._charts import Chart, Mark, Scale, Strip, heat, linear, logarithmic, spanning, spark
from harness.report._charts._svg import area, polyline
from tests.report.support import points_of

CSS = (files("harness.render") / "charts.css").read_text(encoding="utf-8")


def chart() -> Chart:
    """Return a chart with everything on it."""
    made = Chart(Scale(0, 10), Scale(0, 1), ("{step}", "1"), ("step", "loss"))
    made.band([0, 5, 10], [0.1, 0.2, 0.3], [0.3, 0.4, math.nan])
    made.line([0, 5, 10], [0.2, 0.3, 0.4], dots=True)
    made.steps([0, 5, 10], [0.2, 0.3, 0.4])
    made.level(0.5, "a < b & c")
    made.level(0.6, "target", "a", right=True, below=True)
    made.moment(5, "parts")
    made.points([Mark(2, 0.2, "one <1>", "d", "one"), Mark(2.01, 0.2, "two", "n", "two")])
    return made


def strip() -> str:
    """Return a strip with everything on it."""
    made = Strip(Scale(-3, 3))
    return made.row(
        "Everything.",
        made.zone(-1, 1),
        made.lines(0),
        made.bar(-9, 9),
        made.dots([0.1, 0.1, 0.2]),
        made.dot(0.5),
        made.dot(0.5, "x"),
        made.diamond(1),
        made.tick(2),
        made.ridge([-3, -1, 1, 3], [1, 5, 2]),
    )


DRAWINGS = {
    "chart": chart().svg("A chart."),
    "strip": strip(),
    "head": Strip(Scale(0, 1)).head("Axis: share."),
    "heat": heat("Shades.", ["a", "b"], [[3, 1], [0, 4]]),
    "spark": spark("A series.", [1.0, 2.0, 3.0], {1}, {0}),
}


@pytest.mark.parametrize("name", DRAWINGS)
def test_a_drawing_is_an_image_with_words(name: str) -> None:
    """Well-formed, an image to assistive technology, named by a sentence."""
    root = ElementTree.fromstring(DRAWINGS[name])

    assert root.attrib["role"] == "img"
    assert root.attrib["aria-label"].endswith(".")


@pytest.mark.parametrize("name", DRAWINGS)
def test_a_drawing_takes_its_looks_from_the_page(name: str) -> None:
    """No colour or width of its own, only classes, each of which the page's style sheet knows."""
    root = ElementTree.fromstring(DRAWINGS[name])
    classes = {cls for element in root.iter() for cls in element.get("class", "").split()}

    assert not re.search(r"style=|fill=|stroke=|#[0-9a-f]{3}", DRAWINGS[name])
    assert {cls for cls in classes if not re.search(rf"\.{cls}\b", CSS)} == set()


@pytest.mark.parametrize("name", DRAWINGS)
def test_coordinates_are_whole_numbers(name: str) -> None:
    """Tenths of a pixel need no decimals."""
    for element in ElementTree.fromstring(DRAWINGS[name]).iter():
        for attribute in ("d", "x", "y", "cx", "cy", "r", "viewBox"):
            assert re.fullmatch(r"[MLHVhvlz\s\d-]*", element.get(attribute, "")), element.attrib


def test_labels_are_no_markup() -> None:
    """What a label says is text, whatever it holds."""
    texts = [element.text for element in ElementTree.fromstring(DRAWINGS["chart"]).iter() if element.text]

    assert {"a < b & c", "one <1>"} <= set(texts)


def test_same_data_same_bytes() -> None:
    """Drawing again changes nothing."""
    assert (chart().svg("A chart."), strip()) == (DRAWINGS["chart"], DRAWINGS["strip"])


@pytest.mark.parametrize(
    "points",
    [
        [(0, 0), (3, 4), (-5, 2)],
        [(10, 20), (13, 18), (13, 25), (12, 25)],
        [(-3, -7), (0, 0)],
        [(100, 5)],
    ],
)
def test_a_path_goes_through_its_points(points: list[tuple[float, float]]) -> None:
    """Read back by SVG's rules, relative ways lead to the same places."""
    found = points_of(f'<svg><path class="l" d="{polyline(points)}"/></svg>', "l")

    assert found == (points if len(points) > 1 else points * 2)


def test_a_path_breaks_where_there_is_no_number() -> None:
    """A gap is a new start, not a line across it."""
    assert polyline([(0, 0), (1, 1), (2, math.nan), (3, 3), (4, 4)]) == "M0 0l1 1M3 3l1 1"


def test_equal_points_are_written_once() -> None:
    """Points that fall on the same tenth of a pixel cost nothing."""
    assert polyline([(0, 0), (0.2, 0.1), (5, 0)]) == "M0 0l5 0"


def test_an_area_goes_there_and_back() -> None:
    """Along the upper line to its end, and along the lower one to the start."""
    assert area([(0, 1), (2, 1)], [(0, 5), (2, 7)]) == "M0 1l2 0 0 6-2-2z"


def test_a_scale_puts_its_ends_at_its_ends() -> None:
    """The middle of a linear axis is the mean, that of a logarithmic one the geometric mean."""
    assert [Scale(0, 10, 100, 300)(value) for value in (0, 5, 10)] == [100, 200, 300]
    assert [Scale(1, 100, 0, 10, log=True)(value) for value in (1, 10, 100)] == pytest.approx([0, 5, 10])
    assert math.isnan(Scale(1, 100, log=True)(0))
    assert [Scale(0, 10, 0, 1).clamped(value) for value in (-5, 50)] == [0, 1]


@pytest.mark.parametrize("values", [[], [math.nan], [0.0, 0.0], [3.0], [-2.0, -2.0], [1e-9, 2e-9], [0.0, 1e12]])
def test_any_values_make_an_axis(values: list[float]) -> None:
    """An axis has a length whatever it is made from, and every finite value has a place on it."""
    for make in (linear, spanning, logarithmic):
        scale = make(values).between(0, 100)
        assert scale.low < scale.high
        finite = [value for value in values if math.isfinite(value) and (value > 0 or not scale.log)]
        assert all(0 <= scale(value) <= 100 for value in finite)
        assert all(0 <= scale(tick) <= 100 for tick in scale.ticks())


@pytest.mark.parametrize(("low", "high"), [(0, 1), (0.913, 0.987), (-3, 3), (0, 12345), (1e-5, 3e-5), (17, 4711)])
def test_ticks_are_those_that_matplotlib_would_choose_from(low: float, high: float) -> None:
    """Round values, 1, 2 or 5 times a power of ten apart, as matplotlib's locator takes them at some number of ticks."""
    ticks = Scale(low, high).ticks(5)
    others = [ticker.MaxNLocator(count, steps=[1, 2, 5, 10]).tick_values(low, high) for count in range(2, 12)]

    assert 2 <= len(ticks) <= 6
    assert any(all(min(abs(tick - other) for other in chosen) < 1e-9 * high for tick in ticks) for chosen in others)


def test_bytes_are_ticked_at_powers_of_two() -> None:
    """An axis of bytes has whole units, which decimal steps would not give."""
    scale = linear([0.0, 3 * 2.0**30], zero=True)

    assert scale.labels(scale.ticks(5, "By"), "By") == ["0 B", "1 GiB", "2 GiB", "3 GiB"]


@pytest.mark.parametrize(
    ("scale", "unit", "labels"),
    [
        (Scale(0, 1), "1", ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]),
        (Scale(0, 0.31), "s", ["0 s", "100 ms", "200 ms", "300 ms"]),
        (Scale(0, 6), "{step}", ["0", "2", "4", "6"]),
        (Scale(-1, 1), "1", ["−1.0", "−0.5", "0.0", "0.5", "1.0"]),
        (Scale(0, 6000), "{sample}/s", ["0", "2 k", "4 k", "6 k"]),
        (Scale(1, 1000, log=True), "1", ["1", "10", "100", "1000"]),
    ],
)
def test_ticks_are_in_the_reports_units(scale: Scale, unit: str, labels: list[str]) -> None:
    """As everywhere else in the report, with no more decimals than tell them apart."""
    assert scale.labels(scale.ticks(5, unit), unit) == labels


@pytest.mark.parametrize(("values", "log"), [([1, 19], False), ([1, 20], True), ([0, 100], False), ([-1, 100], False)])
def test_a_wide_range_is_logarithmic(values: list[float], log: bool) -> None:
    """From a factor of twenty on, where all values are above zero."""
    assert spanning(values).log is log


def test_names_of_points_keep_clear_of_one_another() -> None:
    """Of two points at one place both are named, at different places; a name that has no room is left out."""
    made = Chart(Scale(0, 10), Scale(0, 1))
    made.points([Mark(5, 0.5, f"{name}", "d", "a name") for name in range(20)])
    names = [text for text in ElementTree.fromstring(made.svg("Points.")).iter("text") if text.text == "a name"]
    places = {(text.attrib["x"], text.attrib["y"]) for text in names}

    assert 2 <= len(places) == len(names) < 20


def test_a_named_point_stays_on_the_chart() -> None:
    """Near the right edge the name is written to the left."""
    made = Chart(Scale(0, 10), Scale(0, 1))
    made.points([Mark(10, 0.5, "x", "d", "a rather long name of a case")])
    (name,) = [text for text in ElementTree.fromstring(made.svg("A point.")).iter("text") if "rather" in (text.text or "")]

    assert name.attrib["class"] == "i e"
    assert float(name.attrib["x"]) < made.x(10)
