"""What is stored and sent tells what a number came from, and nothing of who ran it, on which host, or in which folder."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from harness.digests import digest_of
from harness.results import RunSet, find_run_set
from tests.archive.support import members

SECRET = "hunter2-4f1c9a"
USER = "ada-lovelace"


@pytest.fixture
def as_ada(project_folder: Path) -> Callable[..., str]:
    """Return a function that runs the command line as a user with a home, a secret and a host name to give away."""
    home = project_folder / "home" / USER
    home.mkdir(parents=True)
    own = {"HOME": str(home), "USER": USER, "LOGNAME": USER, "HOSTNAME": f"{USER}s-laptop", "API_TOKEN": SECRET}
    surroundings = {**os.environ, **own}
    surroundings.pop("XDG_CACHE_HOME", None)

    def run(*arguments: str, code: int = 0) -> str:
        command = [sys.executable, "-P", "-m", "harness", *arguments]
        done = subprocess.run(command, cwd=project_folder, env=surroundings, capture_output=True, text=True, check=False)
        assert code == done.returncode, done.stderr
        return done.stdout

    return run


@pytest.fixture
def giveaways(project_folder: Path) -> list[re.Pattern[str]]:
    """What must be nowhere, as words: user, host, home, the project's folder and the secret."""
    names = [USER, SECRET, socket.gethostname(), str(project_folder), str(Path.home())]
    return [re.compile(rf"(?<![\w-]){re.escape(name)}(?![\w-])") for name in names if len(name) > 3]


def texts(run_set: RunSet) -> Iterator[tuple[str, str]]:
    """Yield (where, text) of each text in each table file of a run set, parts included."""
    for file in run_set.path.rglob("*.parquet"):
        table = pq.read_table(file)
        for column in table.column_names:
            yield from ((f"{file.name}: {column}", text) for text in table[column].to_pylist() if isinstance(text, str))


def test_no_table_and_no_archive_gives_away_who_ran_it(
    write_project: Callable[..., None],
    project_folder: Path,
    as_ada: Callable[..., str],
    giveaways: list[re.Pattern[str]],
) -> None:
    """Every text of every table, every member of an archive, and its zip as it is."""
    write_project({"good": "passes = ['memory', 'counters']"})
    as_ada("run", "mine", "--seeds", "1,")
    run_set = find_run_set(project_folder / "results", "mine")
    archive = project_folder / as_ada("export", "mine", "good").strip()

    stored = list(texts(run_set))
    sent = [(name, content.decode(errors="replace")) for name, content in members(archive).items()]
    assert len(stored) > 500
    assert any("requirements.txt" in name for name, _ in sent)
    found = [(where, name.pattern) for where, text in [*stored, *sent] for name in giveaways if name.search(text)]

    assert [] == found
    assert SECRET.encode() not in archive.read_bytes()
    assert "asked" not in "".join(name + text for name, text in sent)


def test_a_run_names_the_code_data_and_changes_it_came_from(
    write_project: Callable[..., None], project_folder: Path, as_ada: Callable[..., str]
) -> None:
    """Commit, digest of uncommitted changes, digests of code and data; the environment's digest is that of its rows."""
    write_project({"good": "passes = []"})
    for command in (["init", "--quiet"], ["add", "."], ["commit", "--quiet", "-m", "first"]):
        identity = ["-c", "user.name=someone", "-c", "user.email=someone@example.org"]
        subprocess.run(["git", *identity, *command], cwd=project_folder, check=True, capture_output=True)
    as_ada("run", "mine", "--seeds", "1,")
    suite = project_folder / "suites" / "mine.toml"
    suite.write_text(suite.read_text() + "# a note\n")
    as_ada("run", "mine", "--seeds", "1,", "--fresh")

    clean, dirty = (
        RunSet(path.parent).table("runs").iloc[0] for path in sorted(project_folder.glob("results/mine/*/manifest.json"))
    )
    assert (False, "") == (bool(clean["dirty"]), clean["diff_digest"])
    assert dirty["dirty"]
    assert re.fullmatch("[0-9a-f]{64}", dirty["diff_digest"])
    assert clean["commit"] == dirty["commit"] != ""
    for name in ("code_digest", "data_digest", "run_key"):
        assert clean[name] == dirty[name]
        assert re.fullmatch("[0-9a-f]{64}", clean[name])
    run_set = find_run_set(project_folder / "results", "mine")
    assert {digest: digest_of(fields) for digest, fields in run_set.environment.items()} == {
        digest: digest for digest in run_set.environment
    }
    assert f"{sys.version_info.major}.{sys.version_info.minor}" in next(iter(run_set.environment.values()))["version.python"]


def test_a_failed_runs_reason_gives_no_folder_away(
    write_project: Callable[..., None],
    project_folder: Path,
    as_ada: Callable[..., str],
    giveaways: list[re.Pattern[str]],
) -> None:
    """Errors name files; what is stored of them does not say where on this machine they were."""
    write_project({"good": "passes = []"})
    data = project_folder / "bench" / "data" / "clouds.py"
    fault = f"    open({str(project_folder / 'home' / USER / 'samples.bin')!r})\n"
    data.write_text(
        data.read_text().replace("def load(context, *, noise=0.1):\n", f"def load(context, *, noise=0.1):\n{fault}")
    )
    as_ada("run", "mine", "--seeds", "1,", code=5)

    stored = list(texts(find_run_set(project_folder / "results", "mine")))

    assert any("samples.bin" in text for _, text in stored)
    assert [] == [(where, text) for where, text in stored for name in giveaways if name.search(text)]
