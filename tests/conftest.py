"""Fixtures that many tests share: one thread, and a user's project outside the harness.

The project has models of its own, good and broken, its own data, and a suite.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from harness.api import run_suite
from harness.project import find_project
from harness.runner.execute import Ran
from harness.suite import Overrides

DATA = '''"""Points of three clouds."""
import torch
from harness.data import Dataset, Split, Splits

def load(context, *, noise=0.1):
    draw = torch.Generator().manual_seed(7)
    labels = torch.arange(96) % 3
    inputs = torch.eye(3)[labels] + noise * torch.randn(96, 3, generator=draw)
    return Splits(Split(inputs[:64], labels[:64]), Split(inputs[64:], labels[64:]), ("a", "b", "c"))

DATASET = Dataset(load=load, shape=(3,), classes=3, sizes=(64, 32), synthetic=True)
'''

MODEL = '''"""A linear classifier{summary}."""
import ctypes, os, signal, subprocess, sys
import torch
from torch import nn
from harness.models import Model

class Net(nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.linear = nn.Linear(3, classes)

    def forward(self, x):
        {fault}
        return self.linear(x)

def build(spec, *, scale=1.0):
    return Net(spec.classes)

MODEL = Model(build=build)
'''

DEFAULTS = """
[defaults]
data = "clouds"
seeds = [1, 2]
passes = []

[defaults.recipe]
epochs = 2
batch_size = 8
optimizer = { name = "adam", lr = 0.05 }
"""

FAULTS = {
    "good": "pass",
    "segfault": "ctypes.string_at(0)",
    "kill": "os.kill(os.getpid(), signal.SIGKILL)",
    "hang": "signal.pause()",
    "waits": (
        "self.calls = getattr(self, 'calls', 0) + 1; "
        "self.calls == 20 and not os.path.exists('go_on') and (open('waiting', 'w').close(), signal.pause())"
    ),
    "nan": "return self.linear(x) * float('nan')",
    "exception": "raise ValueError('boom')",
    "exit": "os._exit(3)",
    "leave": "sys.exit('done early')",
    "memory_error": "torch.empty(2**45)",
    "greedy": "self.hoard = torch.ones(400_000_000)",
    "realtime": "os.kill(os.getpid(), 40)",
    "nursery": "subprocess.Popen(['sleep', '600.125'], start_new_session=True).wait()",
    "vandal": "open(__file__, 'a').write('# edited')",
    "orphan": "subprocess.Popen(['sleep', '600.125'], start_new_session=True)",
}


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Tests compute with one thread, as runs do, so that bits do not depend on the machine's cores."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def project_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty project, with the working folder in it."""
    (tmp_path / "suites").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def write_project(project_folder: Path) -> Callable[..., None]:
    """Return a function that writes the project: cases by name -> their TOML lines; a case's model is its name."""

    def write(cases: dict[str, str], head: str = "") -> None:
        for kind in ("models", "data"):
            (project_folder / "bench" / kind).mkdir(parents=True, exist_ok=True)
        (project_folder / "pyproject.toml").write_text('[tool.harness]\ncatalogues = ["bench"]\n')
        (project_folder / "bench" / "data" / "clouds.py").write_text(DATA)
        for name in cases:
            text = MODEL.format(summary=f" ({name})", fault=FAULTS[name])
            (project_folder / "bench" / "models" / f"{name}.py").write_text(text)
        suite = f'version = 1\nwhy = "test"\n{head}\n{DEFAULTS}'
        for name, lines in cases.items():
            suite += f'\n[[case]]\nmodel = "{name}"\n{lines}\n'
        (project_folder / "suites" / "mine.toml").write_text(suite)

    return write


@pytest.fixture
def run_mine(project_folder: Path) -> Callable[..., Ran]:
    """Return a function that runs the project's suite."""

    def run(fresh: bool = False, **overrides: object) -> Ran:
        return run_suite(find_project(project_folder), "mine", Overrides(**overrides), fresh)  # type: ignore[arg-type]

    return run
