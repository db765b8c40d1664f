"""A run that another process on its GPU disturbed: repeated, and kept as tainted where that did not help. The GPU is the
stand-in driver's; that the run is on it is what its model says."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.cli import main
from harness.results import RunSet, find_run_set
from tests.probes.conftest import driver as driver
from tests.probes.conftest import scripted as scripted
from tests.probes.test_nvml_run import MODEL, UUID

GPU = f"gpu H200 {UUID} 1000000\nat {UUID} 0 util=87 used=5000 power=300 throttle=0\n"
GATES = "[gates]\nparameters = {}\n"

SCRIPTED = """
script, attempts = Path(os.environ["NVML_STUB_SCRIPT"]), Path("attempts.txt")
with attempts.open("a") as file:
    file.write("once\\n")
disturbed = len(attempts.read_text().splitlines()) <= DISTURBED
script.write_text(GPU + FOREIGN * disturbed)
print("attempt", disturbed)
"""


@pytest.fixture
def write(
    write_project: Callable[..., None], scripted: Callable[[str], None], project_folder: Path
) -> Callable[[int, int], None]:
    """Return a function that writes a project: how often a disturbed run is repeated, and the attempts that are disturbed."""

    def project(retries: int, disturbed: int) -> None:
        write_project({"good": f"seeds = [1]\nretries = {retries}\nrecipe.epochs = 1"}, head=GATES)
        said = {"DISTURBED": disturbed, "GPU": repr(GPU), "FOREIGN": repr(f"proc {UUID} {os.getpid()} 999\n")}
        lines = SCRIPTED
        for name, value in said.items():
            lines = lines.replace(name, str(value))
        body = lines.replace("\n", "\n    ")
        model = MODEL.replace("UUID", UUID).replace("def build(spec):", f"def build(spec):{body}")
        (project_folder / "bench" / "models" / "good.py").write_text(model)
        scripted(GPU)

    return project


def attempts(folder: Path) -> int:
    """Return how often the model was built for a training."""
    return len((folder / "attempts.txt").read_text().splitlines())


def held(folder: Path) -> RunSet:
    """Return the suite's last run set."""
    return find_run_set(folder / "results", "mine")


def logs(folder: Path) -> list[str]:
    """Return the files of what runs printed that the suite's last run set keeps."""
    return sorted(path.name for path in (held(folder).path / "logs").glob("*"))


def test_a_run_disturbed_each_time_ends_tainted(
    project_folder: Path, write: Callable[[int, int], None], capsys: pytest.CaptureFixture[str]
) -> None:
    """One repetition, announced; then the last attempt is kept with the reason, and `run` and `gate` end with 5."""
    write(1, 100)

    assert main(["run", "mine"]) == 5

    runs, shown = held(project_folder).table("runs"), capsys.readouterr().err
    assert 2 == attempts(project_folder)
    assert ["tainted"] == runs["status"].tolist()
    assert [f"{run_id}.txt" for run_id in runs["run_id"]] == logs(project_folder)
    [reason] = runs["reason"]
    assert reason.startswith("another process was on the GPU in ")
    assert reason.endswith(" samples of training")
    assert 1 == shown.count("good, seed 1: run again, because another process was on the GPU in ")
    assert f"[1/1] good, seed 1: tainted, {reason}" in shown
    assert "1 tainted; next: " in shown
    assert main(["gate", "mine"]) == 5
    assert f"seed 1: tainted ({reason})" in capsys.readouterr().out


def test_a_run_left_alone_the_second_time_is_ok_and_alone_kept(
    project_folder: Path, write: Callable[[int, int], None], capsys: pytest.CaptureFixture[str]
) -> None:
    """The rows are those of the attempt that nothing disturbed; the other left nothing in any table, and no log."""
    write(1, 1)

    assert main(["run", "mine"]) == 0

    run_set = held(project_folder)
    [run_id] = run_set.table("runs")["run_id"]
    assert 2 == attempts(project_folder)
    assert ["ok"] == run_set.table("runs")["status"].tolist()
    for table in ("measurements", "steps", "samples", "host_samples", "digests"):
        assert {run_id} == set(run_set.table(table)["run_id"]), table
    assert 8 == len(run_set.table("steps"))
    assert [] == logs(project_folder)
    assert {0} == set(run_set.table("samples")["foreign_processes"].dropna())
    assert 1 == capsys.readouterr().err.count("run again, because another process was on the GPU")


def test_without_retries_the_first_attempt_stands(project_folder: Path, write: Callable[[int, int], None]) -> None:
    """retries = 0 repeats nothing."""
    write(0, 1)

    assert main(["run", "mine"]) == 5
    assert 1 == attempts(project_folder)
    assert ["tainted"] == held(project_folder).table("runs")["status"].tolist()
