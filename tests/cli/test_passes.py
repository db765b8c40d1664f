"""A pass that failed, as each command tells of it; and how the next start goes on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from harness.cli import main
from harness.results import find_run_set

GATES = "[gates]\nparameters = {}\naten_operations_per_step = {}\ntensor_peak_memory = {}\n"
LEAN = 'if os.environ["MALLOC_TRIM_THRESHOLD_"] == "131072" and os.path.exists("bad"): raise ValueError("no room")'
"""Fails in a memory pass, whose allocator has this setting, while the file is there."""


@pytest.fixture
def project(project_folder: Path, write_project: Callable[..., None]) -> Path:
    """A project of one case, three seeds and two passes, of which one will fail."""
    write_project({"good": 'passes = ["memory", "counters"]\nseeds = [1, 2, 3]'}, head=GATES)
    model = project_folder / "bench" / "models" / "good.py"
    model.write_text(model.read_text().replace("pass\n", f"{LEAN}\n"))
    (project_folder / "bad").touch()
    return project_folder


def test_a_failed_pass_is_told_by_every_command_and_run_again(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """run, gate, report, results and baseline name the pass; the unfinished set, taken up, runs that pass alone."""
    assert 5 == main(["run", "mine"])
    shown = capsys.readouterr().err
    for line in ("[1/5] good, seed 1: ok, accuracy", "seed 1, memory pass: failed, ValueError: no room", "counters pass: ok, "):
        assert line in shown
    assert "1 failed, 4 ok; next: " in shown
    assert 5 == main(["gate", "mine"])
    assert "seed 1, memory pass: failed (ValueError: no room)" in capsys.readouterr().out
    assert 0 == main(["report", "mine"])
    text = (find_run_set(project / "results", "mine").path / "report.html").read_text()
    assert "Runs that did not succeed: 1 of 5" in text
    assert "1 of 5 runs did not succeed" in text
    main(["results", "ls"])
    assert "\t4/5\t" in capsys.readouterr().out
    assert 5 == main(["baseline", "propose", "mine", "--reason", "first"])
    assert "good: seed 1, memory pass: failed (ValueError: no room) in mine/" in capsys.readouterr().err

    run_set = find_run_set(project / "results", "mine")
    before = run_set.table("runs").set_index(["pass", "seed"])["run_id"].to_dict()
    run_set.update(complete=False)
    (project / "bad").unlink()

    assert 0 == main(["run", "mine"])
    assert f"going on with {run_set.name}: 1 of 5 runs to do, 1 of them again" in capsys.readouterr().err
    after = run_set.table("runs").set_index(["pass", "seed"])["run_id"].to_dict()
    assert before.keys() == after.keys()
    assert {("memory", 1)} == {name for name in before if before[name] != after[name]}
    assert [0, 0, 0] == [
        main(["baseline", "propose", "mine", "--reason", "first"]),
        main(["baseline", "promote", "mine"]),
        main(["gate", "mine"]),
    ]
