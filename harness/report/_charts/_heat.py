"""A table of counts as shades: what was what, and what it was taken for."""

from __future__ import annotations

import math
from collections.abc import Sequence

from harness.report._charts._svg import image, label, path, place, width_of

SIZE = 2600
"""Width of the field of cells, tenths of a pixel."""
SHADES = 8
"""Steps of shade above nothing at all."""
DARK = 6
"""The last shade on which numbers are written in ink; the page's colours are chosen for it."""


def heat(alt: str, names: Sequence[str], counts: Sequence[Sequence[int]]) -> str:
    """Return counts as shades of their row's sum: rows are what it was, columns what it was taken for.

    Cells of one shade are one path, so that many classes stay small; numbers are written where there is room for them.

    Args:
        alt: what the picture shows.
        names: of the classes, in order.
        counts: [truth][taken for], as many each as there are names.
    """
    side = SIZE // max(1, len(names))
    left = min(1400, 180 + max((width_of(name) for name in names), default=0))
    top, field = 290, side * len(names)
    shades = [[_shade(count, sum(row)) for count in row] for row in counts]
    parts = [path(f"M{left} {top}h{field}v{field}h-{field}z", "z")]
    for shade in range(1, SHADES + 1):
        data = "".join(
            f"M{left + column * side} {top + line * side}h{side}v{side}h-{side}z"
            for line, row in enumerate(shades)
            for column, found in enumerate(row)
            if found == shade
        )
        parts.append(path(data, f"h{shade}"))
    if side >= 190:
        parts += _numbers(counts, shades, left, top, side)
    step = max(1, -(-110 // side))  # so many classes that their names would touch: every second, third, …
    for index, name in enumerate(names[::step]):
        middle = (index * step + 0.5) * side
        parts.append(label(left - 40, top + middle + 38, name, "e"))
        if width_of(name) < side * step:
            parts.append(label(left + middle, top - 40, name, "c"))
    parts.append(label(left + field / 2, 90, "taken for", "c"))
    return image(left + field + 120, top + field + 60, alt, "".join(parts))


def _shade(count: int, total: int) -> int:
    """Return the shade of a count: 0 for none, else 1 to SHADES by the root of its share of the row, so that rare ones show."""
    return math.ceil(SHADES * math.sqrt(count / total)) if count else 0


def _numbers(counts: Sequence[Sequence[int]], shades: Sequence[Sequence[int]], left: int, top: int, side: int) -> list[str]:
    return [
        label(left + (column + 0.5) * side, place(top + (line + 0.5) * side) + 38, f"{count}", "c j" if shade > DARK else "c i")
        for line, row in enumerate(counts)
        for column, (count, shade) in enumerate(zip(row, shades[line], strict=True))
        if count and width_of(f"{count}") < side
    ]
