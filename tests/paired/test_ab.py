"""`harness ab`: two commits of a project of a user's own, measured in real processes."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import pandas as pd
import pytest
import torch

import harness
from harness.cli import main
from harness.errors import UsageError
from harness.paired._arms import merge_base

SLOWER = "[torch.ones(64, 64) @ torch.ones(64, 64) for _ in range(20)]"


def git(folder: Path, *arguments: str) -> str:
    """Run git as a user who exists nowhere else."""
    who = ("-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")
    done = subprocess.run(["git", "-C", str(folder), *who, *arguments], capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.fixture
def repository(project_folder: Path, write_project: Callable[..., None]) -> Path:
    """A repository with one model, one suite and one commit on main."""
    write_project({"good": "passes = []\nrecipe.epochs = 50"})
    (project_folder / ".gitignore").write_text("results/\n__pycache__/\n")
    git(project_folder, "init", "--quiet", "--initial-branch=main")
    commit(project_folder)
    return project_folder


def commit(folder: Path) -> str:
    """Commit everything; return the commit."""
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "state")
    return git(folder, "rev-parse", "HEAD")


def edit(folder: Path, fault: str) -> None:
    """Make the model's forward pass do something else first."""
    file = folder / "bench" / "models" / "good.py"
    file.write_text(file.read_text().replace("        pass\n", f"        {fault}\n"))


def verdicts(folder: Path) -> Mapping[str, pd.Series]:
    """Return the verdicts of the only comparison, by metric."""
    (found,) = (folder / "results" / "ab").iterdir()
    table = pd.read_parquet(found / "verdicts.parquet")
    return {row["metric"]: row for _, row in table.iterrows()}


def test_an_unchanged_tree_is_the_same(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Every count is equal; every block is stored, base and head in turn on one core, first one and then the other."""
    assert 0 == main(["ab", "HEAD", "--suite", "mine", "--seconds", "1", "--margin", "50"])
    out, err = capsys.readouterr()
    found = verdicts(repository)
    assert {"same"} == {row["verdict"] for row in found.values() if row["class"] == "exact"}
    assert {"cpu_time_per_step", "step_time_median"} == {name for name, row in found.items() if row["class"] == "machine"}
    assert "exit code 0" in out
    assert "good: restart 1: cpu" in err
    (folder,) = (repository / "results" / "ab").iterdir()
    blocks = pd.read_parquet(folder / "blocks.parquet")
    first = blocks[blocks["restart"] == 0]
    assert 1 == first["core"].nunique()
    assert ["base", "head", "head", "base"] == first["arm"].tolist()[:4]
    assert 20 <= first["pair"].nunique() <= 30
    record = json.loads((folder / "record.json").read_text())
    assert git(repository, "rev-parse", "HEAD") == record["arms"]["base"]["commit"] == record["arms"]["head"]["commit"]
    assert "" == git(repository, "worktree", "list", "--porcelain").partition("\n\n")[2].strip()
    assert "" == git(repository, "status", "--porcelain")


def test_a_slower_head_is_worse(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Real extra work in the working tree: more operations, and more CPU time, beyond doubt."""
    edit(repository, SLOWER)

    assert 1 == main(["ab", "--suite", "mine", "--seconds", "120"])
    found = verdicts(repository)
    assert "worse" == found["cpu_time_per_step"]["verdict"]
    assert found["cpu_time_per_step"]["low"] > 0.03
    assert found["aten_operations_per_step"]["estimate"] >= 60  # two tensors made and one product, twenty times
    assert "cpu_time_per_step" in capsys.readouterr().out


def test_what_came_to_the_base_since_is_not_the_heads_doing(repository: Path) -> None:
    """The merge base is measured, not the tip of the branch; a commit that is none, or unrelated, is refused."""
    fork = git(repository, "rev-parse", "HEAD")
    git(repository, "checkout", "--quiet", "-b", "mine")
    edit(repository, "x = x + 0")
    mine = commit(repository)
    git(repository, "checkout", "--quiet", "main")
    edit(repository, "x = x * 1")
    later = commit(repository)

    assert fork == merge_base(repository, "main", "mine")
    assert later != fork != mine
    with pytest.raises(UsageError, match="'nonsense' is no commit here"):
        merge_base(repository, "nonsense", "mine")
    git(repository, "checkout", "--quiet", "--orphan", "alone")
    commit(repository)
    with pytest.raises(UsageError, match="no commit in common"):
        merge_base(repository, "main", "alone")


def test_each_arm_runs_its_own_package(repository: Path) -> None:
    """A package of the project is imported from the arm's own checkout: one operation more on the head is counted as one."""
    package, model = repository / "src" / "mine", repository / "bench" / "models" / "good.py"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("def change(x):\n    return x + 1\n")
    model.write_text(model.read_text().replace("        pass\n", "        import mine; x = mine.change(x)\n"))
    commit(repository)
    (package / "__init__.py").write_text("def change(x):\n    return x + 1 + 1\n")

    main(["ab", "HEAD", "--suite", "mine", "--seconds", "1"])
    found = verdicts(repository)["aten_operations_per_step"]
    assert (1.0, "worse", "info") == (found["estimate"], found["verdict"], found["level"])


def test_an_arm_that_fails_says_so(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A head that raises, or dies, ends the comparison with which arm it was and why."""
    edit(repository, "raise ValueError('boom')")
    assert 5 == main(["ab", "HEAD", "--suite", "mine", "--seconds", "1"])
    assert "error: good, head: ValueError: boom" in capsys.readouterr().err
    edit(repository, "pass")
    model = repository / "bench" / "models" / "good.py"
    model.write_text(model.read_text().replace("raise ValueError('boom')", "os._exit(7)"))
    assert 5 == main(["ab", "HEAD", "--suite", "mine", "--seconds", "1"])
    assert "error: good, head: its process ended with exit code 7" in capsys.readouterr().err


def test_an_interrupt_keeps_what_was_measured(repository: Path) -> None:
    """Ctrl-C after the first restart: its blocks are stored, without a verdict, and no checkout is left behind."""
    command = [sys.executable, "-m", "harness", "ab", "HEAD", "--suite", "mine", "--seconds", "300", "--margin", "0.01"]
    default = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)  # a background job would hand on that it is ignored
    with subprocess.Popen(command, cwd=repository, stderr=subprocess.PIPE, text=True, preexec_fn=default) as running:
        assert running.stderr is not None
        for line in running.stderr:
            if "restart 1:" in line:
                running.send_signal(signal.SIGINT)
                break
        rest = running.stderr.read()
    assert running.returncode == 130, rest
    (folder,) = (repository / "results" / "ab").iterdir()
    blocks = pd.read_parquet(folder / "blocks.parquet")
    assert len(blocks) >= 40
    assert set(blocks["case"]) == {"good"}
    assert len(pd.read_parquet(folder / "verdicts.parquet")) == 0
    assert blocks["restart"].nunique() == json.loads((folder / "record.json").read_text())["restarts"]["good"]
    assert "" == git(repository, "worktree", "list", "--porcelain").partition("\n\n")[2].strip()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nonsense"], "'nonsense' is no commit here"),
        (["HEAD", "--suite", "other"], "no suite 'other'"),
        (["HEAD", "--against", "mine"], "name no commit with it"),
        (["HEAD", "-k", "absent"], "absent"),
        (["--policy", "lax"], "--policy: found 'lax'"),
    ],
)
def test_what_cannot_be_compared_is_refused(
    repository: Path, arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """One line, exit code 2."""
    suite = [] if "--suite" in arguments else ["--suite", "mine"]
    assert 2 == main(["ab", *arguments, *suite])
    assert message in capsys.readouterr().err


def test_outside_a_repository_there_is_no_commit(project_folder: Path, write_project: Callable[..., None]) -> None:
    """Git's own words say what is wrong."""
    write_project({"good": ""})
    assert 2 == main(["ab", "HEAD", "--suite", "mine"])


def test_two_suites_are_compared_case_by_case(repository: Path) -> None:
    """Cases of one name, as each suite declares them; one that only one has is left out."""
    (repository / "suites" / "wide.toml").write_text(
        (repository / "suites" / "mine.toml").read_text().replace("batch_size = 8", "batch_size = 16")
    )

    main(["ab", "--suite", "wide", "--against", "mine", "--seconds", "1"])
    found = verdicts(repository)
    assert "same" == found["aten_operations_per_step"]["verdict"]
    assert found["allocated_bytes_per_step"]["estimate"] > 0


def test_each_arm_may_have_an_environment_of_its_own(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The command runs in both, in the arm's own folder; what it brings is what the arm runs with, and its failure is told."""
    places = r"\n".join(str(Path(module.__file__ or "").parents[1]) for module in (torch, harness))
    into = '"$(python -c "import site; print(site.getsitepackages()[0])")/all.pth"'
    lines = [f'printf "{places}\\n" > {into}', f'pwd >> "{repository}/results/ran"']
    (repository / "install.sh").write_text("\n".join(lines) + "\n")
    commit(repository)
    (repository / "results").mkdir()

    assert 0 == main(["ab", "HEAD", "--suite", "mine", "--seconds", "1", "--margin", "50", "--install", "sh install.sh"])
    base, head = (repository / "results" / "ran").read_text().split()
    assert Path(head) == repository != Path(base)
    assert "head working tree: sh install.sh" in capsys.readouterr().err
    assert 5 == main(["ab", "HEAD", "--suite", "mine", "--install", "sh -c 'echo no such thing; exit 3'"])
    assert "failed in" in (told := capsys.readouterr().err)
    assert "no such thing" in told
