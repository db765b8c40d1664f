"""What something ran on, by a name that a user gives: a run, a run set, an archive, or this machine."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from harness.archive._read import read_archive
from harness.errors import UsageError
from harness.project import Project
from harness.results import RunSet, find_run_set
from harness.runner.find import find_run
from harness.runner.surroundings import surroundings
from harness.suite import Execution

HERE = "here"
"""The name of this machine as it is now."""
GROUPS = ("machine", "numeric", "version", "flag", "setting")
"""In the order in which they are shown; bits depend on `numeric`."""
SEVERAL = " | "
"""What parts the values of a field on which the runs of a set disagree."""


@dataclass(frozen=True)
class Described:
    """What something ran on."""

    name: str
    fields: Mapping[str, str]
    """'group.field' -> value."""
    execution: Execution
    """How it was run, so that this machine can be asked for the same."""


@dataclass(frozen=True)
class FieldChange:
    """A field in which two differ."""

    group: str
    field: str
    old: str
    new: str


def here(execution: Execution | None = None) -> Described:
    """Return what a run would run on now; by default on the GPU if there is one, with one thread."""
    wanted = execution or Execution(device="auto")
    return Described(HERE, surroundings(wanted), wanted)


def described(project: Project, name: str) -> Described:
    """Return what a run, a run set (or a suite's last) or an archive ran on.

    Raises:
        UsageError: there is nothing of that name.
        ResultsError: it is damaged.
    """
    if name.endswith(".zip") or Path(name).is_file():
        archive = read_archive(Path(name))
        return Described(name, archive.environment, archive.case.execution)
    try:
        run_set = find_run_set(project.results, name)
    except UsageError:
        run = find_run(project, name, command="env show")
        return _of_runs(run.run_set, name, [run.run_id])
    return _of_runs(run_set, name, run_set.run_ids())


def _of_runs(run_set: RunSet, name: str, run_ids: Iterable[str]) -> Described:
    runs = run_set.table("runs", ["run_id", "case", "pass", "environment_digest"])
    runs = runs[runs["run_id"].isin(list(run_ids))]
    trained = runs[runs["pass"] == "train"]
    shown = trained if len(trained) else runs  # passes have settings of their own, which say nothing of the set
    digests = set(shown["environment_digest"])
    found = [fields for digest, fields in run_set.environment.items() if digest in digests]
    if not found:
        raise UsageError(f"{name}: nothing is stored of what it ran on")
    cases = {case.name: case for case in run_set.manifest.suite.cases}
    return Described(name, _merged(found), cases[shown["case"].iloc[0]].execution)


def _merged(found: Iterable[Mapping[str, str]]) -> dict[str, str]:
    values: dict[str, set[str]] = {}
    for fields in found:
        for key, value in fields.items():
            values.setdefault(key, set()).add(value)
    return {key: SEVERAL.join(sorted(several)) for key, several in values.items()}


def differences(old: Mapping[str, str], new: Mapping[str, str]) -> list[FieldChange]:
    """Return the fields that differ, by group and then by name."""
    changed = [split(key) for key in {*old, *new} if old.get(key) != new.get(key)]
    return [
        FieldChange(group, field, *(side.get(f"{group}.{field}", "absent") for side in (old, new)))
        for group, field in sorted(changed, key=_place)
    ]


def split(key: str) -> tuple[str, str]:
    """Return group and field of a stored key."""
    group, _, field = key.partition(".")
    return group, field


def in_order(fields: Mapping[str, str]) -> list[tuple[str, str, str]]:
    """Return (group, field, value) of each field, by group and then by name."""
    return [(*split(key), fields[key]) for key in sorted(fields, key=lambda key: _place(split(key)))]


def _place(named: tuple[str, str]) -> tuple[int, str, str]:
    group, field = named
    return (GROUPS.index(group) if group in GROUPS else len(GROUPS)), group, field
