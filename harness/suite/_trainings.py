"""What of a suite trains one model: all that some commands can look at."""

from __future__ import annotations

from harness.errors import UsageError
from harness.suite._suite import Suite


def trainings(suite: Suite, command: str) -> tuple[Suite, tuple[str, ...]]:
    """Return the suite without its experiments, and their names.

    Args:
        suite: narrowed to the cases that are asked for.
        command: what cannot do anything with an experiment, as the user calls it.

    Raises:
        UsageError: no case is left.
    """
    left_out = tuple(case.name for case in suite.cases if case.experiment is not None)
    if left_out and len(left_out) == len(suite.cases):
        raise UsageError(f"{command}: {', '.join(left_out)}: experiments, and it takes steps of a training; name other cases")
    kept = tuple(case for case in suite.cases if case.experiment is None)
    return (suite.model_copy(update={"cases": kept}) if left_out else suite), left_out
