"""Prints what came of training a record again: in words and a table, or as JSON; and the exit code that it means."""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from harness.errors import ExitCode

if TYPE_CHECKING:
    from harness.reproduce import Difference, Reproduction

Tolerant = Annotated[
    bool,
    typer.Option("--tolerant", help="Train on another environment too, and let numbers pass that are within the tolerance."),
]
Top = Annotated[int, typer.Option("--top", metavar="N", min=1, help="Differences to show.")]

COLUMNS = ("what", "step", "name", "recorded", "re-run", "relative change")


def exit_code(made: Reproduction, tolerant: bool) -> ExitCode:
    """Return 0 for the same bits, or for numbers within the tolerance where that is enough; else 1."""
    enough = ("identical", "within tolerance") if tolerant else ("identical",)
    return ExitCode.PASS if made.comparison.outcome in enough else ExitCode.WORSE


def print_reproduction(made: Reproduction, top: int) -> None:
    """Print outcome, first difference, a table of the differences, and what was compared and what was not."""
    from harness.cli._table import print_table
    from harness.reproduce import MACHINE, extent

    found, compared = made.comparison, extent(made.old, made.new)
    print(f"{made.old.run_id}: {found.outcome}")
    if made.old.status == made.new.status != "ok":
        print(f"both ended as {made.new.status}: {made.old.reason}{_other_reason(made)}")
    if found.first is not None:
        print(f"first difference: {found.first}")
        print_table(COLUMNS, map(_row, found.differences[:top]), right=("step",))
        if len(found.differences) > top:
            count = len(found.differences)
            typer.echo(f"{count - top} more differences; --top {count} or --json shows all", err=True)
    if made.localised is not None:
        print(f"localised: {made.localised}")
    absent = [MACHINE, *(f"{name} (none in common)" for name in compared.absent)]
    print(f"compared: {compared}")
    print(f"not compared: {'; '.join(absent)}")
    print(f"code: {_code(made)}")
    if made.environment:
        print(f"environment: not as recorded: {made.environment}")


def print_json(made: Reproduction, code: ExitCode) -> None:
    """Print everything, for programs."""
    from harness.reproduce import MACHINE, extent

    compared, first = extent(made.old, made.new), made.comparison.first
    content = {
        "run_id": made.old.run_id,
        "case": made.old.case.name,
        "seed": made.old.seed,
        "outcome": made.comparison.outcome,
        "exit_code": int(code),
        "first": first and str(first),
        "differences": [_plain(difference) for difference in made.comparison.differences],
        "localised": made.localised and _plain_localised(made),
        "compared": asdict(compared),
        "not_compared": [MACHINE, *compared.absent],
        "code_changed": made.code_changed,
        "commit": {"recorded": made.old.commit, "now": made.new.commit},
        "environment": made.environment,
    }
    print(json.dumps(content, indent=1, allow_nan=False))


def _row(difference: Difference) -> tuple[object, ...]:
    by = "" if difference.by is None else f"{difference.by:.3g}"
    step = "" if difference.step is None else difference.step
    return difference.what, step, difference.name, difference.old, difference.new, by


def _other_reason(made: Reproduction) -> str:
    return f"; now: {made.new.reason}" if made.new.reason != made.old.reason else ""


def _code(made: Reproduction) -> str:
    then, now = (f"commit {commit[:12]}" if commit else "no commit" for commit in (made.old.commit, made.new.commit))
    commits = then if then == now else f"{then} then, {now} now"
    words = {True: "changed since the record", False: "as recorded", None: "the record does not tell whether it has changed"}
    return f"{words[made.code_changed]} ({commits})"


def _plain(difference: Difference) -> dict[str, Any]:
    by = difference.by if difference.by is not None and math.isfinite(difference.by) else None
    return asdict(difference) | {"by": by}


def _plain_localised(made: Reproduction) -> dict[str, Any]:
    assert made.localised is not None
    found = made.localised
    return {
        "words": str(found),
        "steps": list(found.steps),
        "difference": found.difference and _plain(found.difference),
        "like": found.like,
        "still": list(found.still),
    }
