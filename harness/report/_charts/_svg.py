"""SVG as text: paths of whole numbers, labels, and the element around them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from html import escape
from itertools import groupby, pairwise

Point = tuple[float, float]

CHARACTER = 58
"""Mean width of a character of a label in tenths of a pixel; a little too much, so that labels keep clear of one another."""


def place(value: float) -> int:
    """Return a coordinate in whole tenths of a pixel."""
    return round(value)


def polyline(points: Iterable[Point]) -> str:
    """Return path data through points: absolute first, then the way to each next one. A point that is no number breaks it.

    Example:
        >>> polyline([(10, 20), (13, 18), (13, 25)])
        'M10 20l3-2 0 7'
    """
    runs = (list(run) for finite, run in groupby(points, key=_finite) if finite)
    return "".join(f"M{_pair(*run[0])}{_steps(run)}" for run in map(_whole, runs))


def area(upper: Sequence[Point], lower: Sequence[Point]) -> str:
    """Return path data of the stretch between two lines of the same x, in pieces where either is no number."""
    pairs = list(zip(upper, lower, strict=True))
    pieces = []
    for finite, run in groupby(pairs, key=lambda pair: _finite(pair[0]) and _finite(pair[1])):
        if finite:
            tops, bottoms = zip(*run, strict=True)
            pieces.append(f"{polyline([*tops, *reversed(bottoms)])}z")
    return "".join(pieces)


def _finite(point: Point) -> bool:
    return math.isfinite(point[0]) and math.isfinite(point[1])


def _whole(points: Iterable[Point]) -> list[tuple[int, int]]:
    """Return points as whole numbers, without repeating the one before."""
    found: list[tuple[int, int]] = []
    for x, y in points:
        if not found or found[-1] != (place(x), place(y)):
            found.append((place(x), place(y)))
    return found


def _steps(run: Sequence[tuple[int, int]]) -> str:
    """Return the ways from each point to the next; a lone point is a way of no length, which round caps make a dot."""
    ways = [(x - before_x, y - before_y) for (before_x, before_y), (x, y) in pairwise(run)] or [(0, 0)]
    return "l" + "".join(_joined(ways))


def _joined(ways: Iterable[tuple[int, int]]) -> Iterator[str]:
    first = True
    for x, y in ways:
        text = _pair(x, y)
        yield text if first or text[0] == "-" else f" {text}"
        first = False


def _pair(x: int, y: int) -> str:
    return f"{x}{y}" if y < 0 else f"{x} {y}"


def attributes(**given: str | int) -> str:
    """Return attributes, each with a space before it; those that are '' are left out. `cls` is the class."""
    names = {"cls": "class"}
    return "".join(f' {names.get(name, name)}="{value}"' for name, value in given.items() if value != "")


def path(data: str, cls: str, title: str = "") -> str:
    """Return a path of a class; nothing for no data. The title is shown where a pointer rests on it."""
    if not data:
        return ""
    return f"<path{attributes(cls=cls, d=data)}>{titled(title)}</path>" if title else f"<path{attributes(cls=cls, d=data)}/>"


def label(x: float, y: float, words: str, cls: str = "", turned: bool = False) -> str:
    """Return a label, escaped; `turned` reads from below to above."""
    at = attributes(x=place(x), y=place(y), cls=cls)
    turn = f' transform="rotate(-90 {place(x)} {place(y)})"' if turned else ""
    return f"<text{at}{turn}>{escape(words)}</text>"


def titled(words: str) -> str:
    """Return the element whose words are shown where a pointer rests."""
    return f"<title>{escape(words)}</title>"


def image(width: int, height: int, alt: str, body: str, cls: str = "k") -> str:
    """Return a whole <svg> element: an image to assistive technology, with words in its place.

    Args:
        width: of the drawing, tenths of a pixel.
        height: likewise.
        alt: what the drawing shows.
        body: elements, as the functions above make them.
        cls: `k` for a chart on its own, `s` for a strip within a table.
    """
    return f'<svg class="{cls}" viewBox="0 0 {width} {height}" role="img" aria-label="{escape(alt, quote=True)}">{body}</svg>'


def width_of(words: str) -> int:
    """Return about how wide a label is, in tenths of a pixel."""
    return CHARACTER * len(words)
