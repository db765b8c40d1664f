"""Drawings as flat as a line of text, one a row of a table, over one axis that stands in the column's head."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

from harness.report._charts._scale import Scale
from harness.report._charts._svg import area, image, label, path, place, polyline, width_of

HEIGHT, MIDDLE = 200, 100
EDGE = 90
"""Room at either end, for half a mark and an arrow."""


class Strip:
    """One axis for many rows. Each method below gives a piece of a row's drawing; `row` puts them together."""

    def __init__(self, scale: Scale, unit: str = "1", width: int = 2200, most: int = 4) -> None:
        self.width, self.unit, self.most = width, unit, most
        self.scale = scale.between(EDGE, width - EDGE)

    def head(self, words: str, ticks: Sequence[tuple[float, str]] | None = None) -> str:
        """Return the axis for the column's head: round values, or those given, and small lines below them."""
        if ticks is None:
            found = self.scale.ticks(self.most, self.unit)
            ticks = list(zip(found, self.scale.labels(found, self.unit), strict=True))
        parts, taken = [], -math.inf
        for value, text in ticks:
            at, half = self.scale(value), width_of(text) / 2
            if at - half < taken + 30:
                continue
            taken = at + half
            cls, x = ("c", at) if half <= at <= self.width - half else ("", 0) if at < half else ("e", self.width)
            parts.append(label(x, 110, text, cls))
        data = "".join(f"M{place(self.scale(value))} 150v50" for value, _ in ticks)
        return image(self.width, HEIGHT, words, path(data, "g") + "".join(parts), "s")

    def row(self, alt: str, *pieces: str) -> str:
        """Return a row's drawing, with words in its place."""
        return image(self.width, HEIGHT, alt, "".join(pieces), "s")

    def lines(self, *values: float) -> str:
        """Return thin upright lines at values, such as zero."""
        return path("".join(f"M{place(self.scale(value))} 0v{HEIGHT}" for value in values), "g")

    def guides(self) -> str:
        """Return thin upright lines at the round values that the head names, so that a row can be read without it."""
        return self.lines(*self.scale.ticks(self.most, self.unit))

    def zone(self, low: float, high: float) -> str:
        """Return a shaded stretch, such as what is let pass."""
        start, end = place(self.scale.clamped(low)), place(self.scale.clamped(high))
        return path(f"M{start} 0H{end}V{HEIGHT}H{start}z", "z")

    def bar(self, low: float, high: float, cls: str = "w", height: float = MIDDLE) -> str:
        """Return a thick line from one value to another; an end beyond the axis is an arrow."""
        start, end = place(self.scale.clamped(low)), place(self.scale.clamped(high))
        at = place(height)
        arrows = f"M{start + 35} {at - 35}l-35 35 35 35" if low < self.scale.low else ""
        arrows += f"M{end - 35} {at - 35}l35 35-35 35" if high > self.scale.high else ""
        return path(f"M{start} {at}H{end}", cls) + path(arrows, "y")

    def dot(self, value: float, cls: str = "d", height: float = MIDDLE, radius: int = 38) -> str:
        """Return a dot; one that lies beyond the axis stands at its end."""
        return f'<circle class="{cls}" cx="{place(self.scale.clamped(value))}" cy="{place(height)}" r="{radius}"/>'

    def dots(self, values: Sequence[float], cls: str = "sd") -> str:
        """Return dots in a row, spread a little, so that equal ones stay apart."""
        heights = [MIDDLE + 22 * ((index * 2) % 5 - 2) for index in range(len(values))] if len(values) > 1 else [MIDDLE]
        data = "".join(f"M{place(self.scale.clamped(value))} {height}h0" for value, height in zip(values, heights, strict=True))
        return path(data, cls)

    def diamond(self, value: float, cls: str = "o") -> str:
        """Return a hollow diamond, such as a published value."""
        at = place(self.scale.clamped(value))
        return path(f"M{at} {MIDDLE - 48}l48 48-48 48-48-48z", cls)

    def tick(self, value: float, cls: str = "q") -> str:
        """Return an upright stroke, such as a median."""
        return path(f"M{place(self.scale.clamped(value))} 35V165", cls)

    def ridge(self, edges: Sequence[float], shares: Sequence[float], cls: str = "b") -> str:
        """Return a hill: how much of a distribution lies between two edges each, the highest as high as the row."""
        most = max(shares, default=0.0) or 1.0
        xs = [(self.scale.clamped(low) + self.scale.clamped(high)) / 2 for low, high in pairwise(edges)]
        tops = [(x, HEIGHT - 15 - share / most * (HEIGHT - 35)) for x, share in zip(xs, shares, strict=True)]
        return path(area(tops, [(x, HEIGHT - 15) for x, _ in tops]), cls) + path(polyline(tops), "rl")
