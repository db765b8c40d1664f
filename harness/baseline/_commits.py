"""Baselines as a commit holds them, so that a change to the code cannot bring its own judge."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from harness.baseline._files import parse_baselines
from harness.baseline._model import Baseline
from harness.errors import UsageError
from harness.results import differing

BASE_REFS = ("HARNESS_BASE_REF", "GITHUB_BASE_REF")
"""Environment variables that name the branch a change is to go to, in the order in which they are asked."""


def find_commit(root: Path, revision: str) -> str:
    """Return the commit that a revision names.

    Raises:
        UsageError: it names none, or `root` is in no git repository.
    """
    problem = f"{revision!r} is no commit of the repository around {root} (`git fetch` brings those that others made)"
    return _git(root, *_commit_of(revision), problem=problem)


def _commit_of(revision: str) -> tuple[str, ...]:
    return "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}"


def base_commit(root: Path) -> str:
    """Return the merge base of HEAD with the branch that CI says the change is for; '' where nothing says so.

    The merge base, and not the branch's tip: a change is not judged by what came to the branch since it began.

    Raises:
        UsageError: the branch is not here, or has no commit in common with HEAD.
    """
    named = next(((variable, name) for variable in BASE_REFS if (name := os.environ.get(variable))), None)
    if named is None:
        return ""
    variable, name = named
    advice = "fetch the whole history (git fetch --unshallow; of actions/checkout: fetch-depth: 0)"
    try:
        tip = find_commit(root, name)
    except UsageError:
        tip = _git(
            root, *_commit_of(f"origin/{name}"), problem=f"{variable}: no commit {name!r}, nor 'origin/{name}'; {advice}"
        )
    return _git(root, "merge-base", "HEAD", tip, problem=f"{variable}: HEAD and {name!r} have no commit in common; {advice}")


def read_committed(root: Path, commit: str, folder: Path) -> dict[str, Baseline]:
    """Return one suite's baselines by case as a commit holds them; none where it has no such folder.

    Args:
        root: any folder of the repository.
        commit: the commit.
        folder: the suite's folder of baselines, in the same repository, whether it is there now or not.

    Raises:
        UsageError: the folder is outside the repository.
        ResultsError: as `read_baselines`.
    """
    place = _place(root, folder)
    names = [name for name in _entries(root, commit, place) if name.endswith(".json")]
    shown = Path(f"{commit[:12]}:{place}")
    return parse_baselines({shown / name: partial(_blob, root, f"{commit}:./{place}/{name}") for name in names}, folder.name)


def committed_suites(root: Path, commit: str, folder: Path) -> list[str]:
    """Return the suites that have baselines in a commit; `folder` holds the baselines of all suites."""
    return _entries(root, commit, _place(root, folder))


def _place(root: Path, folder: Path) -> str:
    return Path(os.path.relpath(folder.resolve(), root.resolve())).as_posix()


def _entries(root: Path, commit: str, place: str) -> list[str]:
    problem = f"{place}: outside the git repository around {root}, so that no commit holds it"
    listed = _git(root, "ls-tree", "-z", "--name-only", commit, "--", f"{place}/", problem=problem)
    return sorted(Path(name).name for name in listed.split("\0") if name)


def _blob(root: Path, name: str) -> bytes:
    return subprocess.run(["git", "-C", str(root), "cat-file", "blob", name], capture_output=True, check=True).stdout


def _git(root: Path, *arguments: str, problem: str) -> str:
    try:
        done = subprocess.run(["git", "-C", str(root), *arguments], capture_output=True, text=True, check=False)
    except OSError as error:
        raise UsageError(f"git cannot be started ({error.strerror}), and baselines are to be read from a commit") from error
    if done.returncode:
        raise UsageError(f"{problem} ({done.stderr.strip()})" if done.stderr.strip() else problem)
    return done.stdout.strip()


@dataclass(frozen=True)
class Edit:
    """One baseline that differs between a commit and the working tree."""

    case: str
    before: Baseline | None
    now: Baseline | None

    @property
    def decided(self) -> bool:
        """Whether somebody said anew why, or took the baseline away: numbers that move under the old reason are no decision."""
        return self.before is None or self.now is None or self.now.reason != self.before.reason

    @property
    def metrics(self) -> set[str]:
        """The metrics that differ, or that only one of the two holds."""
        old, new = (side.metrics if side else {} for side in (self.before, self.now))
        return {name for name in {*old, *new} if old.get(name) != new.get(name)}

    @property
    def surroundings(self) -> str:
        """In what else the two differ: definition, machine, versions; '' where in nothing, or where one of them is absent."""
        if not (self.before and self.now):
            return ""
        fields = {"suite_version", "specification", "machine", "numeric", "version_key"}
        return differing(*(side.model_dump(include=fields) for side in (self.before, self.now)))

    def __str__(self) -> str:
        """Return it in words: 'lenet (renewed: new data)'."""
        if self.now is None:
            return f"{self.case} (removed)"
        if not self.decided:
            return f"{self.case} (edited without a new reason)"
        return f"{self.case} ({'renewed' if self.before else 'added'}: {self.now.reason})"


def edits(before: Mapping[str, Baseline], now: Mapping[str, Baseline]) -> Iterator[Edit]:
    """Yield the baselines that differ, by case."""
    for case in sorted({*before, *now}):
        if before.get(case) != now.get(case):
            yield Edit(case, before.get(case), now.get(case))
