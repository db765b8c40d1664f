"""Suites as tests: real outcomes, a JUnit file that agrees with the gate, benchmarks that other tools read."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import nn

from harness.catalog import Catalog
from harness.cli import main
from harness.data import Split, Splits
from harness.observations import Observations
from harness.pytest_plugin import take_step
from harness.suite import Optimizer, Recipe, Schedule
from harness.tasks import Task
from harness.train import Job, Loop

GATES = """
[gates]
accuracy = { margin = 0.05 }
loss_curve_digest = {}
macro_f1 = { level = "warn", margin = 0.0001 }
step_time_median = { level = "info", margin = 0.2 }
"""


def run_pytest(folder: Path, *arguments: str) -> tuple[int, dict[str, ElementTree.Element], str]:
    """Return pytest's exit code, the JUnit test cases by name and the output."""
    junit = folder / "junit.xml"
    own = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}  # not this test's workers
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", f"--junitxml={junit}", *arguments],
        cwd=folder,
        env=own,
        capture_output=True,
        text=True,
        check=False,
    )
    found = ElementTree.parse(junit).iter("testcase") if junit.exists() else []
    return done.returncode, {case.attrib["name"]: case for case in found}, done.stdout


@pytest.fixture
def project(project_folder: Path, write_project: Callable[..., None]) -> Path:
    """A project whose baseline holds eight seeds."""
    write_project({"good": "recipe.epochs = 5"}, head=GATES)
    assert main(["run", "mine", "--seeds", "8"]) == 0
    assert main(["baseline", "propose", "mine", "--reason", "first"]) == 0
    assert main(["baseline", "promote", "mine"]) == 0
    return project_folder


def test_every_verdict_is_an_outcome_and_every_step_a_benchmark(project: Path) -> None:
    """An unchanged suite passes, its JUnit cases carry the figures, and the benchmark file is pytest-benchmark's."""
    code, cases, output = run_pytest(project, "suites/mine.toml", "--benchmark-json=bench.json")

    assert code == 0, output
    assert set(cases) == {
        "runs",
        "accuracy",
        "loss_curve_digest",
        "macro_f1",
        "step_time_median",
        "train_step",
        "infer_step",
        "baselines without a case",
    }
    properties = {item.attrib["name"]: item.attrib["value"] for item in cases["accuracy"].iter("property")}
    assert properties["verdict"] in ("same", "inconclusive")
    assert properties["n_base"] == "8"
    figures = {"base", "head", "estimate", "low", "high", "margin", "mde", "p_adjusted", "class", "method", "metric", "case"}
    assert figures <= set(properties)
    assert properties["run_set"].startswith("mine/")
    assert properties["against"] == "results/baselines/mine"
    assert {item.attrib["name"]: item.attrib["value"] for item in cases["runs"].iter("property")}["verdict"] == "same"
    names = [entry["name"] for entry in json.loads((project / "bench.json").read_text())["benchmarks"]]
    assert names == ["good::train_step", "good::infer_step"]
    compared = subprocess.run(
        ["pytest-benchmark", "compare", str(project / "bench.json")], capture_output=True, text=True, check=False
    )
    assert compared.returncode == 0, compared.stderr
    assert "good::train_step" in compared.stdout


def test_a_changed_model_fails_in_junit_too(project: Path) -> None:
    """What the gate calls worse is a failure in the JUnit file, with the figures; the exit code is pytest's 1."""
    model = project / "bench" / "models" / "good.py"
    model.write_text(model.read_text().replace("return self.linear(x)", "return self.linear(x) * 0.5"))

    code, cases, output = run_pytest(project, "suites/mine.toml", "-k", "not step")

    assert code == 1
    [failure] = cases["loss_curve_digest"].iter("failure")
    assert "verdict worse" in failure.attrib["message"]
    assert "Traceback" not in output


def test_a_removed_baseline_row_fails(project: Path) -> None:
    """A gated metric that the baseline no longer holds is no pass."""
    file = project / "results" / "baselines" / "mine" / "good.json"
    content = json.loads(file.read_text())
    del content["metrics"]["accuracy"]
    file.write_text(json.dumps(content))

    code, cases, _ = run_pytest(project, "suites/mine.toml", "-k", "not step", "--harness-run-set", "mine")

    assert code == 1
    assert list(cases["accuracy"].iter("failure"))


def test_a_baseline_without_its_case_fails(project: Path) -> None:
    """A case that is declared no more, though its baseline is there, is told."""
    folder = project / "results" / "baselines" / "mine"
    content = json.loads((folder / "good.json").read_text()) | {"case": "gone"}
    (folder / "gone.json").write_text(json.dumps(content))

    code, cases, _ = run_pytest(project, "suites/mine.toml", "-k", "not step", "--harness-run-set", "mine")

    assert code == 1
    assert list(cases["baselines without a case"].iter("failure"))


def test_a_run_that_died_fails_its_cases_test(project_folder: Path, write_project: Callable[..., None]) -> None:
    """A case whose run was killed is a failed test, not a missing one."""
    write_project({"kill": ""}, head=GATES)

    code, cases, _ = run_pytest(project_folder, "suites/mine.toml", "-k", "not step")

    assert code == 1
    [failure] = cases["runs"].iter("failure")
    assert "killed" in failure.attrib["message"]


def test_a_pass_that_died_fails_its_cases_test(project_folder: Path, write_project: Callable[..., None]) -> None:
    """A pass has no item of its own: its run is one of the case's `runs`, its metrics are items where they are gated."""
    gates = GATES + "aten_operations_per_step = {}\ntensor_peak_memory = {}\n"
    write_project({"good": 'seeds = [1]\npasses = ["memory", "counters"]'}, head=gates)
    model = project_folder / "bench" / "models" / "good.py"
    lean = 'if os.environ["MALLOC_TRIM_THRESHOLD_"] == "131072": raise ValueError("no room")'
    model.write_text(model.read_text().replace("pass\n", f"{lean}\n"))

    code, cases, output = run_pytest(project_folder, "suites/mine.toml", "-k", "not train_step and not infer_step")

    assert code == 1, output
    [runs], [peak] = cases["runs"].iter("failure"), cases["tensor_peak_memory"].iter("failure")
    assert "seed 1, memory pass: failed (ValueError: no room)" in runs.attrib["message"]
    assert "missing" in peak.attrib["message"]
    assert "verdict new" in next(cases["aten_operations_per_step"].iter("failure")).attrib["message"]


def test_suites_are_collected_only_when_named(project_folder: Path, write_project: Callable[..., None]) -> None:
    """A plain `pytest` starts no training; naming the folder does; a broken suite is a collection error with its lines."""
    write_project({"good": "colour = 3"})

    assert run_pytest(project_folder)[0] == 5  # nothing collected
    code, _, output = run_pytest(project_folder, "suites")

    assert code == 2
    assert "mine.toml:17: " in output
    assert "'colour'" in output


BROKEN_START = """
import subprocess, sys
start = subprocess.Popen.__init__

def fail(self, args, *more, **given):
    if args[0] != sys.executable:
        return start(self, args, *more, **given)
    with open("started", "a") as file:
        file.write("once ")
    raise ValueError("no process today")

subprocess.Popen.__init__ = fail
"""


def test_a_suite_that_cannot_run_is_tried_once(project_folder: Path, write_project: Callable[..., None]) -> None:
    """Whatever stops the suite fails each of its tests, without running it again for each."""
    write_project({"good": ""}, head=GATES)
    (project_folder / "conftest.py").write_text(BROKEN_START)

    code, cases, _ = run_pytest(project_folder, "suites/mine.toml", "-k", "not step")

    assert code == 1
    for name in ("runs", "accuracy"):
        [failure] = cases[name].iter("failure")
        assert "no process today" in failure.attrib["message"]
    assert (project_folder / "started").read_text() == "once "


def test_suites_are_refused_under_xdist(project_folder: Path, write_project: Callable[..., None]) -> None:
    """Workers side by side would each run the suite."""
    write_project({"good": ""}, head=GATES)

    code, _, output = run_pytest(project_folder, "suites", "-n", "2")

    assert code != 0
    assert "run suites without -n" in output
    assert not (project_folder / "results").exists()


USERS_TEST = """
import os, torch

def test_flags():
    assert not torch.are_deterministic_algorithms_enabled()
    assert not torch.backends.cudnn.benchmark
    assert not torch.backends.cudnn.deterministic
    assert torch.backends.cudnn.allow_tf32
    assert "CUBLAS_WORKSPACE_CONFIG" not in os.environ
"""


@pytest.mark.parametrize("lane", ["speed", "deterministic"])
def test_benchmarks_leave_torchs_switches_alone(project_folder: Path, write_project: Callable[..., None], lane: str) -> None:
    """A user's test that comes after a benchmark sees torch as it was."""
    write_project({"good": f'execution.lane = "{lane}"'}, head=GATES)
    (project_folder / "test_after.py").write_text(USERS_TEST)

    code, cases, output = run_pytest(project_folder, "suites/mine.toml", "test_after.py", "-k", "step or flags")

    assert code == 0, output
    assert list(cases)[-1] == "test_flags"


@pytest.mark.parametrize(
    "recipe",
    [
        Recipe(batch_size=4, epochs=1, clip_norm=0.01, optimizer=Optimizer(name="sgd", lr=0.5)),
        Recipe(
            batch_size=4, epochs=1, optimizer=Optimizer(name="sgd", lr=0.5), schedule=Schedule(name="cosine", warmup_steps=3)
        ),
        Recipe(batch_size=4, epochs=1, accumulate=2, optimizer=Optimizer(name="sgd", lr=0.5)),
    ],
    ids=["clipping", "schedule", "accumulation"],
)
def test_the_timed_step_is_the_trainings(recipe: Recipe) -> None:
    """Three timed steps give the weights and the rate that an epoch over the same samples gives, bit for bit."""
    weights, rates = [], []
    for timed in (True, False):
        torch.manual_seed(0)
        model, split = nn.Linear(5, 3), Split(torch.randn(12, 5), torch.arange(12) % 3)
        task: Task = Catalog().load("tasks", "classification")
        learning = task.start(Splits(split, split))
        loop = Loop(Job(model, task, learning, recipe, 1, split, None, split, torch.device("cpu")), Observations())
        if timed:
            for _ in range(3):
                take_step(loop)
        else:
            loop.steps(1, torch.arange(loop.plan.step_samples).repeat(3))
        weights.append(model.weight.detach().clone())
        rates.append(loop.updates[0].state_dict()["optimizer"]["param_groups"][0]["lr"])

    assert torch.equal(weights[0], weights[1])
    assert rates[0] == rates[1]
