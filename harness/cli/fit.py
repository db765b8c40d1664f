"""Search the largest batch size that fits in memory."""

from __future__ import annotations

import typer

from harness.cli._base import Catalogues, Command, Device, Keyword, SuiteArgument, Tags, Threads
from harness.errors import ExitCode

COLUMNS = ("case", "declared", "largest that fits", "memory", "stopped by")


def fit(
    suite: SuiteArgument,
    keyword: Keyword = None,
    tag: Tags = None,
    device: Device = None,
    threads: Threads = None,
    catalogue: Catalogues = None,
) -> ExitCode:
    """Search each case's largest batch size that fits in this machine's memory, two training steps a trial.

    The suite is not changed: a batch size decides what is learnt, so that it is declared and not chosen by a machine.
    Trials give back at once what they free, as the memory pass does, so that the answer repeats; a training on a CPU keeps
    it, and may take more.

    Example: harness fit mnist -k keras --device cuda
    """
    from harness.cli._table import print_table
    from harness.cli._trainings import only_trainings
    from harness.project import find_project
    from harness.runner.largest import largest_batch
    from harness.suite import Overrides, load_suite, narrow
    from harness.units import show

    project = find_project(catalogues=catalogue or ())
    declared = load_suite(project.suite_file(suite), project.catalog())
    narrowed, _ = narrow(declared, Overrides(keyword, tuple(tag or ()), None, device, threads))
    planned = only_trainings(narrowed, "harness fit")
    rows = []
    for case in planned.cases:
        found = largest_batch(project, case, lambda line: typer.echo(line, err=True))
        rows.append((case.name, case.recipe.batch_size, found.batch_size, show(found.bytes_used, "By"), found.stopped_by))
    print_table(COLUMNS, rows, right=("declared", "largest that fits", "memory"))
    return ExitCode.PASS


COMMAND = Command(run=fit, order=45)
