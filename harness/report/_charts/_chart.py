"""A chart with two axes: lines, bands, points and named levels."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from harness.report._charts._scale import Scale
from harness.report._charts._svg import area, image, label, path, place, polyline, titled, width_of

WIDTH, HEIGHT = 3000, 1850
"""Size of a chart, tenths of a pixel."""
LEFT, RIGHT, TOP, BOTTOM = 480, 110, 110, 370
"""Room around the axes."""
LINE = 105
"""Height of a line of text."""

Box = tuple[float, float, float, float]
"""Left, top, right and bottom."""


class Mark(NamedTuple):
    """One point of a scatter."""

    x: float
    y: float
    words: str
    """What it stands for, shown where a pointer rests on it."""
    cls: str = "d"
    name: str = ""
    """Written beside it; '' for nothing."""


class Chart:
    """Draws on two axes from first to last; `svg` gives the whole."""

    def __init__(
        self,
        x: Scale,
        y: Scale,
        units: tuple[str, str] = ("1", "1"),
        names: tuple[str, str] = ("", ""),
        height: int = HEIGHT,
        width: int = WIDTH,
    ) -> None:
        self.width, self.height = width, height
        ticks = y.labels(y.ticks(5, units[1]), units[1])
        self.left = max(LEFT, (190 if names[1] else 80) + max((width_of(tick) for tick in ticks), default=0))
        self.bottom = height - (BOTTOM if names[0] else BOTTOM - LINE - 20)
        self.x = x.between(self.left, width - RIGHT)
        self.y = y.between(self.bottom, TOP)
        self._parts = [self._grid(units, names)]
        self._taken: list[Box] = []

    def line(self, xs: Sequence[float], ys: Sequence[float], cls: str = "l", dots: bool = False) -> None:
        """Draw a line; where a value has no place it breaks. With `dots`, each point is marked too."""
        points = [(self.x(x), self.y.clamped(y)) for x, y in zip(xs, ys, strict=True)]
        self._parts.append(path(polyline(points), cls))
        if dots:
            self._parts.append(path("".join(f"M{place(x)} {place(y)}h0" for x, y in points if math.isfinite(x + y)), f"{cls}p"))

    def band(self, xs: Sequence[float], lows: Sequence[float], highs: Sequence[float], cls: str = "b") -> None:
        """Fill the stretch between two lines."""
        tops, bottoms = ([(self.x(x), self.y.clamped(y)) for x, y in zip(xs, ys, strict=True)] for ys in (highs, lows))
        self._parts.append(path(area(tops, bottoms), cls))

    def steps(self, xs: Sequence[float], ys: Sequence[float], cls: str = "r") -> None:
        """Draw a line that runs level to each next point and then up or down to it."""
        points: list[tuple[float, float]] = []
        for x, y in zip(xs, ys, strict=True):
            if points:
                points.append((self.x(x), points[-1][1]))
            points.append((self.x(x), self.y.clamped(y)))
        self._parts.append(path(polyline(points), cls))

    def level(self, value: float, words: str, cls: str = "r", right: bool = False, below: bool = False) -> None:
        """Draw a dashed horizontal line with its name at one end, above or below it."""
        at = self.y.clamped(value)
        self._parts.append(path(f"M{place(self.left)} {place(at)}H{self.width - RIGHT}", f"{cls} h"))
        x = self.width - RIGHT - 30 if right else self.left + 30
        self._parts.append(label(x, at + (LINE if below else -35), words, f"{cls}t{' e' if right else ''}"))

    def moment(self, value: float, words: str, cls: str = "v") -> None:
        """Draw a dashed vertical line with its name at its top."""
        at = self.x(value)
        self._parts.append(path(f"M{place(at)} {TOP}V{self.bottom}", f"{cls} h"))
        end = at + 30 + width_of(words) > self.width - RIGHT
        self._parts.append(label(at + (-30 if end else 30), TOP + 80, words, f"{cls}t{' e' if end else ''}"))

    def points(self, marks: Sequence[Mark]) -> None:
        """Draw points, and the names of those that have one, first come first served: a name that has no room is left out."""
        for mark in marks:
            x, y = self.x.clamped(mark.x), self.y.clamped(mark.y)
            self._parts.append(
                f'<circle class="{mark.cls}" cx="{place(x)}" cy="{place(y)}" r="42">{titled(mark.words)}</circle>'
            )
            self._taken.append((x - 45, y - 45, x + 45, y + 45))
        for mark in marks:
            if mark.name:
                self._name(self.x.clamped(mark.x), self.y.clamped(mark.y), mark.name)

    def svg(self, alt: str) -> str:
        """Return the whole chart, with words in its place."""
        return image(self.width, self.height, alt, "".join(self._parts))

    def _name(self, x: float, y: float, words: str) -> None:
        """Write a point's name beside, above or below it, where there is room."""
        wide = width_of(words)
        for left, top, cls in (
            (x + 70, y - 50, ""),
            (x - 70 - wide, y - 50, "e"),
            (x - wide / 2, y - 160, "c"),
            (x - wide / 2, y + 60, "c"),
        ):
            box = (left, top, left + wide, top + LINE)
            if self._free(box):
                self._taken.append(box)
                anchor = {"": left, "e": left + wide, "c": x}[cls]
                self._parts.append(label(anchor, top + 85, words, f"i {cls}".strip()))
                return

    def _free(self, box: Box) -> bool:
        """Return whether a box is within the chart and touches nothing that is named already."""
        left, top, right, bottom = box
        inside = left >= self.left and right <= self.width - 20 and top >= TOP - 60 and bottom <= self.bottom
        return inside and not any(_overlap(box, other) for other in self._taken)

    def _grid(self, units: tuple[str, str], names: tuple[str, str]) -> str:
        """Return lines at round values, their labels and the axes' names."""
        bottom, right = self.bottom, self.width - RIGHT
        across, up = self.x.ticks(5, units[0]), self.y.ticks(5 if self.height > 1600 else 3, units[1])
        data = "".join(f"M{place(self.x(tick))} {TOP}V{bottom}" for tick in across)
        data += "".join(f"M{place(self.left)} {place(self.y(tick))}H{right}" for tick in up)
        parts = [path(data, "g")]
        parts += _row_of_labels([self.x(tick) for tick in across], self.x.labels(across, units[0]), bottom + 125, right)
        parts += [
            label(self.left - 50, self.y(tick) + 38, words, "e")
            for tick, words in zip(up, self.y.labels(up, units[1]), strict=True)
        ]
        parts += [label((self.left + right) / 2, self.height - 50, names[0], "c")] if names[0] else []
        parts += [label(110, (TOP + bottom) / 2, names[1], "c", turned=True)] if names[1] else []
        return "".join(parts)


def _row_of_labels(places: Sequence[float], words: Sequence[str], y: float, right: float) -> list[str]:
    """Return labels below an axis, those left out that would touch the one before."""
    found, taken = [], -math.inf
    for at, text in zip(places, words, strict=True):
        half = width_of(text) / 2
        if at - half < taken + 40:
            continue
        end = at + half > right + RIGHT
        found.append(label(right + RIGHT - 10 if end else at, y, text, "e" if end else "c"))
        taken = at + half
    return found


def _overlap(one: Box, other: Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
