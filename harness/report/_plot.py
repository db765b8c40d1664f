"""Draws plots as SVG that takes its colours from the page, so that one drawing suits light and dark.

Matplotlib draws with placeholder colours, which are replaced by CSS variables. Equal data gives equal bytes: the
salt of ids is fixed, no date or version is written, coordinates are rounded to 1/100 of a point.
"""

from __future__ import annotations

import hashlib
import io
import math
import re
from collections.abc import Callable
from html import escape
from typing import TYPE_CHECKING, Any, TypeAlias

from harness.units import show

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    Painter: TypeAlias = Callable[[Axes], None]

INK, MUTED, GRID = "#010101", "#020202", "#030303"
MAIN, REFERENCE, TARGET = "#040404", "#050505", "#060606"

VARIABLES = {
    INK: "var(--ink,#1b1f24)",
    MUTED: "var(--muted,#57606a)",
    GRID: "var(--line,#d8dce1)",
    MAIN: "var(--plot-main,#0067a5)",
    REFERENCE: "var(--plot-reference,#b84a00)",
    TARGET: "var(--plot-target,#00785a)",
}
"""Placeholder colour -> what the page says. The three plot colours are told apart with any colour vision."""

WIDTH, HEIGHT = 360, 210
"""Size of a plot in points; one point is about one pixel on a phone."""

STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.size": 10.5,
    "text.parse_math": False,
    "text.color": INK,
    "axes.edgecolor": GRID,
    "axes.labelcolor": MUTED,
    "axes.labelsize": 10.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.formatter.useoffset": False,
    "axes.formatter.limits": (-6, 9),
    "grid.color": GRID,
    "grid.linewidth": 0.6,
    "xtick.color": GRID,
    "ytick.color": GRID,
    "xtick.labelcolor": MUTED,
    "ytick.labelcolor": MUTED,
    "xtick.major.size": 0,
    "ytick.major.size": 0,
    "xtick.minor.size": 0,
    "ytick.minor.size": 0,
    "path.simplify": False,
}


def plot(key: str, alt: str, paint: Painter, height: int = HEIGHT, left: int = 52, bottom: int = 38) -> str:
    """Return a plot as an <svg> element.

    Args:
        key: unique in a report; the plot's ids are made from it.
        alt: what the plot shows, for readers who cannot see it.
        paint: draws on the axes it is given.
        height: of the whole plot, points.
        left: room for labels on the left, points.
        bottom: room for labels below, points.
    """
    import matplotlib as mpl
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    with mpl.rc_context({**_defaults(), **STYLE, "svg.hashsalt": key}):
        figure = Figure(figsize=(WIDTH / 72, height / 72))
        FigureCanvasSVG(figure)
        axes = figure.add_subplot()
        paint(axes)
        figure.subplots_adjust(left=left / WIDTH, right=1 - 12 / WIDTH, top=1 - 12 / height, bottom=bottom / height)
        buffer = io.StringIO()
        figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    return _clean(buffer.getvalue(), key, alt)


def _defaults() -> dict[Any, Any]:
    """Return matplotlib's own settings, so that a reader's matplotlibrc changes nothing."""
    import matplotlib as mpl

    return {name: value for name, value in mpl.rcParamsDefault.items() if not name.startswith(("backend", "interactive"))}


def format_axis(axes: Axes, which: str, unit: str) -> None:
    """Label an axis' ticks in `unit`, as everywhere else in the report; bytes are ticked at powers of two."""
    axis = axes.xaxis if which == "x" else axes.yaxis
    if unit == "By":
        from matplotlib.ticker import MultipleLocator

        low, high = axis.get_view_interval()
        axis.set_major_locator(MultipleLocator(2.0 ** math.ceil(math.log2(max(high - low, 1) / 4))))
    if unit != "1":
        axis.set_major_formatter(lambda value, _: show(value, unit))


def reference_line(axes: Axes, value: float, words: str, colour: str, right: bool, below: bool) -> None:
    """Draw a dashed horizontal line with its name at one end, above or below it."""
    axes.axhline(value, color=colour, linestyle=(0, (4, 3)), linewidth=1.4)
    place, ha = (1, "right") if right else (0, "left")
    offset = (-3 if right else 3, -11 if below else 4)
    axes.annotate(words, (place, value), offset, ("axes fraction", "data"), "offset points", color=colour, ha=ha)


def _clean(svg: str, key: str, alt: str) -> str:
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<!--.*?-->|<metadata>.*?</metadata>|<style.*?</style>", "", svg, flags=re.DOTALL)
    svg = re.sub(r"<[^>]+>", lambda tag: _clean_tag(tag[0]), svg)
    svg = _rename_ids(svg, hashlib.sha256(key.encode()).hexdigest()[:8])
    svg = re.sub(r">\s+<", "><", svg).replace("<g/>", "").replace("<defs></defs>", "")
    head, body = svg.split(">", 1)
    head = re.sub(r' (width|height|version)="[^"]*"', "", head)
    text = escape(alt, quote=True)
    return f'{head} role="img" aria-label="{text}" stroke-linejoin="round"><title>{text}</title>{body.strip()}'


def _clean_tag(tag: str) -> str:
    tag = re.sub(r"-?\d+\.\d{3,}", lambda number: f"{float(number[0]):.2f}".rstrip("0").rstrip("."), tag)
    tag = re.sub(r"\s+", " ", re.sub(r"font-family: [^;\"]*;? ?| transform=\"rotate\(-0 [^\"]*\"", "", tag))
    return re.sub(r"#0[1-6]0[1-6]0[1-6]", lambda colour: VARIABLES.get(colour[0], colour[0]), tag)


def _rename_ids(svg: str, prefix: str) -> str:
    """Drop ids that nothing refers to and make the others unique on a page with several plots."""
    used = set(re.findall(r'(?:url\(|href=")#([^)"]+)', svg))
    svg = re.sub(r' id="([^"]+)"', lambda found: f' id="{prefix}-{found[1]}"' if found[1] in used else "", svg)
    return re.sub(r'(url\(|href=")#', rf"\1#{prefix}-", svg)
