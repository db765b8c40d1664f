"""The check of how many samples a suite takes of a split."""

from __future__ import annotations

from harness.errors import UsageError


def check_limit(option: str, limit: object, most: int) -> None:
    """Do nothing when a limit is left out, or a number of samples that the split has.

    Args:
        option: train_limit or test_limit.
        limit: what the suite says.
        most: samples in the split.

    Raises:
        UsageError: it is not.
    """
    if limit is not None and (not isinstance(limit, int) or isinstance(limit, bool) or not 1 <= limit <= most):
        raise UsageError(f"option {option} = {limit!r}: not a number of samples; allowed: 1 to {most}, or left out")
