"""List and remove stored run sets."""

from __future__ import annotations

from typing import Annotated

import typer

from harness.cli._base import Command
from harness.errors import ExitCode

DryRun = Annotated[bool, typer.Option("--dry-run", help="Only say what would be removed.")]


def list_run_sets(
    suite: Annotated[str | None, typer.Argument(metavar="SUITE", help="Only this suite's.")] = None,
) -> ExitCode:
    """List run sets: state, runs, size.

    Example: harness results ls articles
    """
    from harness.cli._table import print_table
    from harness.project import find_project
    from harness.results import list_entries
    from harness.units import show

    rows = [
        (
            entry.run_set.name,
            "complete" if entry.complete else "unfinished",
            f"{entry.ok}/{entry.runs}",
            show(entry.size_bytes, "By"),
            entry.created_utc,
        )
        for entry in list_entries(find_project().results, suite)
    ]
    print_table(("run set", "state", "runs ok", "size", "created"), rows)
    return ExitCode.PASS


def remove_run_sets(
    run_sets: Annotated[list[str], typer.Argument(metavar="RUN_SET...", help="<suite>/<run set>, or a path.")],
    dry_run: DryRun = False,
) -> ExitCode:
    """Remove run sets by name. Baselines are never touched.

    Example: harness results rm smoke/20260102T030405Z
    """
    from harness.errors import UsageError
    from harness.project import find_project
    from harness.results import check_removable, find_run_set, remove

    results = find_project().results
    if plain := [name for name in run_sets if "/" not in name]:
        raise UsageError(f"{', '.join(plain)}: name the run set, as <suite>/<run set>; `harness results ls` shows them")
    found = [find_run_set(results, name) for name in run_sets]
    for run_set in found:
        check_removable(results, run_set)
    for run_set in found:
        if not dry_run:
            remove(results, run_set)
        print(f"{'would remove' if dry_run else 'removed'} {run_set.name}")
    return ExitCode.PASS


def collect_garbage(
    keep: Annotated[int, typer.Option("--keep", metavar="N", help="Run sets to keep of each suite, the last ones.")] = 5,
    dry_run: DryRun = False,
) -> ExitCode:
    """Remove all but each suite's last run sets, and what killed runs left behind.

    Example: harness results gc --keep 3 --dry-run
    """
    import shutil
    import sys

    from harness.errors import UsageError
    from harness.project import find_project
    from harness.results import leftovers, remove, superfluous

    results = find_project().results
    word = "would remove" if dry_run else "removed"
    for run_set in superfluous(results, keep):
        try:
            if not dry_run:
                remove(results, run_set)
            print(f"{word} {run_set.name}")
        except UsageError as error:
            print(f"skipped {run_set.name}: {error}", file=sys.stderr)
    for folder in leftovers(results):
        if not dry_run:
            shutil.rmtree(folder)
        print(f"{word} {folder.relative_to(results)}")
    return ExitCode.PASS


COMMAND = Command(group={"ls": list_run_sets, "rm": remove_run_sets, "gc": collect_garbage}, order=90)
