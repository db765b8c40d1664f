"""What each pass measures, against costs that the tests plant in a model or a data set of their own."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.api import run_suite
from harness.project import find_project
from harness.runner.execute import Ran
from harness.runner.jobs import Outcome
from harness.runner.largest import find_largest
from harness.suite import Overrides

MIB = 2**20

MODEL = """\"\"\"A linear classifier that costs what it is told to.\"\"\"
import time
import torch
from torch import nn
from harness.models import Model

def wait(column, seconds):
    started = time.perf_counter()
    time.sleep(seconds)
    with open("planted.txt", "a") as file:
        file.write(f"{column} {time.perf_counter() - started}\\n")

class Net(nn.Module):
    def __init__(self, classes, plant):
        super().__init__()
        self.linear, self.plant, self.hoard = nn.Linear(3, classes), plant, []

    def forward(self, x):
        if self.plant == "step" and self.training:
            wait("step", 0.2)
        if self.plant == "evaluation" and not self.training:
            wait("evaluation", 0.2)
        if self.plant == "tensor":
            held = torch.ones(64 * 2**20, dtype=torch.uint8)
        if self.plant == "leak":
            self.hoard.append(torch.ones(8 * 2**20, dtype=torch.uint8))
        if self.plant == "operation":
            x = x.neg().neg()
        return self.linear(x)

def build(spec, *, plant=""):
    return Net(spec.classes, plant)

MODEL = Model(build=build)
"""

DATA = """\"\"\"Points of three clouds, slow to fetch if told so.\"\"\"
import time
import torch
from harness.data import Dataset, Split, Splits

class Slow(torch.Tensor):
    def __getitem__(self, index):
        started = time.perf_counter()
        time.sleep(0.2)
        with open("planted.txt", "a") as file:
            file.write(f"loader {time.perf_counter() - started}\\n")
        return self.as_subclass(torch.Tensor)[index]

def load(context, *, slow=False):
    labels = torch.arange(96) % 3
    inputs = torch.eye(3)[labels]
    train = inputs[:64].as_subclass(Slow) if slow else inputs[:64]
    return Splits(Split(train, labels[:64]), Split(inputs[64:], labels[64:]), ("a", "b", "c"))

DATASET = Dataset(load=load, shape=(3,), classes=3, sizes=(64, 32), synthetic=True)
"""

SUITE = """
version = 1
why = "test"
[defaults]
model = "costly"
data = "clouds"
seeds = [1]
recipe = {{ epochs = 6, batch_size = 32 }}
passes = {passes}
"""


@pytest.fixture
def run_planted(project_folder: Path) -> Callable[..., Ran]:
    """Return a function that runs a suite of cases, given as name -> TOML lines."""
    for kind, name, text in (("models", "costly", MODEL), ("data", "clouds", DATA)):
        folder = project_folder / "bench" / kind
        folder.mkdir(parents=True)
        (folder / f"{name}.py").write_text(text)
    (project_folder / "pyproject.toml").write_text('[tool.harness]\ncatalogues = ["bench"]\n')

    def run(passes: str, **cases: str) -> Ran:
        listed = "".join(f'\n[[case]]\nname = "{name}"\n{lines}\n' for name, lines in cases.items())
        (project_folder / "suites" / "mine.toml").write_text(SUITE.format(passes=passes) + listed)
        return run_suite(find_project(project_folder), "mine", Overrides(), False)

    return run


def values(ran: Ran) -> dict[str, dict[str, Any]]:
    """Return case -> metric -> number."""
    rows = ran.run_set.table("measurements").merge(ran.run_set.table("runs")[["run_id", "case"]], on="run_id")
    found: dict[str, dict[str, Any]] = defaultdict(dict)
    for case, metric, value in zip(rows["case"], rows["metric"], rows["value"], strict=True):
        found[case][metric] = value
    return found


def costs(ran: Ran) -> dict[str, dict[str, float]]:
    """Return case -> column -> seconds in all."""
    steps = ran.run_set.table("steps").merge(ran.run_set.table("runs")[["run_id", "case"]], on="run_id")
    sums = steps.groupby("case")[["seconds", "loader_seconds"]].sum()
    evaluations = {case: numbers["evaluation_time"] for case, numbers in values(ran).items()}
    return {
        str(case): {"step": row["seconds"], "loader": row["loader_seconds"], "evaluation": evaluations[str(case)]}
        for case, row in sums.iterrows()
    }


def test_a_planted_delay_shows_in_its_own_column_and_in_no_other(project_folder: Path, run_planted: Callable[..., Ran]) -> None:
    """What is planted in fetching, stepping or evaluating is found there within 2 %, and within 2 % of nothing elsewhere."""
    ran = run_planted(
        "[]",
        none="",
        loader='data = { name = "clouds", slow = true }',
        step='model = { name = "costly", plant = "step" }',
        evaluation='model = { name = "costly", plant = "evaluation" }',
    )

    planted: dict[str, list[float]] = defaultdict(list)
    for line in (project_folder / "planted.txt").read_text().splitlines():
        planted[line.split()[0]].append(float(line.split()[1]))
    count = {"loader": 12, "step": 12, "evaluation": 6}  # steps and epochs of the training; what follows it plants too
    during = {column: sum(planted[column][:number]) for column, number in count.items()}
    found = costs(ran)
    for case, cost in during.items():
        for column in during:
            share = (found[case][column] - found["none"][column]) / cost
            assert abs(share - (case == column)) < 0.02, (case, column, share)


def test_rate_times_seconds_is_the_samples(run_planted: Callable[..., Ran]) -> None:
    """Throughput is what was consumed, the last smaller batch included, over the time it took: no factor of the steps."""
    ran = run_planted("[]", none="recipe = { epochs = 6, batch_size = 24 }")

    steps = ran.run_set.table("steps")
    timed = steps[steps["step"] > 10]
    seconds = (timed["seconds"] + timed["loader_seconds"]).sum()
    assert timed["samples"].sum() == pytest.approx(values(ran)["none"]["train_throughput"] * seconds, rel=1e-12)
    assert set(steps["samples"]) == {24, 16}


def test_planted_memory_is_seen_within_a_mebibyte(run_planted: Callable[..., Ran]) -> None:
    """A tensor of 64 MiB that lives in the step, and a leak of 8 MiB in each of six; in the tensors' peak and the process's."""
    ran = run_planted(
        '["memory"]',
        none="",
        tensor='model = { name = "costly", plant = "tensor" }',
        leak='model = { name = "costly", plant = "leak" }',
    )

    found = values(ran)
    for metric in ("tensor_peak_memory", "process_peak_memory"):
        for case, planted in (("tensor", 64 * MIB), ("leak", 6 * 8 * MIB)):
            assert abs(found[case][metric] - found["none"][metric] - planted) < MIB, (case, metric)


def test_counters_see_two_more_operations_and_repeat(run_planted: Callable[..., Ran]) -> None:
    """Two operations planted in a forward pass are two more a step, with what they allocate; a second process counts alike."""
    cases = {"none": "", "operation": 'model = { name = "costly", plant = "operation" }'}
    first, second = (values(run_planted('["counters"]', **cases)) for _ in range(2))

    counters = ("aten_operations_per_step", "python_calls_per_step", "bytecodes_per_step", "allocated_bytes_per_step")
    assert [first[case][name] for case in cases for name in counters] == [
        second[case][name] for case in cases for name in counters
    ]
    assert first["none"]["aten_operations_per_step"] + 2 == first["operation"]["aten_operations_per_step"]
    assert first["none"]["allocated_bytes_per_step"] + 2 * 32 * 3 * 4 == first["operation"]["allocated_bytes_per_step"]
    assert first["none"]["bytecodes_per_step"] < first["operation"]["bytecodes_per_step"]


def test_each_pass_has_its_rows_and_no_other(run_planted: Callable[..., Ran]) -> None:
    """Steps, scores and digests belong to the training; a pass's metrics to its own run."""
    ran = run_planted('["memory", "counters", "calibrated"]', none="")

    runs = ran.run_set.table("runs").set_index("pass")
    assert ran.statuses == {"ok": 4}
    assert set(runs.index) == {"train", "memory", "counters", "calibrated"}
    assert set(ran.run_set.table("steps")["run_id"]) == {runs.loc["train", "run_id"]}
    measured = ran.run_set.table("measurements").groupby("run_id")["metric"].agg(set)
    assert "accuracy" in measured[runs.loc["train", "run_id"]]
    assert "aten_operations_per_step" in measured[runs.loc["counters", "run_id"]]
    assert all(not one & other for one in measured for other in measured if one is not other)


@pytest.mark.parametrize(("limit", "expected"), [(1000, 992), (31, 31), (1, 1), (33, 32)])
def test_the_search_finds_the_largest_batch_to_one_part_in_sixteen(limit: int, expected: int) -> None:
    """Of a machine that fits `limit` samples, no more, and at least fifteen sixteenths of it."""
    tried: list[int] = []

    def try_batch(size: int) -> Outcome:
        tried.append(size)
        return Outcome("ok", numbers={"samples": size, "bytes": 1e6 * size}) if size <= limit else Outcome("oom")

    found = find_largest(try_batch)

    assert expected == found.batch_size
    assert limit * 15 / 16 <= found.batch_size <= limit
    assert found.bytes_used == 1e6 * found.batch_size
    assert len(tried) < 20
