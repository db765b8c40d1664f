"""The two arms made ready before anything is timed: checkouts of two commits with their environments, or two suites."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from harness.errors import MeasuringError, UsageError
from harness.git import git_state
from harness.paired._arm import Arm
from harness.paired._blocks import ArmName
from harness.project import Project, find_project
from harness.suite import Case, Suite

MAIN_BRANCHES = ("origin/HEAD", "origin/main", "origin/master", "main", "master")
INSTALL_SECONDS = 3600
LAST_LINES = 5
DEPENDENCIES = ("pyproject.toml", "requirements*.txt", "constraints*.txt", "setup.cfg", "setup.py", "*.lock")


@contextmanager
def arms_of_commits(
    project: Project, base: str | None, head: str | None, suite: Suite, install: str
) -> Iterator[Mapping[ArmName, Arm]]:
    """Make the base commit, and the head's or the working tree, ready to run the suite as the head declares it.

    Args:
        project: the head's, in a git repository.
        base: a commit, whose merge base with the head is taken; None: the main branch.
        head: a commit; None: the working tree as it is.
        suite: what both arms run.
        install: command that installs the project into an environment of each arm's own; '' for this environment, with the
            arm's folder before whatever is installed.

    Raises:
        UsageError: there is no such commit, or the project is in no git repository.
        MeasuringError: an environment cannot be made.
    """
    top = Path(_git(project.root, "rev-parse", "--show-toplevel"))
    commit = merge_base(project.root, base or _main_branch(project.root), head or "HEAD")
    inner, cases = project.root.resolve().relative_to(top.resolve()), {case.name: case for case in suite.cases}
    with tempfile.TemporaryDirectory(prefix="harness-ab-", ignore_cleanup_errors=True) as folder:
        old = _worktree(top, Path(folder) / "base", commit)
        new = top if head is None else _worktree(top, Path(folder) / "head", _git(top, "rev-parse", f"{head}^{{commit}}"))
        try:
            yield {
                "base": _arm(f"base {commit[:12]}", old / inner, cases, install, Path(folder) / "base-env"),
                "head": _arm(f"head {head or 'working tree'}", new / inner, cases, install, Path(folder) / "head-env"),
            }
        finally:
            for tree in {old, new} - {top}:
                subprocess.run(
                    ["git", "-C", str(top), "worktree", "remove", "--force", str(tree)], capture_output=True, check=False
                )


def arms_of_suites(project: Project, base: Suite, head: Suite) -> Mapping[ArmName, Arm]:
    """Return arms of the same code that run each its own suite: cases of one name are compared.

    Raises:
        UsageError: no case is in both.
    """
    shared = [case.name for case in head.cases if case.name in {other.name for other in base.cases}]
    if not shared:
        raise UsageError(f"suites {base.name} and {head.name} have no case of one name; name the cases to compare alike")
    commit, dirty = git_state(project.root)

    def arm(title: str, suite: Suite) -> Arm:
        cases = {case.name: case for case in suite.cases if case.name in shared}
        return Arm(title, project.root, project, Path(sys.executable), _path(project.root), cases, commit, dirty)

    return {"base": arm(f"suite {base.name}", base), "head": arm(f"suite {head.name}", head)}


def merge_base(folder: Path, base: str, head: str) -> str:
    """Return the commit at which head left base: what came to base since is not head's doing.

    Raises:
        UsageError: one of them is no commit, or they have none in common.
    """
    for name in (base, head):
        _git(folder, "rev-parse", "--verify", "--quiet", f"{name}^{{commit}}", problem=f"{name!r} is no commit here")
    shallow = "they have no commit in common (a shallow clone? fetch the whole history: git fetch --unshallow)"
    return _git(folder, "merge-base", base, head, problem=f"{base} and {head}: {shallow}")


def changed_dependencies(arms: Mapping[ArmName, Arm]) -> list[str]:
    """Return the files that declare dependencies and differ between the arms."""
    found = {path.name for arm in arms.values() for pattern in DEPENDENCIES for path in arm.root.glob(pattern)}
    return sorted(name for name in found if len({_content(arm.root / name) for arm in arms.values()}) > 1)


def _content(path: Path) -> bytes:
    return path.read_bytes() if path.is_file() else b""


def _main_branch(folder: Path) -> str:
    for name in MAIN_BRANCHES:
        if (
            subprocess.run(
                ["git", "-C", str(folder), "rev-parse", "--verify", "--quiet", name], capture_output=True, check=False
            ).returncode
            == 0
        ):
            return name
    raise UsageError(f"{folder}: no branch {', '.join(MAIN_BRANCHES)} to compare with; name the base commit")


def _worktree(top: Path, folder: Path, commit: str) -> Path:
    _git(top, "worktree", "add", "--detach", "--quiet", str(folder), commit)
    return folder


def _arm(title: str, root: Path, cases: Mapping[str, Case], install: str, environment: Path) -> Arm:
    project = find_project(root)
    python = _environment(title, root, install, environment) if install else Path(sys.executable)
    return Arm(title, root, project, python, () if install else _path(root), cases, *git_state(root))


def _path(root: Path) -> tuple[Path, ...]:
    """Return the folders of a project's own packages, in either of the two usual layouts."""
    return tuple(folder for folder in (root, root / "src") if folder.is_dir())


def _environment(title: str, root: Path, install: str, folder: Path) -> Path:
    """Make an environment and install the project into it; return its interpreter.

    Raises:
        MeasuringError: the command failed, or did not bring the harness along.
    """
    print(f"{title}: {install}", file=sys.stderr, flush=True)
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    settings = os.environ | {"PATH": f"{folder / 'bin'}{os.pathsep}{os.environ.get('PATH', '')}", "VIRTUAL_ENV": str(folder)}
    python = folder / "bin" / "python"
    for command in (shlex.split(install), [str(python), "-c", "import harness.paired.worker"]):
        done = subprocess.run(
            command, cwd=root, env=settings, capture_output=True, text=True, check=False, timeout=INSTALL_SECONDS
        )
        if done.returncode:
            said = (done.stderr or done.stdout).strip().splitlines()[-LAST_LINES:]
            raise MeasuringError("\n".join([f"{title}: {shlex.join(command)} failed in {root}:", *said]))
    return python


def _git(folder: Path, *arguments: str, problem: str = "") -> str:
    done = subprocess.run(["git", "-C", str(folder), *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise UsageError(problem or f"git {' '.join(arguments)}: {done.stderr.strip() or f'exit code {done.returncode}'}")
    return done.stdout.strip()
