"""Colours: readable in light and in dark, computed from the style sheet itself."""

from __future__ import annotations

import re
from importlib.resources import files

import pytest

STYLE = (files("harness.render") / "report.css").read_text(encoding="utf-8")
LIGHT_TEXT, DARK_TEXT = STYLE.split("@media (prefers-color-scheme: dark)")

TEXT_ON = [
    (text, ground) for text in ("ink", "muted", "accent", "good", "warn", "bad") for ground in ("bg", "surface", "muted-bg")
] + [
    *((tone, f"{tone}-bg") for tone in ("good", "warn", "bad")),
    *(("ink", f"{tone}-bg") for tone in ("good", "warn", "bad")),
    *((plot, "surface") for plot in ("plot-main", "plot-reference", "plot-target")),
]
"""Pairs of text and ground that the page uses; plots write in their colours too."""


def palette(theme: str) -> dict[str, str]:
    """Return the colour variables of a theme."""
    source = LIGHT_TEXT if theme == "light" else DARK_TEXT
    block = source[source.index(":root") : source.index("}", source.index(":root"))]
    return dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", block))


def luminance(colour: str) -> float:
    """Return relative luminance as WCAG 2.2 defines it."""
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """Return the contrast ratio of two colours."""
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_contrast_formula() -> None:
    """Black on white is 21 to 1, as WCAG says."""
    assert contrast("#000000", "#ffffff") == pytest.approx(21)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize(("text", "ground"), TEXT_ON)
def test_text_can_be_read(theme: str, text: str, ground: str) -> None:
    """Every text colour on every ground that it stands on has a contrast of at least 4.5 to 1 (WCAG AA)."""
    colours = palette(theme)

    assert contrast(colours[text], colours[ground]) >= 4.5


def test_both_themes_define_the_same_colours() -> None:
    """A colour that only one theme had would be unreadable in the other."""
    assert palette("light").keys() == palette("dark").keys()


def test_style_uses_only_colours_of_the_palette() -> None:
    """No rule outside the palettes names a colour of its own."""
    rules = re.sub(r":root \{.*?\}", "", STYLE, flags=re.DOTALL)

    assert re.findall(r"#[0-9a-fA-F]{3,8}\b|rgba?\(|hsla?\(", rules) == []
    assert set(re.findall(r"var\(--([\w-]+)", rules)) <= palette("light").keys()


def test_plots_use_colours_that_the_page_has() -> None:
    """Each variable that a plot refers to is defined by the page."""
    from harness.report._plot import VARIABLES

    names = {re.findall(r"--([\w-]+)", value)[0] for value in VARIABLES.values()}
    assert names <= palette("light").keys()
