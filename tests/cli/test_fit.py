"""`harness fit`: the largest batch that fits in memory, found by trials in fresh processes."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from harness.cli import main
from harness.project import find_project
from harness.runner.largest import Largest, largest_batch
from harness.suite import load_suite

MIB = 2**20
SAMPLE = 4 * MIB
"""Bytes that the greedy model takes for each sample, for as long as a forward pass lasts."""

GREEDY = f'''"""A linear classifier that takes its fill for each sample."""
import torch
from torch import nn
from harness.models import Model

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(3, 3)

    def forward(self, x):
        held = torch.ones(len(x) * {SAMPLE}, dtype=torch.uint8)
        return self.linear(x)

def build(spec):
    return Net()

MODEL = Model(build=build)
'''
HEAD = "case\tdeclared\tlargest that fits\tmemory\tstopped by"


@pytest.fixture
def write(project_folder: Path, write_project: Callable[..., None]) -> Callable[[str], None]:
    """Return a function that writes the project with the greedy model and these lines of its case."""

    def with_lines(lines: str) -> None:
        write_project({"good": lines})
        (project_folder / "bench" / "models" / "good.py").write_text(GREEDY)

    return with_lines


def search(folder: Path) -> Largest:
    """Return what a search of the only case finds."""
    project = find_project(folder)
    [case] = load_suite(project.suite_file("mine"), project.catalog()).cases
    return largest_batch(project, case, lambda line: None)


def test_the_largest_batch_is_found_between_what_fits_and_what_does_not(
    project_folder: Path, write: Callable[[str], None], capsys: pytest.CaptureFixture[str]
) -> None:
    """With room for 48 samples and a half beside the process, 48 are found, as exactly as the search goes, however short the
    peak. The whole split of 64 is found where it fits."""
    write("")
    whole = search(project_folder)
    assert (64, "it is the whole training split") == (whole.batch_size, whole.stopped_by)
    itself = whole.bytes_used - 64 * SAMPLE
    assert itself > 0
    write(f"memory_limit_bytes = {int(itself) + 48 * SAMPLE + SAMPLE // 2}")

    assert main(["fit", "mine"]) == 0

    out, err = capsys.readouterr()
    head, row = out.splitlines()
    case, declared, found, _, stopped = row.split("\t")
    assert (HEAD, "good", "8", "48", "50 do not fit") == (head, case, declared, found, stopped)
    trials = ["32: ok", "64: oom", "48: ok", "56: oom", "52: oom", "50: oom"]
    assert [f"good: batch size {trial}" for trial in trials] == err.splitlines()


def test_where_not_one_sample_fits_it_says_so(
    project_folder: Path, write: Callable[[str], None], capsys: pytest.CaptureFixture[str]
) -> None:
    """Measuring failed: code 5, and where to look."""
    write(f"memory_limit_bytes = {64 * MIB}")

    assert main(["fit", "mine"]) == 5
    assert "good: not even a batch of one sample fits in memory; see `harness doctor`" in capsys.readouterr().err


def test_a_model_that_fails_otherwise_is_named_with_the_reason(
    write_project: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    """An error is no lack of memory, and the search does not go on."""
    write_project({"exception": ""})

    assert main(["fit", "mine"]) == 5
    assert "exception: batch size 32: failed: ValueError: boom" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["mime"], "no suite 'mime'"),
        (["mine", "-k", "x"], "no case of suite 'mine' matches -k x"),
        (["mine", "--device", "gpu"], "--device: found 'gpu'"),
    ],
)
def test_wrong_names_are_refused(
    write: Callable[[str], None], capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    """A wrong suite, case or device is a usage error, and nothing is tried."""
    write("")

    assert main(["fit", *arguments]) == 2
    assert message in capsys.readouterr().err


def test_help_says_what_is_searched(capsys: pytest.CaptureFixture[str]) -> None:
    """--help needs no project."""
    assert main(["fit", "--help"]) == 0
    assert "largest batch size" in capsys.readouterr().out


def test_ctrl_c_leaves_no_process_behind(project_folder: Path, write_project: Callable[..., None]) -> None:
    """In the midst of a trial, whose own child is killed with it."""
    write_project({"nursery": ""})
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "harness", "fit", "mine"],
        cwd=project_folder,
        stderr=subprocess.PIPE,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a background job would ignore it
    )
    while not any("600.125" in child.cmdline() for child in psutil.Process(process.pid).children(recursive=True)):
        assert process.poll() is None
    family = psutil.Process(process.pid).children(recursive=True)

    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)

    assert 130 == process.returncode
    assert [] == psutil.wait_procs(family, timeout=30)[1]
