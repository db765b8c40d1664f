"""A series over time, as flat as a line of text."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence

from harness.report._charts._scale import linear
from harness.report._charts._svg import image, path, place, polyline

WIDTH, HEIGHT = 2200, 260
EDGE = 70


def spark(alt: str, values: Sequence[float], changes: Collection[int] = (), apart: Collection[int] = ()) -> str:
    """Return a line through values, oldest first, with the last one marked.

    Args:
        alt: what the series shows.
        values: at least one.
        changes: places of the first value after each change, marked by an upright line.
        apart: places of values that cannot be compared with the last: shown as dots, and the line passes them over.
    """
    scale = linear(values, pad=0.0).between(HEIGHT - EDGE, EDGE)
    step = (WIDTH - 2 * EDGE) / max(1, len(values) - 1)
    xs = [EDGE + index * step for index in range(len(values))]
    points = [(x, scale(value)) for x, value in zip(xs, values, strict=True)]
    joined = [point for index, point in enumerate(points) if index not in apart]
    marks = "".join(f"M{place(xs[at] - step / 2)} 0v{HEIGHT}" for at in sorted(changes))
    dots = "".join(f"M{place(points[at][0])} {place(points[at][1])}h0" for at in sorted(apart) if math.isfinite(points[at][1]))
    end = "".join(f"M{place(x)} {place(y)}h0" for x, y in joined[-1:] if math.isfinite(y))
    body = path(marks, "v") + path(polyline(joined), "l") + path(dots, "p") + path(end, "lp")
    return image(WIDTH, HEIGHT, alt, body, "s t")
