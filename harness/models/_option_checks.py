"""The checks that models make of the options a suite sets, before they are built.

`module` is `__name__` of the model's file, whose last part is the model's name. Each raises UsageError.
"""

from __future__ import annotations

from collections.abc import Collection

from harness.options import check_choice, check_count, check_flag, check_real, check_share, refuse

LARGEST = 1_000_000
LARGEST_LAYERS = 1000
"""Layers are built one by one."""


def require_counts(module: str, **counts: int) -> None:
    """Do nothing when each option is a whole number from 1 to LARGEST, `layers` to LARGEST_LAYERS."""
    for option, count in counts.items():
        check_count(option, count, 1, LARGEST_LAYERS if option == "layers" else LARGEST, _owner(module))


def require_flag(module: str, **flags: object) -> None:
    """Do nothing when each option is True or False."""
    for option, flag in flags.items():
        check_flag(option, flag, _owner(module))


def require_real(module: str, option: str, value: float, low: float, high: float) -> None:
    """Do nothing when an option is a number from `low` to `high`."""
    check_real(option, value, low, high, _owner(module))


def require_shares(module: str, **shares: float) -> None:
    """Do nothing when each option is a number from 0 to below 1, as a rate of dropout is."""
    for option, share in shares.items():
        check_share(option, share, _owner(module))


def require_between(module: str, *, layers: int, dropout: float) -> None:
    """Do nothing when there are layers, and more than one of them where dropout is to act between them."""
    require_counts(module, layers=layers)
    require_shares(module, dropout=dropout)
    if dropout and layers == 1:
        why = "it acts between layers and layers = 1; choose more layers, or dropout = 0"
        refuse("dropout", dropout, why, _owner(module))


def require_choice(module: str, option: str, found: str, allowed: Collection[str]) -> None:
    """Do nothing when an option is one of the words allowed for it."""
    check_choice(option, found, list(allowed), _owner(module))


def require_heads(module: str, width: int, heads: int) -> None:
    """Do nothing when attention of `heads` heads can share `width` features evenly."""
    require_counts(module, width=width, heads=heads)
    if width % heads:
        refuse("heads", heads, f"does not divide width = {width}; choose heads that do, or another width", _owner(module))


def _owner(module: str) -> str:
    return f"model {module.rpartition('.')[2]!r}"
