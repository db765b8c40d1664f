"""A project of the self-test's own: a repository made from a template, in which the harness is run as a person runs it."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import harness
from harness.errors import ExitCode, MeasuringError, UsageError

TEMPLATE = Path(__file__).parent / "template"
SUITE = "selftest"
LOG = "harness.log"
LAST_LINES = 8
ANSWERS = (ExitCode.PASS, ExitCode.WORSE, ExitCode.INCONCLUSIVE, ExitCode.INCOMPARABLE, ExitCode.MEASURING, ExitCode.BETTER)
"""Exit codes with which a command has done what it was asked to."""
NOT_OURS = ("HARNESS_BASE_REF", "GITHUB_BASE_REF")
"""Environment variables that tell of another repository, beside git's own."""
AUTHOR = ("-c", "user.name=selftest", "-c", "user.email=selftest@localhost")


@dataclass(frozen=True)
class Told:
    """One verdict."""

    case: str
    metric: str
    verdict: str
    level: str
    why: str


class OwnProject:
    """The project, made from a template in an empty folder, with one commit.

    Raises:
        UsageError: the template is no project with the suite.
        MeasuringError: there is no git.
    """

    def __init__(self, folder: Path, template: Path) -> None:
        if not (template / "suites" / f"{SUITE}.toml").is_file():
            raise UsageError(f"{template}: no template: it has no suites/{SUITE}.toml; copy {TEMPLATE} and change that")
        self.root, self._log, self._scratch = folder / "project", folder / LOG, folder / "tmp"
        shutil.copytree(template, self.root, ignore=shutil.ignore_patterns("__pycache__"))
        for path in (self.root, *self.root.rglob("*")):
            path.chmod(path.stat().st_mode | stat.S_IWUSR)  # an installed template may be read-only
        self._scratch.mkdir()
        self._git("init", "--quiet")
        self.commit()

    def commit(self) -> None:
        """Commit everything."""
        self._git("add", "--all")
        self._git("commit", "--quiet", "--message", "state")

    @contextmanager
    def edited(self, file: str, old: str, new: str) -> Iterator[None]:
        """Replace a text in a file for a while.

        Raises:
            UsageError: the text is not there, or more than once.
        """
        path = self.root / file
        before = path.read_text(encoding="utf-8") if path.is_file() else ""
        if before.count(old) != 1:
            raise UsageError(f"{file}: the template does not hold this once, where a fault is planted:\n{old}")
        path.write_text(before.replace(old, new), encoding="utf-8")
        try:
            yield
        finally:
            path.write_text(before, encoding="utf-8")

    def record_baseline(self) -> None:
        """Measure every seed, and make and commit the baseline."""
        self.harness("run", SUITE, "--fresh", allowed=(ExitCode.PASS,))
        self.harness("baseline", "propose", SUITE, "--reason", "unchanged", allowed=(ExitCode.PASS,))
        self.harness("baseline", "promote", SUITE, allowed=(ExitCode.PASS,))
        self.commit()

    def gate(self) -> tuple[ExitCode, list[Told]]:
        """Measure one seed, judge it against the baseline, and return the exit code and the verdicts."""
        from harness.results import run_sets

        self.harness("run", SUITE, "--fresh", "--seeds", "1")
        code = self.harness("gate", SUITE)
        return code, _told(run_sets(self.root / "results", SUITE)[-1].path)

    def ab(self, seconds: float) -> tuple[ExitCode, list[Told]]:
        """Compare the working tree with its commit, and return the exit code and the verdicts."""
        folder = self.root / "results" / "ab"
        known = set(folder.glob("*"))
        code = self.harness("ab", "HEAD", "--suite", SUITE, "--seconds", f"{seconds:g}")
        (made,) = set(folder.glob("*")) - known
        return code, _told(made)

    def harness(self, *arguments: str, allowed: tuple[ExitCode, ...] = ANSWERS) -> ExitCode:
        """Run a command of the harness in the project; return its exit code.

        Raises:
            MeasuringError: it was none of those allowed.
        """
        with self._log.open("ab+") as log:
            start = log.tell()
            process = subprocess.Popen(
                [sys.executable, "-P", "-m", "harness", *arguments],
                cwd=self.root,
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
            try:
                code = process.wait()
            except BaseException:  # of ours is Ctrl-C, or SIGTERM: the command ends its own processes then
                process.terminate()
                process.wait()
                raise
        if code not in allowed:
            said = self._log.read_bytes()[start:].decode(errors="replace").strip().splitlines()[-LAST_LINES:]
            raise MeasuringError("\n  ".join([f"harness {' '.join(arguments)}: exit code {code}:", *said]))
        return ExitCode(code)

    def _environment(self) -> dict[str, str]:
        """Return our environment without what tells of another repository, or how the user likes git; with the harness that
        runs now, and a place for temporary files that goes away with the project's folder."""
        kept = {name: value for name, value in os.environ.items() if name not in NOT_OURS and not name.startswith("GIT_")}
        path = [str(Path(harness.__file__).parents[1]), *filter(None, [kept.get("PYTHONPATH")])]
        return kept | {
            "PYTHONPATH": os.pathsep.join(path),
            "PYTHONDONTWRITEBYTECODE": "1",  # an edit within a second, of the same length, would go unseen
            "TMPDIR": str(self._scratch),
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CONFIG_NOSYSTEM": "1",
        }

    def _git(self, *arguments: str) -> None:
        try:
            subprocess.run(
                ["git", *AUTHOR, *arguments], cwd=self.root, env=self._environment(), capture_output=True, text=True, check=True
            )
        except FileNotFoundError as error:
            raise MeasuringError("git is not installed; the self-test compares commits of a repository of its own") from error
        except subprocess.CalledProcessError as error:
            raise MeasuringError(f"git {arguments[0]}: {error.stderr.strip()}") from error


def _told(folder: Path) -> list[Told]:
    """Return the verdicts stored in a folder."""
    import pandas as pd

    rows = pd.read_parquet(folder / "verdicts.parquet").to_dict("records")
    return [Told(row["case"], row["metric"], row["verdict"], row["level"], row["note"] or row["method"]) for row in rows]
