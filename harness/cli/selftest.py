"""Plant faults in a project of the harness's own, and see whether each is caught."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli._base import Command
from harness.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from harness.selftest import Outcome

Repeats = Annotated[int, typer.Option("--repeats", metavar="N", min=1, help="Paired comparisons of each kind.")]
Seconds = Annotated[float, typer.Option("--seconds", metavar="S", min=1.0, help="Time for a paired comparison's restarts.")]
OneFault = Annotated[str | None, typer.Option("-k", metavar="TEXT", help="Plant only faults whose name contains TEXT.")]
Keep = Annotated[
    Path | None, typer.Option("--keep", metavar="DIR", help="Make the project in this new folder, and leave it there.")
]
Template = Annotated[
    Path | None,
    typer.Option(
        "--template", metavar="DIR", help="Plant the faults in this project: a changed copy of harness/selftest/template."
    ),
]

COLUMNS = ("planted", "judged by", "expected", "found", "metric", "right", "why")


def selftest(
    repeats: Repeats = 1, seconds: Seconds = 60.0, keyword: OneFault = None, keep: Keep = None, template: Template = None
) -> ExitCode:
    """Plant faults in a small project, one after the other, and see whether each is caught: about two minutes.

    A leak, a worse model, a changed seed stream, a dead case and a missing metric have to be found by `harness gate`, a
    slow-down by `harness ab`; and nothing may be found where nothing was planted.

    Exit code 0: all of that is so; 1: it is not.

    Examples: harness selftest · harness selftest -k slow --repeats 20
    """
    import tempfile
    from contextlib import ExitStack

    from harness.selftest import FAULTS, TEMPLATE, run_selftest

    faults = [fault for fault in FAULTS if (keyword or "") in fault.name]
    if not faults:
        raise UsageError(
            f"-k {keyword}: no fault has that in its name; planted are: {', '.join(fault.name for fault in FAULTS)}"
        )
    source = template.resolve() if template else TEMPLATE
    with ExitStack() as stack:
        if keep is None:
            temporary = tempfile.TemporaryDirectory(prefix="harness-selftest-", ignore_cleanup_errors=True)
            folder = Path(stack.enter_context(temporary))
        else:
            folder = _new(keep)
        outcome = run_selftest(folder, repeats, seconds, lambda line: typer.echo(line, err=True), source, faults)
    _print(outcome)
    if keep:
        print(folder)
    return ExitCode.PASS if outcome.passed else ExitCode.WORSE


def _new(folder: Path) -> Path:
    try:
        folder.mkdir(parents=True)
    except OSError as error:
        raise UsageError(f"--keep {folder}: cannot be made: {error.strerror}; name a folder that does not exist yet") from error
    return folder.resolve()


def _print(outcome: Outcome) -> None:
    from harness.cli._table import print_table
    from harness.selftest import clopper_pearson

    rows = [
        (each.planted, each.judged_by, each.expected, each.found, each.metric, "yes" if each.right else "NO", each.why)
        for each in outcome.findings
    ]
    print_table(COLUMNS, rows)
    for words, (hits, trials) in (
        ("equal code called worse by ab", outcome.paired(fault=False)),
        ("slow-down found by ab", outcome.paired(fault=True)),
    ):
        if trials:
            low, high = clopper_pearson(hits, trials)
            print(f"{words}: {hits} of {trials} (95 % interval of the rate: {100 * low:.1f} to {100 * high:.1f} %)")
    missed = [f"{each.planted} ({each.judged_by})" for each in outcome.findings if not each.right]
    print(f"selftest: {'wrong about ' + ', '.join(missed) if missed else 'every fault was caught, and nothing else'}")


COMMAND = Command(run=selftest, order=36)
