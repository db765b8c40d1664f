"""What is stored of a run's checkout: its commit, and how its files differ from it."""

from __future__ import annotations

import hashlib
import os
import subprocess
from pathlib import Path

import pytest

from harness.git import diff_digest, git_state

AUTHOR = {f"GIT_{role}_{field}": "someone@example.org" for role in ("AUTHOR", "COMMITTER") for field in ("NAME", "EMAIL")}


def git(folder: Path, *arguments: str) -> str:
    """Run git without the settings of whoever runs the tests."""
    surroundings = {**os.environ, **AUTHOR, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    command = ["git", "-C", str(folder), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True, env=surroundings).stdout


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout of one commit, with a text, a binary file and a folder."""
    folder = tmp_path / "original"
    (folder / "inner").mkdir(parents=True)
    (folder / "model.py").write_text("".join(f"line_{number} = {number}\n" for number in range(40)))
    (folder / "weights.bin").write_bytes(bytes(range(256)))
    (folder / "inner" / "suite.toml").write_text("version = 1\n")
    git(folder, "init", "--quiet")
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "-m", "first")
    return folder


@pytest.fixture
def clone(checkout: Path) -> Path:
    """Another checkout of it, elsewhere."""
    folder = checkout.with_name("a clone")
    git(checkout.parent, "clone", "--quiet", str(checkout), str(folder))
    return folder


def edit(folder: Path, number: int = 1) -> None:
    """Change a text and a binary file."""
    model = folder / "model.py"
    model.write_text(model.read_text().replace(f"line_{number} = {number}\n", f"line_{number} = 'edited'\n"))
    (folder / "weights.bin").write_bytes(bytes(reversed(range(256))))


def test_a_clean_checkout_has_its_commit_and_no_diff(checkout: Path) -> None:
    """A file that git does not track, or that was only touched, is no change."""
    (checkout / "notes.txt").write_text("mine")
    os.utime(checkout / "model.py", (0, 0))

    assert (git(checkout, "rev-parse", "HEAD").strip(), False) == git_state(checkout)
    assert "" == diff_digest(checkout)


def test_equal_changes_give_equal_digests_in_two_clones(checkout: Path, clone: Path) -> None:
    """The path, staging, and the folder that is asked about play no part; another change gives another digest."""
    edit(checkout)
    edit(clone)
    git(clone, "add", "model.py")

    assert 64 == len(diff_digest(checkout))
    assert diff_digest(checkout) == diff_digest(clone) == diff_digest(clone / "inner")
    assert git_state(clone)[1]
    edit(clone, number=30)
    assert diff_digest(checkout) != diff_digest(clone)


def test_a_change_in_a_binary_file_is_seen(checkout: Path) -> None:
    """Its bytes count, not that it differs."""
    digests = set()
    for content in (b"\0one", b"\0two"):
        (checkout / "weights.bin").write_bytes(content)
        digests.add(diff_digest(checkout))

    assert 2 == len(digests)


def test_what_git_is_set_to_show_plays_no_part(checkout: Path, clone: Path) -> None:
    """Prefixes, context, algorithm, renames, colours and programs of the user's change no digest."""
    for setting in (
        "diff.noprefix=true",
        "diff.context=9",
        "diff.interHunkContext=20",
        "diff.algorithm=histogram",
        "diff.renames=copies",
        "diff.relative=true",
        "diff.indentHeuristic=true",
        "color.ui=always",
        "diff.external=true",
    ):
        git(clone, "config", *setting.split("="))
    for folder in (checkout, clone):
        edit(folder)
        edit(folder, number=20)

    assert diff_digest(checkout) == diff_digest(clone) == diff_digest(clone / "inner")


def test_it_is_the_digest_of_what_git_prints(checkout: Path) -> None:
    """Without settings of the user's, `git diff HEAD --binary --full-index` is what is digested, so that anyone can."""
    edit(checkout)

    shown = git(checkout, "diff", "HEAD", "--binary", "--full-index", "--no-renames", "--no-indent-heuristic")

    assert hashlib.sha256(shown.encode()).hexdigest() == diff_digest(checkout)


def test_outside_a_checkout_nothing_is_known(tmp_path: Path) -> None:
    """No commit, and no changes."""
    assert ("", False) == git_state(tmp_path)
    assert "" == diff_digest(tmp_path)


def test_a_checkout_without_a_commit_is_none(tmp_path: Path) -> None:
    """There is nothing that its files could differ from."""
    git(tmp_path, "init", "--quiet")

    assert ("", False) == git_state(tmp_path)
    assert "" == diff_digest(tmp_path)
