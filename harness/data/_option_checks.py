"""The checks that data sets make of the options a suite sets, before anything is fetched, read or drawn."""

from __future__ import annotations

from collections.abc import Sequence

from harness.errors import UsageError, nearest

MOST_SAMPLES = 100_000
"""Generated samples of a split, unless the data set says otherwise."""


def check_count(option: str, value: object, low: int, high: int) -> None:
    """Raise UsageError unless `value` is a whole number of `low` to `high`."""
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise UsageError(f"option {option} = {value!r}: not a whole number in reach; allowed: {low} to {high}")


def check_real(option: str, value: object, low: float, high: float) -> None:
    """Raise UsageError unless `value` is a number of `low` to `high`."""
    if not isinstance(value, int | float) or isinstance(value, bool) or not low <= value <= high:
        raise UsageError(f"option {option} = {value!r}: not a number in reach; allowed: {low} to {high}")


def check_choice(option: str, value: object, allowed: Sequence[object]) -> None:
    """Raise UsageError unless `value` is one of `allowed`, and of its type: neither True nor 1.0 passes for 1."""
    if not any(type(value) is type(one) and value == one for one in allowed):
        close = nearest(str(value), map(str, allowed))
        raise UsageError(f"option {option} = {value!r}: unknown{close}; allowed: {', '.join(map(str, allowed))}")


def check_flag(option: str, value: object) -> None:
    """Raise UsageError unless `value` is True or False."""
    if not isinstance(value, bool):
        raise UsageError(f"option {option} = {value!r}: neither true nor false")


def check_text(option: str, value: object) -> None:
    """Raise UsageError unless `value` is a text that is not empty."""
    if not isinstance(value, str) or not value:
        raise UsageError(f"option {option} = {value!r}: not a text of one character or more")


def check_samples(train_samples: object, test_samples: object, most: int = MOST_SAMPLES) -> None:
    """Raise UsageError for a size of a generated split that is not allowed."""
    check_count("train_samples", train_samples, 1, most)
    check_count("test_samples", test_samples, 1, most)


def check_limit(option: str, limit: object, most: int) -> None:
    """Raise UsageError unless a limit is left out, or a number of samples that the split has.

    Args:
        option: train_limit or test_limit.
        limit: what the suite says.
        most: samples in the split.
    """
    if limit is not None and (not isinstance(limit, int) or isinstance(limit, bool) or not 1 <= limit <= most):
        raise UsageError(f"option {option} = {limit!r}: not a number of samples; allowed: 1 to {most}, or left out")
