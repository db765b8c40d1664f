"""From values to places on an axis, and which values to name there."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace

from harness.units import show

WIDE = 20
"""Largest value over smallest from which a logarithmic axis shows more than a linear one."""
NAMED = {"{sample}/s": "samples/s", "{flop}/{sample}": "FLOP/sample"}
"""Unit -> what is too long for every tick and stands in the axis' name instead."""


def named(title: str, unit: str) -> str:
    """Return an axis' name: what it shows, and its unit where ticks do not say it."""
    return f"{title}, {NAMED[unit]}" if unit in NAMED else title


@dataclass(frozen=True)
class Scale:
    """An axis: `low` is drawn at `start`, `high` at `end`, in tenths of a pixel."""

    low: float
    high: float
    start: float = 0.0
    end: float = 1.0
    log: bool = False

    def __call__(self, value: float) -> float:
        """Return where a value is drawn; NaN for what has no place."""
        if not math.isfinite(value) or (self.log and value <= 0):
            return math.nan
        forward = math.log if self.log else float
        share = (forward(value) - forward(self.low)) / (forward(self.high) - forward(self.low))
        return self.start + share * (self.end - self.start)

    def clamped(self, value: float) -> float:
        """Return where a value is drawn, or the end that it lies beyond."""
        return self(min(max(value, self.low), self.high)) if not math.isnan(value) else math.nan

    def between(self, start: float, end: float) -> Scale:
        """Return the same axis between other places."""
        return replace(self, start=start, end=end)

    def ticks(self, most: int = 5, unit: str = "1") -> list[float]:
        """Return round values on the axis, at most about `most`."""
        if self.log:
            found = [tick for tick in _decades(self.low, self.high, unit) if self.low <= tick <= self.high]
            return found[:: math.ceil(len(found) / most)] if len(found) > most else found
        step = _round_step((self.high - self.low) / most, unit)
        first, last = math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9)
        return [place * step for place in range(first, last + 1)]

    def labels(self, ticks: Iterable[float], unit: str) -> list[str]:
        """Return ticks in words: plain numbers with as many decimals as tell them apart, all else in its unit."""
        ticks = list(ticks)
        if unit not in ("1", "{step}", "{sample}"):
            return [_short(show(tick, unit).removesuffix(NAMED.get(unit, "")).rstrip()) for tick in ticks]
        if self.log:
            return [f"{tick:g}" for tick in ticks]
        step = abs(ticks[1] - ticks[0]) if len(ticks) > 1 else abs(self.high - self.low)
        decimals = min(8, max(0, -math.floor(math.log10(step) + 1e-9))) if step else 0
        return [f"{tick + 0.0:,.{decimals}f}".replace("-", "−") for tick in ticks]


def linear(values: Iterable[float], pad: float = 0.06, zero: bool = False) -> Scale:
    """Return an axis that holds finite values with some room beyond; equal values get room on both sides.

    Args:
        values: those without a number are passed over.
        pad: room at either end, as a share of the whole.
        zero: whether the axis starts at 0.
    """
    finite = [value for value in values if math.isfinite(value)]
    low, high = (min(finite), max(finite)) if finite else (0.0, 1.0)
    if zero:
        low = min(low, 0.0)
        high = max(high, 0.0)
    if high - low <= 1e-12 * max(abs(low), abs(high)):  # all the same
        room = abs(high) / 10 or 1.0
        return Scale(0.0, high + room) if zero and high >= 0 else Scale(low - room, high + room)
    room = pad * (high - low)
    return Scale(low if zero and low == 0 else low - room, high + room)


def logarithmic(values: Iterable[float], pad: float = 0.06) -> Scale:
    """Return a logarithmic axis that holds the positive values."""
    finite = [value for value in values if math.isfinite(value) and value > 0]
    low, high = (min(finite), max(finite)) if finite else (1.0, 10.0)
    room = (high / low) ** pad if high > low * (1 + 1e-9) else 2.0
    return Scale(low / room, high * room, log=True)


def spanning(values: Iterable[float], pad: float = 0.06) -> Scale:
    """Return a logarithmic axis where positive values differ by a factor of twenty or more, else a linear one."""
    finite = [value for value in values if math.isfinite(value)]
    wide = bool(finite) and min(finite) > 0 and max(finite) / min(finite) >= WIDE
    return logarithmic(finite, pad) if wide else linear(finite, pad)


def _round_step(rough: float, unit: str) -> float:
    """Return the round step at or above a rough one: 1, 2 or 5 times a power of ten; of bytes a power of two."""
    if rough <= 0 or not math.isfinite(rough):
        return 1.0
    if unit == "By":
        return 2.0 ** math.ceil(math.log2(rough) - 1e-9)
    power = 10.0 ** math.floor(math.log10(rough))
    step = next((factor * power for factor in (1, 2, 5) if factor * power >= rough * (1 - 1e-9)), 10 * power)
    return max(step, 1.0) if unit == "{step}" else step


def _decades(low: float, high: float, unit: str) -> list[float]:
    """Return powers of ten (of bytes: of 1024) within an axis, with steps between them where there are few."""
    if unit == "By":
        first, last = math.floor(math.log2(low)), math.ceil(math.log2(high))
        size = max(1, round((last - first) / 5))
        return [2.0**power for power in range(first - first % size, last + 1, size)]
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for factors in ((1,), (1, 3), (1, 2, 5)):
        found = [factor * 10.0**power for power in powers for factor in factors]
        if sum(low <= tick <= high for tick in found) >= 3:
            return found
    return found


def _short(text: str) -> str:
    """Return a label without decimals that say nothing: '200 ms' for '200.0 ms', '1 GiB' for '1.00 GiB'."""
    number, space, unit = text.partition(" ")
    number = number.rstrip("0").rstrip(".") if "." in number else number
    return f"{number.replace('-', '−')}{space}{unit}"
