"""An archive is true where training again gives its numbers; what was edited is named, however well its sums fit."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from harness.cli import main
from tests.archive.support import forge, frame, members

Said = Callable[..., tuple[int, dict[str, Any]]]


@pytest.fixture
def verified(home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Said:
    """Return a function that verifies an archive in the project that it is of: (exit code, what is printed as JSON)."""
    monkeypatch.chdir(home)

    def verify(path: Path, *options: str) -> tuple[int, dict[str, Any]]:
        capsys.readouterr()
        code = main(["verify", str(path), "--json", *options])
        return code, json.loads(capsys.readouterr().out or "{}")

    return verify


def named(said: dict[str, Any]) -> list[tuple[str, int | None, str]]:
    """Return what is said to differ."""
    return [(each["what"], each["step"], each["name"]) for each in said["differences"]]


def set_where(column: str, value: object, **where: object) -> Callable[[pd.DataFrame], None]:
    """Return an edit of one column in the rows that have some values."""

    def edit(rows: pd.DataFrame) -> None:
        chosen = pd.Series(True, index=rows.index)
        for name, wanted in where.items():
            chosen &= rows[name] == wanted
        assert chosen.any()
        rows.loc[chosen, column] = value

    return edit


def all_of(*edits: Callable[[pd.DataFrame], None]) -> Callable[[pd.DataFrame], None]:
    """Return several edits as one."""

    def edit(rows: pd.DataFrame) -> None:
        for each in edits:
            each(rows)

    return edit


def test_a_true_archive_is_identical(archive: Path, verified: Said) -> None:
    """Everything that it holds and a training repeats is compared; nothing is stored."""
    before = sorted(path for path in archive.parent.rglob("*") if "__pycache__" not in path.parts)

    code, said = verified(archive)

    assert (0, "identical", []) == (code, said["outcome"], said["differences"])
    assert (16, 16, 96) == tuple(said["compared"][name] for name in ("losses", "learning_rates", "samples"))
    assert [0, 1, 10, 16] == said["compared"]["steps"]
    assert ["times, memory and energy"] == said["not_compared"]
    assert before == sorted(path for path in archive.parent.rglob("*") if "__pycache__" not in path.parts)


def test_every_edited_number_is_named(archive: Path, tmp_path: Path, verified: Said) -> None:
    """Accuracy, parameters, a loss, an evaluation, a digest, a learning rate, a sample of the data: each, and nothing else."""
    digests = frame(members(archive)["tables/digests.parquet"])
    step = int(digests["step"].max())
    forged = forge(
        archive,
        tmp_path / "forged.zip",
        {
            "measurements": all_of(set_where("value", 0.875, metric="accuracy"), set_where("value", 10.0, metric="parameters")),
            "steps": all_of(set_where("loss", 0.5, step=7), set_where("learning_rate", 0.0499, step=3)),
            "evaluations": set_where("value", 0.25, epoch=1, split="test", metric="accuracy"),
            "digests": set_where("sha256", "0" * 64, step=step, tensor="linear.bias"),
            "data_samples": set_where("hash", 17, split="train", sample=5),
        },
    )

    code, said = verified(forged)

    assert (1, "different") == (code, said["outcome"])
    assert [
        ("data", None, "train sample 5"),
        ("learning rate", 3, ""),
        ("loss", 7, ""),
        ("weights", step, "linear.bias"),
        ("evaluation", None, "accuracy on test after epoch 1"),
        ("metric", None, "accuracy"),
        ("metric", None, "parameters"),
    ] == named(said)
    accuracy = said["differences"][-2]
    assert ("0.875", "1.0") == (accuracy["old"], accuracy["new"])


def test_a_suite_of_another_learning_rate_is_found_by_training(archive: Path, tmp_path: Path, verified: Said) -> None:
    """The case, its digest in the run's row and the sums all say 0.0505: the recorded rates and losses are not its own."""
    from harness.digests import digest_of

    def another_rate(suite: dict[str, Any]) -> None:
        suite["cases"][0]["recipe"]["optimizer"]["lr"] = 0.0505

    suite = json.loads(members(archive)["suite.json"])
    another_rate(suite)
    specification = {name: suite["cases"][0][name] for name in ("model", "data", "task", "recipe", "execution", "targets")}
    forged = forge(
        archive,
        tmp_path / "forged.zip",
        {"runs": set_where("case_digest", digest_of(specification))},
        {"suite.json": another_rate},
    )

    code, said = verified(forged)

    assert (1, "different") == (code, said["outcome"])
    assert ("learning rate", 1, "") == named(said)[0]
    assert "learning rate at step 1: 0.05 → 0.0505 (by 0.01, relative)" == said["first"]
    assert ("loss", 2, "") in named(said)


def test_a_tolerance_excuses_no_edited_score(archive: Path, tmp_path: Path, verified: Said) -> None:
    """Rounding changes weights before it changes a score: where every digest is the same, the score was edited."""
    forged = forge(archive, tmp_path / "forged.zip", {"measurements": set_where("value", 0.9999, metric="accuracy")})

    code, said = verified(forged, "--tolerant")

    assert (1, "different") == (code, said["outcome"])
    assert [("metric", None, "accuracy")] == named(said)


def test_what_is_left_out_is_named(archive: Path, tmp_path: Path, verified: Said) -> None:
    """An archive does not pass by holding less: a metric called one of the machine, rates and rows that are gone."""
    forged = forge(
        archive,
        tmp_path / "forged.zip",
        {
            "measurements": all_of(
                set_where("class", "machine", metric="accuracy"), set_where("scope", "fingerprint", metric="parameters")
            ),
            "steps": set_where("learning_rate", None),
            "evaluations": lambda rows: rows[rows["epoch"] != 1],
            "digests": lambda rows: rows[rows["step"] != 10],
            "data_samples": lambda rows: rows[rows["split"] != "test"],
        },
    )

    code, said = verified(forged)

    assert (1, "different") == (code, said["outcome"])
    found = named(said)
    assert {
        ("data", None, "test split"),
        ("learning rate", 1, ""),
        ("weights", 10, "all tensors"),
        ("evaluation", None, "accuracy on test after epoch 1"),
        ("metric", None, "accuracy"),
        ("metric", None, "parameters, its class"),
    } <= set(found)
    assert len(found) == len(set(found))


def test_another_environment_is_refused_by_its_field(
    archive: Path, tmp_path: Path, verified: Said, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where the same bits cannot be had nothing is trained, unless numbers within a tolerance will do."""
    from harness.digests import digest_of

    rows = frame(members(archive)["tables/environments.parquet"])
    another = set_where("value", "AVX9000", key="numeric.instruction_set")
    another(rows)
    fields = dict(zip(rows["key"], rows["value"], strict=True))
    digest = digest_of(fields)
    numeric = digest_of({key[8:]: value for key, value in fields.items() if key.startswith("numeric.")})[:12]
    forged = forge(
        archive,
        tmp_path / "elsewhere.zip",
        {
            "environments": all_of(another, set_where("environment_digest", digest)),
            "runs": all_of(set_where("environment_digest", digest), set_where("numeric_fingerprint", numeric)),
        },
    )

    assert 4 == main(["verify", str(forged)])
    shown = capsys.readouterr()
    assert "instruction_set AVX9000 → " in shown.err
    assert "--tolerant" in shown.err
    assert "" == shown.out
    assert 0 == verified(forged, "--tolerant")[0]


def test_a_damaged_archive_is_refused_before_anything_runs(
    archive: Path, tmp_path: Path, verified: Said, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 5, one message."""
    (tmp_path / "half.zip").write_bytes(archive.read_bytes()[:3000])

    assert 5 == main(["verify", str(tmp_path / "half.zip")])
    shown = capsys.readouterr()
    assert shown.err.startswith("error: ")
    assert "nothing of it was run" in shown.err
    assert "" == shown.out


def git(folder: Path, *arguments: str) -> str:
    """Run git as nobody in particular."""
    nobody = {f"GIT_{role}_{field}": "someone@example.org" for role in ("AUTHOR", "COMMITTER") for field in ("NAME", "EMAIL")}
    surroundings = {**os.environ, **nobody, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    command = ["git", "-C", str(folder), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True, env=surroundings).stdout.strip()


def harness_as(user: str, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command line as a user with a home of their own."""
    own = folder.parent / f"home of {user}"
    own.mkdir(exist_ok=True)
    surroundings = {**os.environ, "HOME": str(own), "USER": user, "LOGNAME": user, "HOSTNAME": f"{user}s-machine"}
    command = [sys.executable, "-P", "-m", "harness", *arguments]
    return subprocess.run(command, cwd=folder, env=surroundings, capture_output=True, text=True, check=False)


def test_another_user_verifies_it_in_another_clone(home: Path, tmp_path: Path) -> None:
    """Run, exported and verified by three processes, in two clones of one commit, by two users with two homes."""
    mine, theirs = tmp_path / "mine", tmp_path / "elsewhere" / "a clone"
    shutil.copytree(home, mine, ignore=shutil.ignore_patterns("results", "*.zip", "__pycache__"))
    (mine / ".gitignore").write_text("__pycache__\nresults\n*.zip\n")
    git(mine, "init", "--quiet")
    git(mine, "add", ".")
    git(mine, "commit", "--quiet", "-m", "first")
    theirs.parent.mkdir()
    git(tmp_path, "clone", "--quiet", str(mine), str(theirs))

    ran = harness_as("ada", mine, "run", "mine", "--seeds", "4,")
    assert 0 == ran.returncode, ran.stderr
    exported = harness_as("ada", mine, "export", "mine", "good", "-o", "../sent.zip")
    assert 0 == exported.returncode, exported.stderr
    verified = harness_as("bob", theirs, "verify", "../../sent.zip")

    assert 0 == verified.returncode, verified.stderr
    assert ": identical\n" in verified.stdout
    commit = git(mine, "rev-parse", "HEAD")
    assert f"code: as recorded (commit {commit[:12]})" in verified.stdout
    assert [] == list(theirs.glob("results"))

    model = theirs / "bench" / "models" / "good.py"
    model.write_text(model.read_text() + "\n# edited\n")
    changed = harness_as("bob", theirs, "verify", "../../sent.zip")
    assert 0 == changed.returncode, changed.stderr
    assert "code: changed since the record" in changed.stdout
    assert f"to verify it by the code that made it: git checkout {commit}" in changed.stderr

    model.unlink()
    gone = harness_as("bob", theirs, "verify", "../../sent.zip")
    assert 2 == gone.returncode
    assert "no model 'good'" in gone.stderr
    assert f"another state of the project, or of another project: commit {commit}" in gone.stderr
