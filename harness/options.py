"""The checks that parts make of the options a suite gives them, before anything is built, fetched or drawn."""

from __future__ import annotations

from collections.abc import Sequence

from harness.errors import UsageError, nearest


def check_count(option: str, value: object, low: int, high: int, owner: str = "") -> None:
    """Raise UsageError unless `value` is a whole number of `low` to `high`; `owner` names the part in the message."""
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        refuse(option, value, f"not a whole number in reach; allowed: {low} to {high}", owner)


def check_real(option: str, value: object, low: float, high: float, owner: str = "") -> None:
    """Raise UsageError unless `value` is a number of `low` to `high`."""
    if not isinstance(value, int | float) or isinstance(value, bool) or not low <= value <= high:
        refuse(option, value, f"not a number in reach; allowed: {low:g} to {high:g}", owner)


def check_share(option: str, value: object, owner: str = "") -> None:
    """Raise UsageError unless `value` is a number from 0 to below 1, as a rate of dropout is."""
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value < 1:
        refuse(option, value, "not a number in reach; allowed: 0 to below 1", owner)


def check_choice(option: str, value: object, allowed: Sequence[object], owner: str = "") -> None:
    """Raise UsageError unless `value` is one of `allowed`, and of its type: neither True nor 1.0 passes for 1."""
    if not any(type(value) is type(one) and value == one for one in allowed):
        close = nearest(str(value), map(str, allowed))
        refuse(option, value, f"unknown{close}; allowed: {', '.join(map(str, allowed))}", owner)


def check_flag(option: str, value: object, owner: str = "") -> None:
    """Raise UsageError unless `value` is True or False."""
    if not isinstance(value, bool):
        refuse(option, value, "neither true nor false", owner)


def check_text(option: str, value: object, owner: str = "") -> None:
    """Raise UsageError unless `value` is a text that is not empty."""
    if not isinstance(value, str) or not value:
        refuse(option, value, "not a text of one character or more", owner)


def refuse(option: str, value: object, why: str, owner: str = "") -> None:
    """Raise UsageError for an option's value, naming the part."""
    raise UsageError(f"{owner}: option {option} = {value!r}: {why}" if owner else f"option {option} = {value!r}: {why}")
