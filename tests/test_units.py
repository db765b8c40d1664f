"""Numbers as people read them."""

from __future__ import annotations

import math

import pytest

from harness.units import FORMATTERS, is_known, show


@pytest.mark.parametrize(
    ("value", "unit", "expected"),
    [
        (0.0123, "s", "12.3 ms"),
        (3.14159, "s", "3.14 s"),
        (4.2e-7, "s", "420 ns"),
        (0.0, "s", "0 s"),
        (1536.0, "By", "1.50 KiB"),
        (3 * 2**30, "By", "3.00 GiB"),
        (12.0, "By", "12 B"),
        (0.9914, "1", "0.9914"),
        (1.4512e-6, "1", "1.45e-06"),
        (0.0, "1", "0.0000"),
        (61706.0, "{parameter}", "61,706"),
        (9123.0, "{sample}/s", "9.12 ksamples/s"),
        (91234.0, "{sample}/s", "91.2 ksamples/s"),
        (350.04, "W", "350 W"),
        (1.98e9, "Hz", "1.98 GHz"),
        (64.0, "Cel", "64.0 °C"),
        (0.0314, "J/{sample}", "0.0314 J/sample"),
        (14.0, "{model}", "14 models"),
        (1.0, "{run}", "1 run"),
        (2_498_600.0, "{flop}", "2,498,600 flops"),
        (2.5, "{game}", "2.5000 games"),
        (0.0000012, "s/{token}", "1.20 µs/token"),
        (3.0, "{action}/{game}", "3 actions/game"),
        (1.5, "furlong", "1.5000 furlong"),
        (math.inf, "s", "∞"),
        (None, "s", "n/a"),
        (math.nan, "1", "n/a"),
    ],
)
def test_values_are_shown_in_readable_units(value: float | None, unit: str, expected: str) -> None:
    """Three significant digits, the prefix that fits, n/a for what is not there."""
    assert expected == show(value, unit)


@pytest.mark.parametrize("unit", FORMATTERS)
@pytest.mark.parametrize("value", [-1234.5, 0.0, 1e-12, 1e15])
def test_every_unit_shows_every_size(unit: str, value: float) -> None:
    """No value makes a formatter fail or answer with nothing."""
    assert show(value, unit)


def test_a_unit_is_known_if_its_values_have_a_form_for_people() -> None:
    """The formatters' own, counts of anything, and one of these per count."""
    assert all(map(is_known, FORMATTERS))
    assert all(map(is_known, ("{model}", "s/{token}", "{action}/{game}", "By/{step}/{sample}")))
    assert not any(map(is_known, ("", "furlong", "seconds", "ms", "s/token", "{two words}", "/{step}", "{step}/s/s")))
