"""What a script's runs are in the words of suites: a suite of their own, a case, and the run set that holds them."""

from __future__ import annotations

import hashlib
import os
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

from pydantic import ValidationError

from harness.errors import UsageError, nearest
from harness.metrics import Metric
from harness.project import Project
from harness.results import RunSet, differing, run_sets
from harness.runner.execute import FINAL
from harness.suite import NAME_PATTERN, RESERVED, Case, Gate, Suite, gate_values

TASK = "script"
"""Stands where a suite's case names its task; no catalogue has it."""

_OWN_SETS: dict[tuple[int, Path], RunSet] = {}
"""(process, folder of the suite) -> the run set that this execution of the script began."""


def script_file() -> Path | None:
    """Return the file that is being executed, None where there is none, as in a notebook."""
    file = getattr(sys.modules.get("__main__"), "__file__", None)
    return Path(file) if file else None


def code_digest() -> str:
    """Return the digest of the script's own file; what it imports is not looked at."""
    file = script_file()
    return hashlib.sha256(file.read_bytes()).hexdigest() if file and file.is_file() else ""


def make_case(fields: Mapping[str, Any]) -> Case:
    """Return the case with these fields, in the form of a suite file.

    Raises:
        UsageError: a field is not as it must be; lists all.
    """
    try:
        return Case.model_validate({"task": {"name": TASK}, "passes": (), **fields})
    except ValidationError as error:
        found = "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors())
        raise UsageError(f"harness.measure: {found}") from error


def check_gates(gates: Mapping[str, Gate], metrics: Mapping[str, Metric]) -> None:
    """Check that each gate is on a metric that there is, and fits it.

    Raises:
        UsageError: one does not; lists all.
    """
    problems = []
    for name, gate in gates.items():
        if name not in metrics:
            problems.append(f"gates.{name}: no such metric{nearest(name, metrics)} (`harness list metrics` shows all)")
            continue
        broken = gate_values(gate, ("gates", name), metrics[name].metric_class, metrics[name].direction)
        problems += [f"{'.'.join(map(str, path))}: {message}" for path, message in broken]
    if problems:
        raise UsageError("harness.measure: " + "; ".join(problems))


def check_name(project: Project, name: str) -> None:
    """Check that runs may be stored under a name.

    Raises:
        UsageError: it is no name, or one of the project's suites has it.
    """
    if not re.fullmatch(NAME_PATTERN, name) or name in RESERVED:
        raise UsageError(
            f"harness.measure: {name!r} is no name; allowed: letters, digits and _ . = , + - [ ], not {', '.join(RESERVED)}"
        )
    if name in project.suite_files():
        raise UsageError(f"harness.measure: {name!r} is a suite of {project.suites}; give the script's runs another name")


@contextmanager
def claimed(project: Project, name: str, case: Case, into: str | None) -> Iterator[RunSet]:
    """Hold the run set that a run goes into; it declares the run from here on, so that one that is killed is missed.

    Raises:
        UsageError: another process holds it, or it holds a case of that name that is another.
        ResultsError: it cannot be written.
    """
    run_set, owner = _chosen(project, name, case, into), os.getpid()
    with run_set.lock():
        run_set.update(suite=_with_case(run_set, case), complete=False)
        try:
            yield run_set
        finally:
            if os.getpid() == owner:
                run_set.update(complete=_holds_all(run_set))


def _holds_all(run_set: RunSet) -> bool:
    """Return whether there is a row of each run that is declared."""
    held = run_set.table("runs", ["case", "seed"])
    there = set(zip(held["case"], held["seed"], strict=True))
    declared = {(each.name, seed) for each in run_set.manifest.suite.cases for seed in each.seeds}
    return declared <= there


def _chosen(project: Project, name: str, case: Case, into: str | None) -> RunSet:
    """Return the run set called `into`, or this execution's own; a new one where there is none yet."""
    own = (os.getpid(), project.results / name)
    if into is None:
        if own not in _OWN_SETS or not _OWN_SETS[own].path.is_dir():
            _OWN_SETS[own] = _create(project, name, case, None)
        return _OWN_SETS[own]
    if not re.fullmatch(NAME_PATTERN, into):
        raise UsageError(f"harness.measure: into = {into!r} is no name; allowed: letters, digits and _ . = , + - [ ]")
    held = {run_set.path.name: run_set for run_set in run_sets(project.results, name)}
    return held.get(into) or _create(project, name, case, into)


def _create(project: Project, name: str, case: Case, into: str | None) -> RunSet:
    file = script_file()
    called = file.name if file else "an interactive session"
    suite = Suite(name=name, version=1, why=f"measured by {called} itself", cases=(case,))
    return RunSet.create(project.results, suite, asked=f"script {called}", name=into)


def _with_case(run_set: RunSet, case: Case) -> Suite:
    """Return the run set's suite with a run of the case declared."""
    suite = run_set.manifest.suite
    held = {each.name: each for each in suite.cases}
    if before := held.get(case.name):
        if changed := differing(before.specification, case.specification):
            raise UsageError(
                f"{run_set.name} holds the case {case.name!r} as another: {changed}; give this one another `case`, or measure "
                "it `into` another run set"
            )
        case = case.model_copy(update={"seeds": tuple(dict.fromkeys((*before.seeds, *case.seeds)))})
    return suite.model_copy(update={"cases": tuple((held | {case.name: case}).values())})


def make_way(run_set: RunSet, case: str, seed: int, key: str) -> int:
    """Drop the earlier runs of this case and seed that failed or were of another script; return the new one's repeat."""
    rows = run_set.table("runs", ["run_id", "run_key", "case", "seed", "status"])
    rows = rows[(rows["case"] == case) & (rows["seed"] == seed)]
    stays = rows["status"].isin(FINAL) & (rows["run_key"] == key)
    run_set.drop(cast("list[str]", rows[~stays]["run_id"].tolist()))
    return int(stays.sum()) + 1
