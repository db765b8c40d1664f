"""`harness reproduce`: outcome, differences and exit code, in words, tab-separated and as JSON."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import harness
from harness.cli import main
from harness.results import RunSet
from harness.runner.execute import Ran

NOISY = '''"""A linear classifier that FAULT makes noisy, broken or slow."""
import os
import signal
import torch
from torch import nn
from harness.models import Model

class Net(nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.linear, self.calls = nn.Linear(3, classes), 0
        if os.environ.get("FAULT") == "noise, then waits":
            os.environ["FAULT"] = "waits" if os.path.exists("noise") else "noise"
            open("noise", "w").close()
        if os.environ.get("FAULT") == "noise":
            self.linear.bias.register_hook(self.disturb)

    def disturb(self, gradient):
        self.calls += 1
        return gradient * (1 + int.from_bytes(os.urandom(2), "big")) if self.calls == 4 else gradient

    def forward(self, x):
        if os.environ.get("FAULT") == "dies":
            raise ValueError("boom")
        if os.environ.get("FAULT") == "nan":
            x = x * float("nan")
        if os.environ.get("FAULT") == "waits":
            open("waiting", "w").close()
            signal.pause()
        return self.linear(x)

def build(spec):
    return Net(spec.classes)

MODEL = Model(build=build)
'''


@pytest.fixture
def run_set(
    project_folder: Path, write_project: Callable[..., None], run_mine: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch
) -> RunSet:
    """A run set of one case, two seeds and the counters pass; temporary files beside it."""
    (project_folder / "tmp").mkdir()
    monkeypatch.setenv("TMPDIR", str(project_folder / "tmp"))
    monkeypatch.setattr("tempfile.tempdir", None)
    write_project({"good": 'passes = ["counters"]'})
    data = project_folder / "bench" / "data" / "clouds.py"
    data.write_text(data.read_text().replace("torch.randn", "torch.rand"))  # normal numbers depend on the instruction set
    (project_folder / "bench" / "models" / "good.py").write_text(NOISY)
    return run_mine().run_set


def test_the_same_bits_are_exit_code_0(run_set: RunSet, capsys: pytest.CaptureFixture[str]) -> None:
    """Found by suite and case, it says how much was compared, and what no two runs have in common."""
    capsys.readouterr()

    assert 0 == main(["reproduce", "mine", "good"])

    out, err = capsys.readouterr()
    outcome, compared, absent, code = out.splitlines()
    assert outcome.startswith("good-s1-")
    assert outcome.endswith(": identical")
    assert compared.startswith(
        "compared: 16 losses, 16 learning rates, 4 evaluations, 8 digests of tensors at 4 steps (0, 1, 10, 16), "
    )
    assert "96 data samples" in compared
    assert "not compared: times, memory and energy" == absent
    assert code.startswith("code: as recorded (")
    assert "[1/1] good, seed 1: ok" in err


def test_other_bits_are_exit_code_1_and_named(
    run_set: RunSet, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first difference in words, a table of them, and the step and tensor at which trainings part."""
    monkeypatch.setenv("FAULT", "noise")
    capsys.readouterr()

    assert 1 == main(["reproduce", "good-s2", "--top", "3"])

    out, err = capsys.readouterr()
    outcome, first, head, *rows, localised, _, _, _ = out.splitlines()
    assert outcome.startswith("good-s2-")
    assert outcome.endswith(": different")
    assert first.startswith("first difference: loss at step 5: ")
    assert "what\tstep\tname\trecorded\tre-run\trelative change" == head
    assert ["loss\t5", "loss\t6", "loss\t7"] == [row[:6] for row in rows]
    assert "localised: two trainings by the same code differ first at step 4, tensor linear.bias" == localised
    assert "more differences; --top " in err
    assert "[2/2] good, seed 2: ok" in err


def test_json_has_everything(run_set: RunSet, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """For programs: nothing else is on stdout, and nothing is left out. Of runs that begin alike, the training is meant."""
    monkeypatch.setenv("FAULT", "noise")
    capsys.readouterr()

    assert 1 == main(["reproduce", "good-s1", "--json"])

    told = json.loads(capsys.readouterr().out)
    assert ("different", 1, "good", 1, False) == tuple(
        told[name] for name in ("outcome", "exit_code", "case", "seed", "code_changed")
    )
    assert told["run_id"] in run_set.run_ids()
    assert ("loss", 5) == (told["differences"][0]["what"], told["differences"][0]["step"])
    assert 12 <= len(told["differences"])
    assert ("linear.bias", 4) == (told["localised"]["difference"]["name"], told["localised"]["difference"]["step"])
    assert [0, 1, 10, 16] == told["compared"]["steps"]


def test_another_environment_is_exit_code_4_before_anything_is_trained(
    run_set: RunSet, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The field is named; --tolerant trains all the same and says it."""
    monkeypatch.setenv("ATEN_CPU_CAPABILITY", "default")
    capsys.readouterr()

    assert 4 == main(["reproduce", "mine", "good"])
    out, err = capsys.readouterr()
    assert "" == out
    assert "what decides the bits is not as recorded: instruction_set " in err
    assert "--tolerant" in err
    assert "[1/1]" not in err

    assert 0 == main(["reproduce", "mine", "good", "--tolerant"])
    assert "environment: not as recorded: instruction_set " in capsys.readouterr().out


def test_a_re_run_that_fails_is_exit_code_5(
    run_set: RunSet, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It says why."""
    monkeypatch.setenv("FAULT", "dies")

    assert 5 == main(["reproduce", "mine", "good"])
    assert "the re-run ended as failed: ValueError: boom" in capsys.readouterr().err


def test_a_training_that_diverged_diverges_again(
    run_set: RunSet, run_mine: Callable[..., Ran], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """That it diverges, and at which step, is what such a run has to give again."""
    monkeypatch.setenv("FAULT", "nan")
    [run_id] = run_mine(fresh=True, seeds=(3,)).run_set.table("runs").query("status == 'diverged'")["run_id"]
    capsys.readouterr()

    assert 0 == main(["reproduce", run_id])
    assert "both ended as diverged: training loss was nan at step 1" in capsys.readouterr().out


def test_what_names_no_training_says_what_to_do(run_set: RunSet, capsys: pytest.CaptureFixture[str]) -> None:
    """A wrong name, several runs, a run of another pass."""
    said = {
        "godo-s1": "no run 'godo-s1'",
        "good-s": "begins 2 runs: good-s1-",
        "mine": "name a case too: harness reproduce mine CASE",
        "good-s1-counters": "a run of the counters pass, which trains nothing to its end; give a training's id, or: mine/",
    }
    for name, told in said.items():
        assert 2 == main(["reproduce", name]), name
        assert told in capsys.readouterr().err
    assert 2 == main(["reproduce", "mine", "god"])
    assert "no such case, did you mean 'good'?" in capsys.readouterr().err


def test_a_failed_run_is_refused(
    run_set: RunSet, run_mine: Callable[..., Ran], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It left nothing that a training could give again."""
    monkeypatch.setenv("FAULT", "dies")
    failed = run_mine(fresh=True, seeds=(3,)).run_set.table("runs").query("status == 'failed'")["run_id"]

    assert 2 == main(["reproduce", next(run_id for run_id in failed if "counters" not in run_id)])
    assert "it ended as failed: ValueError: boom; only a training that came to its end" in capsys.readouterr().err


def test_a_scripts_run_is_refused(project_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Only the script itself can train it again."""
    with harness.measure("script", device="cpu"):
        pass

    assert 2 == main(["reproduce", "script-s1"])
    assert "a script trained it" in capsys.readouterr().err


def test_a_model_that_is_gone_is_named(run_set: RunSet, project_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The code has to be there to be trained."""
    (project_folder / "bench" / "models" / "good.py").unlink()

    assert 2 == main(["reproduce", "mine", "good"])
    assert "'good'" in capsys.readouterr().err


def interrupted(fault: str) -> tuple[int, str, str]:
    """Reproduce with a fault that waits, and interrupt that; return exit code, stdout and stderr."""
    command = [sys.executable, "-m", "harness", "reproduce", "mine", "good"]
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    process = subprocess.Popen(
        command,
        env=os.environ | {"FAULT": fault},
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a background job would ignore it
        **streams,
    )
    deadline = time.monotonic() + 120
    while not Path("waiting").exists() and time.monotonic() < deadline and process.poll() is None:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    return process.returncode, out, err


def test_an_interrupt_leaves_nothing_behind(run_set: RunSet, project_folder: Path) -> None:
    """Ctrl-C ends the training; the results are as they were, and the temporary folder is empty."""
    before = {path: path.read_bytes() for path in run_set.path.rglob("*") if path.is_file()}

    code, out, err = interrupted("waits")

    assert (130, "") == (code, out)
    assert "interrupted: nothing was compared, and no result was touched" in err
    assert before == {path: path.read_bytes() for path in run_set.path.rglob("*") if path.is_file()}
    assert [] == list((project_folder / "tmp").glob("harness-*"))


def test_an_interrupt_while_it_localises_keeps_what_was_compared(run_set: RunSet) -> None:
    """The two more trainings may take longer than it is worth."""
    code, out, err = interrupted("noise, then waits")

    assert 1 == code
    assert "first difference: loss at step 5: " in out
    assert "localised" not in out
    assert "interrupted: not localised" in err
