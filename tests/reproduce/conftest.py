"""A project whose runs go wrong as the environment variable FAULT says: nothing that is recorded tells of it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.api import run_suite
from harness.project import Project, find_project
from harness.reproduce import Evidence, Reproduction, evidence_of, reproduce
from harness.runner.find import find_run
from harness.suite import Overrides

MODEL = '''"""Two layers, and what FAULT plants: kind:step."""
import os
import signal
from dataclasses import replace
import torch
from torch import nn
from torch.optim import Adam
from harness.models import Model
from harness.train import StepPlan, _updates

KIND, _, STEP = os.environ.get("FAULT", "").partition(":")

def by_chance():
    return int.from_bytes(os.urandom(2), "big") / 2**16

class Skips(Adam):
    taken = 0

    def step(self, closure=None):
        self.taken += 1
        return None if self.taken == int(STEP) else super().step(closure)

class Net(nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.first, self.second, self.calls = nn.Linear(3, 8), nn.Linear(8, classes), 0
        if KIND == "noise":
            self.second.bias.register_hook(self.disturb)
        if KIND == "uninitialised":
            held = torch.empty_like(self.second.weight)
            self.second.weight = nn.Parameter(held.fill_(by_chance()))  # as memory might happen to be
        if KIND == "dies":
            raise ValueError("boom")
        if KIND == "waits":
            open("waiting", "w").close()
            signal.pause()
        if KIND == "nan":
            self.first.weight.data.fill_(float("nan"))

    def disturb(self, gradient):
        self.calls += 1
        return gradient * (1 + by_chance()) if self.calls == int(STEP) else gradient

    def forward(self, x):
        return self.second(self.first(x).tanh())

def build(spec):
    return Net(spec.classes)

def one_fewer(whole=StepPlan.of):
    def of(recipe, samples):
        plan = whole(recipe, samples)
        return replace(plan, steps=plan.steps - 1)
    return of

if KIND == "rate":
    _updates.OPTIMIZERS["adam"] = lambda parameters, lr: Adam(parameters, lr=lr * 1.01)
if KIND == "skip":
    _updates.OPTIMIZERS["adam"] = Skips
if KIND == "fewer":
    StepPlan.of = one_fewer()

MODEL = Model(build=build)
'''

DATA = '''"""Points of three clouds."""
import os
import torch
from harness.data import Dataset, Split, Splits

def load(context):
    draw = torch.Generator().manual_seed(7)
    labels = torch.arange(96) % 3
    inputs = torch.eye(3)[labels] + 0.1 * torch.randn(96, 3, generator=draw)
    if os.environ.get("FAULT") == "sample:17":
        inputs[17, 1] += 1e-3
    return Splits(Split(inputs[:64], labels[:64]), Split(inputs[64:], labels[64:]), ("a", "b", "c"))

DATASET = Dataset(load=load, shape=(3,), classes=3, sizes=(64, 32), synthetic=True)
'''


SUITE = """version = 1
why = "Repeats, or does not."

[defaults]
data = "clouds"
seeds = [1]
passes = []

[defaults.recipe]
epochs = 2
batch_size = 8
optimizer = { name = "adam", lr = 0.05 }

[[case]]
model = "good"
"""


@pytest.fixture(scope="session")
def recorded_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with one run of 16 steps in two epochs, in which nothing went wrong."""
    folder = tmp_path_factory.mktemp("recorded")
    for name, content in {
        "pyproject.toml": '[tool.harness]\ncatalogues = ["bench"]\n',
        "bench/models/good.py": MODEL,
        "bench/data/clouds.py": DATA,
        "suites/mine.toml": SUITE,
    }.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content)
    ran = run_suite(find_project(folder), "mine", Overrides())
    assert {"ok": 1} == ran.statuses
    return folder


@pytest.fixture
def faulty(recorded_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A copy of that project, with the working folder in it; no fault so far."""
    shutil.copytree(recorded_folder, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("FAULT", raising=False)
    return find_project(tmp_path)


@pytest.fixture
def recorded(faulty: Project) -> Evidence:
    """What the run left."""
    found = find_run(faulty, "mine", "good")
    return evidence_of(found.run_set.table, found.case, found.run_id, "mine")


@pytest.fixture
def reproduce_with(faulty: Project, recorded: Evidence, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Reproduction]:
    """Return a function that trains the run again with a fault."""

    def again(fault: str) -> Reproduction:
        monkeypatch.setenv("FAULT", fault)
        return reproduce(faulty, recorded)

    return again
