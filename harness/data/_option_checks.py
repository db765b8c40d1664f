"""The checks that data sets make of how many samples they are to give."""

from __future__ import annotations

from harness.options import check_count, refuse

MOST_SAMPLES = 100_000
"""Generated samples of a split, unless the data set says otherwise."""


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
        refuse(option, limit, f"not a number of samples; allowed: 1 to {most}, or left out")
