"""Plots: the same bytes every time, well-formed, in the page's colours, with words for those who cannot see them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from xml.etree import ElementTree

import pytest

from harness.report._plot import INK, MAIN, REFERENCE, VARIABLES, format_axis, plot

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SVG = "{http://www.w3.org/2000/svg}"


def paint(axes: Axes) -> None:
    """Draw a line, markers and a label with characters that markup would trip over."""
    axes.plot([0, 1, 2], [0.1, 0.123456, 0.3], "o-", color=MAIN)
    axes.axvline(1, color=REFERENCE)
    axes.annotate("a < b & $c$", (0, 0.2), color=INK)
    format_axis(axes, "y", "s")


def test_same_plot_same_bytes() -> None:
    """Two drawings of the same data are equal."""
    assert plot("k", "alt", paint) == plot("k", "alt", paint)


def test_plot_is_an_image_with_words() -> None:
    """A plot is well-formed XML, an image to assistive technology, named by its text alternative."""
    root = ElementTree.fromstring(plot("k", 'Half of "x" < 3 & more.', paint))

    assert root.tag == f"{SVG}svg"
    assert (root.get("role"), root.get("aria-label")) == ("img", 'Half of "x" < 3 & more.')
    title = root.find(f"{SVG}title")
    assert title is not None
    assert title.text == 'Half of "x" < 3 & more.'


def test_plot_scales_with_the_page() -> None:
    """A plot has a view box and no size of its own."""
    root = ElementTree.fromstring(plot("k", "alt", paint, height=120))

    assert root.get("viewBox") == "0 0 360 120"
    assert root.get("width") is None


def test_text_is_text_and_read_as_nothing_else() -> None:
    """Labels are selectable text, escaped, and dollar signs start no formula."""
    labels = [element.text for element in ElementTree.fromstring(plot("k", "alt", paint)).iter(f"{SVG}text")]

    assert "a < b & $c$" in labels


def test_ticks_are_in_the_reports_units() -> None:
    """An axis in seconds is labelled as seconds are everywhere in the report."""
    labels = [element.text for element in ElementTree.fromstring(plot("k", "alt", paint)).iter(f"{SVG}text")]

    assert "200 ms" in labels


def test_bytes_are_ticked_at_powers_of_two() -> None:
    """An axis of bytes has whole units, which decimal steps would not give."""

    def memory(axes: Axes) -> None:
        axes.plot([0, 1], [0, 3 * 2**30])
        format_axis(axes, "y", "By")

    labels = [element.text for element in ElementTree.fromstring(plot("k", "alt", memory)).iter(f"{SVG}text")]

    assert {"0 B", "1.00 GiB", "2.00 GiB", "3.00 GiB"} <= set(labels)


def test_colours_come_from_the_page() -> None:
    """No placeholder is left and the colours are CSS variables, so that both themes suit."""
    svg = plot("k", "alt", paint)

    assert not [colour for colour in VARIABLES if colour in svg]
    assert "var(--plot-main," in svg
    assert "var(--ink," in svg


def test_nothing_tells_when_or_by_what_it_was_drawn() -> None:
    """No date, version, comment or style sheet of matplotlib's is left."""
    svg = plot("k", "alt", paint)

    assert not re.search(r"matplotlib|<!--|<metadata|<style|\d{4}-\d\d-\d\d", svg, re.IGNORECASE)


def test_ids_of_two_plots_differ_and_are_all_used() -> None:
    """Plots on one page share no id, and every id is referred to."""
    ids = [set(re.findall(r' id="([^"]+)"', plot(key, "alt", paint))) for key in ("one", "two")]
    used = set(re.findall(r'(?:url\(|href=")#([^)"]+)', plot("one", "alt", paint)))

    assert ids[0]
    assert not ids[0] & ids[1]
    assert ids[0] == used


def test_coordinates_are_short() -> None:
    """Coordinates hold at most two decimals: a plot is small."""
    tags = "".join(re.findall(r"<[^>]+>", plot("k", "alt", paint)))

    assert not re.search(r"\d\.\d{3}", tags)


def test_a_readers_settings_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Drawing does not depend on matplotlib's settings, nor change them."""
    import matplotlib as mpl

    expected = plot("k", "alt", paint)
    monkeypatch.setitem(mpl.rcParams, "axes.facecolor", "red")
    monkeypatch.setitem(mpl.rcParams, "font.size", 30.0)

    assert plot("k", "alt", paint) == expected
    assert mpl.rcParams["font.size"] == 30.0
