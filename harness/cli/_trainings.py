"""For commands that look at the steps of a training, of which an experiment has none of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from harness.suite import Suite


def only_trainings(suite: Suite, command: str) -> Suite:
    """Return the suite without its experiments, and say on stderr which they are.

    Raises:
        UsageError: no case is left.
    """
    from harness.suite import trainings

    kept, left_out = trainings(suite, command)
    if left_out:
        typer.echo(f"left out, because an experiment has no steps to look at: {', '.join(left_out)}", err=True)
    return kept
