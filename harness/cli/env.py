"""Show what a run ran on, and in what two differ."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from harness.cli._base import AsJson, Command
from harness.errors import ExitCode

Named = "A run's id or its head, a run set or a suite (its last), an archive, or `here` for this machine."


def show_environment(
    name: Annotated[str, typer.Argument(metavar="[RUN|SET|FILE]", help=Named)] = "here", as_json: AsJson = False
) -> ExitCode:
    """Show machine, numeric fingerprint, versions, flags and settings; of this machine as a run would find it, by default.

    Where the runs of a set disagree, a field has each value, parted by |.

    Examples: harness env show · harness env show articles · harness env show lenet-s1-20260102T030405.zip --json
    """
    from harness.archive import HERE, described, here, in_order
    from harness.cli._table import print_table
    from harness.project import find_project

    found = here() if name == HERE else described(find_project(), name)
    if as_json:
        print(json.dumps(dict(sorted(found.fields.items())), indent=1))
    else:
        print_table(("group", "field", "value"), in_order(found.fields))
    return ExitCode.PASS


def compare_environments(
    old: Annotated[str, typer.Argument(metavar="A", help=Named)],
    new: Annotated[str, typer.Argument(metavar="B", help="Likewise.")] = "here",
    as_json: AsJson = False,
) -> ExitCode:
    """Show the fields in which two differ, and tell by the exit code whether the same bits can be expected of both.

    `here` is asked for what a run with the other one's device, threads, precision and lane would find.

    Exit code 0: the numeric fields, on which bits depend, are equal; 1: they differ.

    Examples: harness env diff articles here · harness env diff articles/20260102T030405Z lenet-s1-20260102T030405.zip
    """
    from dataclasses import asdict

    from harness.archive import HERE, described, differences, here
    from harness.cli._table import print_table
    from harness.errors import UsageError
    from harness.project import find_project

    project = find_project()
    known = {name: described(project, name) for name in {old, new} - {HERE}}
    if not known:
        raise UsageError("this machine does not differ from itself; name a run, a run set or an archive to compare it with")
    if HERE in (old, new):
        known[HERE] = here(next(iter(known.values())).execution)
    changed = differences(known[old].fields, known[new].fields)
    if as_json:
        print(json.dumps([asdict(change) for change in changed], indent=1))
    elif changed:
        print_table(("group", "field", old, new), [(each.group, each.field, each.old, each.new) for each in changed])
    other = [each.field for each in changed if each.group == "numeric"]
    bits = f"other bits are to be expected: {', '.join(other)}" if other else "the same bits can be expected"
    typer.echo(f"fields that differ: {len(changed)}; {bits}", err=True)
    return ExitCode.WORSE if other else ExitCode.PASS


COMMAND = Command(group={"show": show_environment, "diff": compare_environments}, order=37)
