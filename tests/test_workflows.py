"""The workflows: safe for forks by what they declare, and the commands of the pull request's job in another repository."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import harness
from harness.catalog import Catalog
from harness.cli import main

yaml = pytest.importorskip("yaml")

FOLDER = Path(__file__).parents[1] / ".github" / "workflows"
NAMES = ("harness-pr", "harness-main", "harness-comment")
GATES = """
[gates]
accuracy = { margin = 0.05 }
loss_curve_digest = {}
aten_operations_per_step = {}
"""


def read(name: str) -> dict[Any, Any]:
    """Return a workflow; YAML 1.1 reads the key `on` as true."""
    content = yaml.safe_load((FOLDER / f"{name}.yml").read_text())
    assert isinstance(content, dict)
    return {("on" if key is True else key): value for key, value in content.items()}


def jobs(name: str) -> dict[str, dict[str, Any]]:
    """Return a workflow's jobs."""
    return dict(read(name)["jobs"])


def steps(name: str) -> Iterator[dict[str, Any]]:
    """Yield the steps of all jobs of a workflow."""
    for job in jobs(name).values():
        yield from job["steps"]


def test_no_other_workflow_is_there() -> None:
    """A new one must be added here, and so be checked."""
    assert {path.stem for path in FOLDER.iterdir()} == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_actions_are_pinned_and_jobs_end(name: str) -> None:
    """Every action is a commit with its version beside it; every job has a time limit; runs do not pile up."""
    text = (FOLDER / f"{name}.yml").read_text()
    used = re.findall(r"uses: (.+)", text)

    assert all(re.fullmatch(r"actions/[a-z/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", entry) for entry in used)
    assert all(0 < job["timeout-minutes"] <= 60 for job in jobs(name).values())
    assert read(name)["concurrency"]["group"]


@pytest.mark.parametrize("name", NAMES)
def test_no_text_of_a_pull_request_becomes_a_command(name: str) -> None:
    """Titles and branch names reach a shell as variables only, never by `${{ }}` in its text."""
    assert [step["run"] for step in steps(name) if "${{" in step.get("run", "")] == []


def test_a_forks_code_gets_no_rights() -> None:
    """The job that runs a pull request's code starts by `pull_request`, reads only, and leaves no token in the checkout."""
    workflow = read("harness-pr")

    assert workflow["on"] == "pull_request"
    assert workflow["permissions"] == {"contents": "read"}
    assert all("permissions" not in job for job in jobs("harness-pr").values())
    assert "secrets." not in (FOLDER / "harness-pr.yml").read_text()
    [checkout] = [step for step in steps("harness-pr") if "checkout" in step.get("uses", "")]
    assert checkout["with"]["persist-credentials"] is False
    assert checkout["with"]["fetch-depth"] == 0


def test_what_may_write_runs_nothing_of_the_pull_request() -> None:
    """The job with rights uses no action at all, checks nothing out, and starts no interpreter."""
    [job] = jobs("harness-comment").values()

    assert read("harness-comment")["on"]["workflow_run"]["workflows"] == ["harness-pr"]
    assert read("harness-comment")["permissions"] == {}
    assert job["permissions"] == {"actions": "read", "pull-requests": "write"}
    assert not [step for step in job["steps"] if "uses" in step]
    assert not re.search(r"python|pip |git |checkout|source |eval |bash ", " ".join(step["run"] for step in job["steps"]))


def test_nothing_else_may_write() -> None:
    """Commits of the main branch are measured with a token that reads."""
    assert read("harness-main")["permissions"] == {"contents": "read"}


@pytest.mark.parametrize("name", NAMES)
def test_every_command_is_valid_shell(name: str) -> None:
    """Bash parses each, and each `harness` command in it is one that there is."""
    for step in steps(name):
        if script := step.get("run"):
            subprocess.run(["bash", "-n"], input=script, text=True, check=True)
            commands = set(re.findall(r"(?:^|\s)harness ([a-z]+)", script))
            assert commands <= set(Catalog().parts("cli"))


GH = """#!/bin/sh
echo "$@" >> calls
case "$*" in
    *"/pulls "*) echo "$PULL" ;;
    "run download"*) mkdir artifact && printf 'Worse, says @everybody. \\377' > artifact/summary.md ;;
    *"--paginate"*) echo "$COMMENT" ;;
esac
"""
"""Stands for GitHub's own client: notes its calls, and answers with a pull request and a comment of the test's."""


@pytest.mark.parametrize(
    ("pull", "comment", "last"),
    [
        ("7", "", "api --method POST repos/o/r/issues/7/comments -F body=@body.md --silent"),
        ("7", "99", "api --method PATCH repos/o/r/issues/comments/99 -F body=@body.md --silent"),
        ("", "", ""),
    ],
    ids=["first", "again", "no such pull request"],
)
def test_the_comment_is_one_that_is_kept_up_to_date(tmp_path: Path, pull: str, comment: str, last: str) -> None:
    """It is posted once and then edited; it calls nobody, is valid UTF-8, and nothing is said where no pull request is open."""
    (tmp_path / "gh").write_text(GH)
    (tmp_path / "gh").chmod(0o755)
    [step] = steps("harness-comment")
    given = {name: "x" for name in jobs("harness-comment")["comment"]["env"]} | {"GH_REPO": "o/r", "MARK": "<!-- harness -->"}
    environment = {
        **os.environ,
        **given,
        "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}",
        "PULL": pull,
        "COMMENT": comment,
    }

    subprocess.run(["bash", "-eo", "pipefail", "-c", step["run"]], cwd=tmp_path, env=environment, check=True)

    assert (tmp_path / "calls").read_text().splitlines()[-1].startswith(last or "api --method GET")
    if pull:
        body = (tmp_path / "body.md").read_text(encoding="utf-8")
        assert body.startswith("<!-- harness -->\nWorse, says @\u200beverybody. ")


class Checkout:
    """A clone of a repository that is not ours, in which the job of a pull request is run as GitHub would."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def git(self, *arguments: str) -> None:
        """Run git."""
        who = ["-c", "user.name=Somebody", "-c", "user.email=somebody@example.com", "-c", "commit.gpgsign=false"]
        subprocess.run(["git", *who, *arguments], cwd=self.folder, check=True, capture_output=True)

    def run_job(self) -> tuple[dict[str, int], str]:
        """Run the steps of the pull request's job but its installing; return their exit codes and the step summary."""
        summary = self.folder.parent / "summary.md"
        summary.write_text("")
        binaries = self.folder.parent / "bin"
        binaries.mkdir(exist_ok=True)
        (binaries / "harness").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m harness "$@"\n')
        (binaries / "harness").chmod(0o755)
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "GITHUB_"))},
            "PATH": f"{binaries}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": str(Path(harness.__file__).parents[1]),
            "HARNESS_SUITE": "mine",
            "HARNESS_SECONDS": "1",
            "HARNESS_BASE_REF": "origin/main",
            "GITHUB_BASE_REF": "main",
            "GITHUB_STEP_SUMMARY": str(summary),
        }
        codes = {
            step["name"]: subprocess.run(
                ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
                cwd=self.folder,
                env=environment,
                check=False,
            ).returncode
            for step in steps("harness-pr")
            if "run" in step and step.get("id") != "install"
        }
        return codes, summary.read_text()


@pytest.fixture
def checkout(project_folder: Path, write_project: Callable[..., None], tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """A clone, on a branch for a pull request, of a repository with a model, a suite and its baselines of its own."""
    write_project({"good": "recipe.epochs = 3\npasses = ['counters']\nseeds = 8"}, head=GATES)
    (project_folder / ".gitignore").write_text("/results/*\n!/results/baselines/\n__pycache__/\n")
    assert main(["run", "mine"]) == 0
    assert main(["baseline", "propose", "mine", "--reason", "first", "--allow-dirty"]) == 0
    assert main(["baseline", "promote", "mine"]) == 0
    origin = Checkout(project_folder)
    origin.git("init", "--quiet", "--initial-branch=main")
    origin.git("add", "--all")
    origin.git("commit", "--quiet", "--message", "first")
    clone = Checkout(tmp_path_factory.mktemp("clone") / "project")
    subprocess.run(["git", "clone", "--quiet", str(project_folder), str(clone.folder)], check=True)
    clone.git("switch", "--quiet", "--create", "change")
    return clone


@pytest.mark.slow
def test_the_job_passes_what_is_unchanged_and_fails_what_is_worse(checkout: Checkout) -> None:
    """In another's repository: a commit on words passes, one that makes the step do more and learn less fails both checks.

    The worse commit also rewrites its baselines, which does not help: the merge base's judge.
    """
    (checkout.folder / "README.md").write_text("Words.\n")
    checkout.git("add", "--all")
    checkout.git("commit", "--quiet", "--message", "words")

    codes, summary = checkout.run_job()

    assert set(codes.values()) == {0}, (codes, summary)
    assert "same" in summary
    assert "**Pass" in summary

    model = checkout.folder / "bench" / "models" / "good.py"
    model.write_text(model.read_text().replace("return self.linear(x)", "return self.linear(x * 1.0) * 0.5"))
    for file in (checkout.folder / "results" / "baselines" / "mine").iterdir():
        file.unlink()
    checkout.git("add", "--all")
    checkout.git("commit", "--quiet", "--message", "worse")

    codes, summary = checkout.run_job()

    compared, judged, summarised = codes.values()
    assert (compared, judged, summarised) == (1, 1, 0), (codes, summary)
    assert "aten_operations_per_step" in summary
    assert "**Worse.**" in summary
