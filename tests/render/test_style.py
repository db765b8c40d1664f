"""Colours: readable in light and in dark, computed from the style sheet itself."""

from __future__ import annotations

import math
import re
from importlib.resources import files
from itertools import combinations

import pytest

from harness.report._charts._heat import DARK

SHEETS = {
    name: (files("harness.render") / f"{name}.css").read_text(encoding="utf-8")
    for name in ("report", "charts", "light", "dark")
}

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
    return dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", SHEETS[theme]))


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


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("mark", ["plot-main", "plot-reference", "plot-target", "ink", "muted"])
def test_marks_can_be_seen(theme: str, mark: str) -> None:
    """What draws a number stands out from its ground by 3 to 1 (WCAG AA, non-text)."""
    colours = palette(theme)

    assert contrast(colours[mark], colours["surface"]) >= 3


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("shade", range(1, 9))
def test_numbers_on_shades_can_be_read(theme: str, shade: int) -> None:
    """On each shade of a confusion matrix its numbers, in ink or in the paper's colour, have a contrast of 4.5 to 1."""
    colours = palette(theme)
    rule = re.findall(rf"\.h{shade} {{ fill: var\(--plot-main\);(?: fill-opacity: ([\d.]+);)? }}", SHEETS["charts"])
    ground = mixed(colours["plot-main"], colours["surface"], float(rule[0] or 1))

    assert contrast(colours["surface" if shade > DARK else "ink"], ground) >= 4.5


def mixed(colour: str, ground: str, share: float) -> str:
    """Return a colour laid over a ground."""
    parts = [
        round(share * int(colour[place : place + 2], 16) + (1 - share) * int(ground[place : place + 2], 16))
        for place in (1, 3, 5)
    ]
    return "#" + "".join(f"{part:02x}" for part in parts)


SIGHT = {
    "all cones": ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)),
    "no red cones": ((0.11238, 0.88762, 0.0), (0.11238, 0.88762, 0.0), (0.00401, -0.00401, 1.0)),
    "no green cones": ((0.29275, 0.70725, 0.0), (0.29275, 0.70725, 0.0), (-0.02234, 0.02234, 1.0)),
}
"""What becomes of linear RGB. Viénot, Brettel & Mollon, "Digital video colourmaps for checking the legibility of displays by
dichromats", Color Research and Application 24 (1999)."""


def seen(colour: str, sight: str) -> tuple[float, float, float]:
    """Return a colour as it is seen, in CIE L*a*b* (D65), where a distance of 2 is just noticed."""
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    red, green, blue = (sum(weight * part for weight, part in zip(row, linear, strict=True)) for row in SIGHT[sight])
    xyz = (
        (0.4124 * red + 0.3576 * green + 0.1805 * blue) / 0.95047,
        0.2126 * red + 0.7152 * green + 0.0722 * blue,
        (0.0193 * red + 0.1192 * green + 0.9505 * blue) / 1.08883,
    )
    x, y, z = (max(part, 0.0) ** (1 / 3) if part > 0.008856 else 7.787 * part + 16 / 116 for part in xyz)
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("sight", SIGHT)
@pytest.mark.parametrize("pair", list(combinations(("plot-main", "plot-reference", "plot-target"), 2)), ids="-".join)
def test_colours_of_marks_differ_with_any_colour_vision(theme: str, sight: str, pair: tuple[str, str]) -> None:
    """Plain, worse and better are ten times further apart than what is just noticed, without red or green cones too."""
    one, other = (seen(palette(theme)[name], sight) for name in pair)

    assert math.dist(one, other) > 20


def test_style_uses_only_colours_of_the_palette() -> None:
    """No rule outside the palettes names a colour of its own."""
    rules = SHEETS["report"] + SHEETS["charts"]

    assert re.findall(r"#[0-9a-fA-F]{3,8}\b|rgba?\(|hsla?\(", rules) == []
    assert set(re.findall(r"var\(--([\w-]+)", rules)) <= palette("light").keys() | {"mono"}


def test_plots_use_colours_that_the_page_has() -> None:
    """Each variable that a plot of a user's own refers to is defined by the page."""
    from harness.report._plot import VARIABLES

    names = {re.findall(r"--([\w-]+)", value)[0] for value in VARIABLES.values()}
    assert names <= palette("light").keys()
