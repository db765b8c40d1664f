"""One formatter per unit (UCUM codes); the only place where values are scaled for people."""

from __future__ import annotations

import math
import re
from collections.abc import Callable

_PREFIXES = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))


def _significant(value: float, digits: int = 3) -> str:
    """Format with `digits` significant digits and no exponent: 1234.5 -> '1230', 0.0123 -> '0.0123'."""
    if value == 0:
        return "0"
    decimals = digits - 1 - math.floor(math.log10(abs(value)))
    rounded = round(value, decimals)
    return f"{rounded:.{max(decimals, 0)}f}"


def _seconds(value: float) -> str:
    for factor, unit in ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs")):
        if abs(value) >= factor:
            return f"{_significant(value / factor)} {unit}"
    return f"{_significant(value / 1e-9)} ns" if value else "0 s"


def _bytes(value: float) -> str:
    for exponent, unit in ((4, "TiB"), (3, "GiB"), (2, "MiB"), (1, "KiB")):
        if abs(value) >= 1024**exponent:
            return f"{_significant(value / 1024**exponent)} {unit}"
    return f"{value:.0f} B"


def _scaled(unit: str) -> Callable[[float], str]:
    def fmt(value: float) -> str:
        for factor, prefix in _PREFIXES:
            if abs(value) >= factor:
                return f"{_significant(value / factor)} {prefix}{unit}".rstrip()
        return f"{_significant(value)} {unit}".rstrip()

    return fmt


def _plain(value: float) -> str:
    if float(value).is_integer() and abs(value) >= 10:
        return f"{value:,.0f}"
    if 0 < abs(value) < 1e-4:
        return f"{value:.2e}"
    return f"{value:.4f}" if abs(value) < 10 else _significant(value, 5)


FORMATTERS: dict[str, Callable[[float], str]] = {
    "s": _seconds,
    "By": _bytes,
    "1": _plain,
    "{sample}/s": _scaled("samples/s"),
    "{flop}/{sample}": _scaled("FLOP/sample"),
    "{flop}/s": _scaled("FLOP/s"),
    "{sample}/{kernel}": _scaled("samples/kernel time"),
    "{operation}/{step}": lambda value: f"{value:,.1f} operations/step",
    "{call}/{step}": lambda value: f"{value:,.1f} calls/step",
    "{instruction}/{step}": lambda value: f"{value:,.1f} instructions/step",
    "By/{step}": lambda value: f"{_bytes(value)}/step",
    "{parameter}": lambda value: f"{value:,.0f}",
    "{step}": lambda value: f"{value:,.0f} steps",
    "{sample}": lambda value: f"{value:,.0f} samples",
    "J": _scaled("J"),
    "J/{sample}": _scaled("J/sample"),
    "W": _scaled("W"),
    "Hz": _scaled("Hz"),
    "Cel": lambda value: f"{_significant(value)} °C",
    "{cpu}": lambda value: f"{_significant(value)} CPUs",
    "{switch}/{step}": lambda value: f"{_significant(value)} switches/step",
    "%": lambda value: f"{_significant(value)} %",
    "1/{flop}": lambda value: f"{_significant(value * 1e12)} per TFLOP",
    "1/By": lambda value: f"{_significant(value * 1024**2)} per MiB",
}


PLAIN = tuple(unit for unit in FORMATTERS if "/" not in unit and "{" not in unit)
"""Units that are no counts of something, nor anything per something."""


def is_known(unit: str) -> bool:
    """Return whether values of a unit have a form for people: it is one of the formatters', a count `{model}`, or per count."""
    if unit in FORMATTERS or re.fullmatch(r"\{\w+\}", unit):
        return True
    per = re.fullmatch(r"(.+)/\{\w+\}", unit)
    return per is not None and is_known(per[1])


def _annotated(value: float, unit: str) -> str:
    """Format in a unit without a formatter: '14 models' of '{model}', '1.2 ms/token' of 's/{token}'."""
    if counted := re.fullmatch(r"\{(\w+)\}", unit):
        number = f"{value:,.0f}" if float(value).is_integer() else _significant(value, 5)
        return f"{number} {counted[1]}{'' if value == 1 else 's'}"
    if per := re.fullmatch(r"(.+)/\{(\w+)\}", unit):
        return f"{show(value, per[1])}/{per[2]}"
    return f"{_significant(value, 5)} {unit}"


def show(value: float | None, unit: str) -> str:
    """Return `value` for people in `unit`; 'n/a' for null, number and unit as they are for a unit that is not known."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "n/a"
    if math.isinf(value):
        return "∞" if value > 0 else "-∞"
    formatter = FORMATTERS.get(unit)
    return formatter(value) if formatter else _annotated(value, unit)
