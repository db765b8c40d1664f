"""Curves on one line."""

from __future__ import annotations

import math

import pytest

from harness.cli._sparkline import sparkline


@pytest.mark.parametrize(
    ("values", "width", "expected"),
    [
        ([], 24, ""),
        ([0, 1, 2, 3, 4, 5, 6, 7], 24, "▁▂▃▄▅▆▇█"),
        ([5.0], 24, "▄"),
        ([2.0, 2.0, 2.0], 24, "▄▄▄"),
        ([8, 8, 4, 4, 0, 0], 3, "█▅▁"),
        ([1.0, math.nan, 3.0], 24, "▁×█"),
        ([math.inf, -math.inf, math.nan, math.nan], 2, "××"),
        ([3, 1, 1], 2, "█▁"),
    ],
)
def test_a_curve_is_drawn_by_the_means_of_its_stretches(values: list[float], width: int, expected: str) -> None:
    """Lowest to highest mean in eight heights; one height for equal values; a cross where a number is not finite."""
    assert sparkline(values, width) == expected


def test_a_long_curve_takes_no_more_than_its_width() -> None:
    """However many steps a training took; a falling loss falls from the first bar to the last."""
    drawn = sparkline([math.exp(-step / 300) for step in range(1000)], 20)

    assert len(drawn) == 20
    assert drawn == "".join(sorted(drawn, reverse=True))
    assert (drawn[0], drawn[-1]) == ("█", "▁")
