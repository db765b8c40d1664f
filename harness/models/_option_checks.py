"""The checks that models make of the options a suite sets, before they are built."""

from __future__ import annotations

from collections.abc import Collection

from harness.errors import UsageError

LARGEST = 1_000_000
LARGEST_LAYERS = 1000


def require_counts(module: str, **counts: int) -> None:
    """Do nothing when each option is a whole number from 1 to LARGEST; `layers`, which are built one by one, to LARGEST_LAYERS.

    Args:
        module: `__name__` of the model's file; its last part is the model's name.
        counts: the options, by name.

    Raises:
        UsageError: one is not; names it.
    """
    for option, count in counts.items():
        if not isinstance(count, int) or isinstance(count, bool) or count < 1:
            _refuse(module, option, count, "not a whole number of at least 1")
        largest = LARGEST_LAYERS if option == "layers" else LARGEST
        if count > largest:
            _refuse(module, option, count, f"too large; allowed: 1 to {largest}")


def require_flag(module: str, **flags: object) -> None:
    """Do nothing when each option is True or False.

    Raises:
        UsageError: one is not; names it.
    """
    for option, flag in flags.items():
        if not isinstance(flag, bool):
            _refuse(module, option, flag, "neither true nor false")


def require_real(module: str, option: str, value: float, low: float, high: float) -> None:
    """Do nothing when an option is a number from `low` to `high`.

    Raises:
        UsageError: it is not; names the limits.
    """
    if not isinstance(value, int | float) or isinstance(value, bool) or not low <= value <= high:
        _refuse(module, option, value, f"not a number from {low:g} to {high:g}")


def require_shares(module: str, **shares: float) -> None:
    """Do nothing when each option is a number from 0 to below 1, as a rate of dropout is.

    Raises:
        UsageError: one is not; names it.
    """
    for option, share in shares.items():
        if not isinstance(share, int | float) or isinstance(share, bool) or not 0 <= share < 1:
            _refuse(module, option, share, "not a number from 0 to below 1")


def require_between(module: str, *, layers: int, dropout: float) -> None:
    """Do nothing when there are layers, and more than one of them where dropout is to act between them.

    Raises:
        UsageError: an option is not allowed by itself, or dropout has no place to act.
    """
    require_counts(module, layers=layers)
    require_shares(module, dropout=dropout)
    if dropout and layers == 1:
        _refuse(module, "dropout", dropout, "it acts between layers and layers = 1; choose more layers, or dropout = 0")


def require_choice(module: str, option: str, found: str, allowed: Collection[str]) -> None:
    """Do nothing when an option is one of the words allowed for it.

    Raises:
        UsageError: it is not; names the words.
    """
    if not isinstance(found, str) or found not in allowed:
        _refuse(module, option, found, f"unknown; allowed: {', '.join(allowed)}")


def require_heads(module: str, width: int, heads: int) -> None:
    """Do nothing when attention of `heads` heads can share `width` features evenly.

    Raises:
        UsageError: either is not a count, or the heads do not divide the width.
    """
    require_counts(module, width=width, heads=heads)
    if width % heads:
        _refuse(module, "heads", heads, f"does not divide width = {width}; choose heads that do, or another width")


def _refuse(module: str, option: str, found: object, why: str) -> None:
    raise UsageError(f"model {module.rpartition('.')[2]!r}: option {option} = {found!r}: {why}")
