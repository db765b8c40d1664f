"""Finds a stored run, to be trained again: by its id, or by run set and case."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from harness.errors import UsageError, among, nearest
from harness.observations import MAIN_PASSES
from harness.project import Project
from harness.results import RunSet, find_run_set, list_entries
from harness.suite import Case

MOST_LISTED = 8
COLUMNS = ["run_id", "run_key", "case", "seed", "pass", "status", "reason"]


@dataclass(frozen=True)
class StoredRun:
    """A run that a run set holds."""

    run_set: RunSet
    run_id: str
    run_key: str
    case: Case
    """As it was run."""
    seed: int
    measures: str
    """Its pass."""
    status: str
    reason: str

    def check_training(self, or_experiment: bool = False) -> None:
        """Refuse a run of a pass that measures and does not train to its end.

        Args:
            or_experiment: whether an experiment will do.

        Raises:
            UsageError: it is one.
        """
        if self.measures == "experiment" and not or_experiment:
            raise UsageError(f"{self.run_id}: an experiment, which trains no one model; `harness reproduce` runs it again")
        if self.measures not in MAIN_PASSES:
            raise UsageError(
                f"{self.run_id}: a run of the {self.measures} pass, which trains nothing to its end; give a training's id, "
                f"or: {self.run_set.name} {self.case.name}"
            )


def find_run(project: Project, name: str, case: str | None = None, command: str = "profile") -> StoredRun:
    """Return a stored run by its id or the unique head of it, or the first good training of a case in a run set.

    A head that several runs share means the one training among them, if there is one.

    Args:
        project: where the results are.
        name: the run's id or its head; with `case`, a run set or a suite for its last.
        case: a case of that run set.
        command: what is told to the user who names too little.

    Raises:
        UsageError: there is no such run, or there are several.
    """
    run_set, row = _by_id(project, name, command) if case is None else _by_case(project, name, case)
    held = {each.name: each for each in run_set.manifest.suite.cases}
    if row["case"] not in held:
        raise UsageError(f"{row['run_id']}: {run_set.name}'s manifest holds no case {row['case']!r}; run the suite again")
    key, seed = str(row["run_key"]), int(row["seed"])
    return StoredRun(run_set, row["run_id"], key, held[row["case"]], seed, row["pass"], row["status"], row["reason"])


def _by_id(project: Project, name: str, command: str) -> tuple[RunSet, dict[str, Any]]:
    rows = [(entry.run_set, row) for entry in list_entries(project.results) for row in _rows(entry.run_set)]
    found = [(run_set, row) for run_set, row in rows if row["run_id"] == name]
    found = found or [(run_set, row) for run_set, row in rows if name and row["run_id"].startswith(name)]
    if len(found) > 1:
        found = [(run_set, row) for run_set, row in found if row["pass"] in MAIN_PASSES] or found
    if len(found) == 1:
        return found[0]
    if found:
        ids = ", ".join(row["run_id"] for _, row in found[:MOST_LISTED])
        more = f" and {len(found) - MOST_LISTED} more" if len(found) > MOST_LISTED else ""
        raise UsageError(
            f"{name!r} begins {len(found)} runs: {ids}{more}; give more of the one you mean, or a suite and a case"
        )
    if any(name in (run_set.name, run_set.path.parent.name) for run_set, _ in rows):
        raise UsageError(f"{name!r} holds many runs; name a case too: harness {command} {name} CASE")
    close = nearest(name, [row["run_id"] for _, row in rows])
    raise UsageError(f"no run {name!r} in {project.results}{close}; give a run's id or its head, or a suite and a case")


def _by_case(project: Project, name: str, case: str) -> tuple[RunSet, dict[str, Any]]:
    run_set = find_run_set(project.results, name)
    rows = [row for row in _rows(run_set) if row["pass"] in MAIN_PASSES]
    good = [row for row in rows if row["case"] == case and row["status"] == "ok"]
    if not good:
        cases = list(dict.fromkeys(row["case"] for row in rows))
        known = f"no run of it is ok; run it again with `harness run {run_set.path.parent.name}`"
        unknown = f"no such case{among(case, cases, f'harness show {run_set.name}', word='held')}"
        raise UsageError(f"{run_set.name}, case {case!r}: {known if case in cases else unknown}")
    return run_set, min(good, key=lambda row: int(row["seed"]))


def _rows(run_set: RunSet) -> list[dict[str, Any]]:
    return [{str(key): value for key, value in row.items()} for row in run_set.table("runs", COLUMNS).to_dict("records")]
