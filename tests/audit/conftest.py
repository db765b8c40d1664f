"""A project whose models are each at fault in one way, and what an audit of them finds."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from harness.audit import Options, audit
from harness.audits import Audit
from harness.project import Project, find_project
from harness.suite import Overrides, load_suite, narrow
from tests.conftest import DATA, DEFAULTS

MODEL = '''"""A linear classifier{name}."""
import os
from pathlib import Path
import torch
from torch import nn
from harness.models import Model

LAST = Path(__file__).with_name("last.txt")
BUILT = []

def last_built():
    return LAST.read_text() if LAST.exists() else ""

class Net(nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.linear = nn.Linear(3, classes)
        self.calls = 0
        self.shift = 0.0
        {build}

    def forward(self, x):
        self.calls += 1
        {forward}
        return self.linear(x + self.shift)

def build(spec):
    BUILT.append(spec)
    return Net(spec.classes)

MODEL = Model(build=build{declared})
'''

FAULTS: dict[str, dict[str, str]] = {
    "follows": {"build": "self.shift = 1e-3 * (last_built() == 'sound'); LAST.write_text('follows')"},
    "process": {"build": "self.shift = os.getpid() * 1e-5"},
    "declared": {"build": "self.shift = os.getpid() * 1e-5", "declared": ', nondeterminism="adds its process id"'},
    "second": {"build": "self.shift = 1e-3 * (len(BUILT) - 1)"},
    "counter": {"forward": "self.shift = 1e-3 * self.calls"},
    "rounding": {"build": "self.shift = 1e-6 * torch.get_num_threads()"},
    "threaded": {"build": "self.shift = 1.0 * torch.get_num_threads()"},
    "kernels": {"build": "self.shift = 1.0 * len(torch.backends.cpu.get_cpu_capability())"},
    "unfixed": {"build": "self.shift = os.getpid() * 1e-5 * torch.are_deterministic_algorithms_enabled()"},
    "lacking": {"build": "assert not torch.are_deterministic_algorithms_enabled(), 'no such kernel'"},
    "broken": {"forward": "raise ValueError('boom')"},
    "sound": {"build": "LAST.write_text('sound')"},
}
"""Model -> what is wrong with it; `sound` is not, but leaves a trace that `follows` sees."""


def write_models(folder: Path, faults: dict[str, dict[str, str]]) -> Project:
    """Write a project of one suite, `mine`, with a case for each model; return it."""
    for kind in ("models", "data"):
        (folder / "bench" / kind).mkdir(parents=True, exist_ok=True)
    (folder / "suites").mkdir(exist_ok=True)
    (folder / "pyproject.toml").write_text('[tool.harness]\ncatalogues = ["bench"]\n')
    (folder / "bench" / "data" / "clouds.py").write_text(DATA)
    suite = f'version = 1\nwhy = "test"\n{DEFAULTS}'
    for name, fault in faults.items():
        filled = {"build": "pass", "forward": "pass", "declared": ""} | fault
        (folder / "bench" / "models" / f"{name}.py").write_text(MODEL.format(name=f" ({name})", **filled))
        suite += f'\n[[case]]\nmodel = "{name}"\n'
    (folder / "suites" / "mine.toml").write_text(suite)
    return find_project(folder)


def audit_mine(project: Project, keyword: str | None = None, **options: object) -> Audit:
    """Audit the project's suite, or its cases with this keyword."""
    declared = load_suite(project.suite_file("mine"), project.catalog())
    chosen, _ = narrow(declared, Overrides(keyword))
    return audit(project, declared, chosen, Options(**options))  # type: ignore[arg-type]


@pytest.fixture
def small(project_folder: Path) -> Callable[..., Project]:
    """Return a function that writes a project of the models named."""
    return lambda *names: write_models(project_folder, {name: FAULTS[name] for name in names})
