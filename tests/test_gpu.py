"""The CPU's contracts, on an NVIDIA GPU: run by `tox -e gpu`, left out elsewhere."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from harness.api import run_suite
from harness.audits import read_audit
from harness.catalog import Catalog
from harness.cli import main
from harness.environment import gpu_uuid
from harness.observations import Observations, Value
from harness.probes.clock import CudaClock, step_clock
from harness.probes.nvml import GpuSampler
from harness.project import find_project
from harness.runner.execute import Ran
from harness.suite import Overrides, load_suite

pytestmark = pytest.mark.gpu

SUITES = Path(__file__).parents[1] / "suites"
LONG = "recipe.epochs = 400"


def values(ran: Ran) -> dict[str, float]:
    """Return the numbers of a run set's only run by metric."""
    table = ran.run_set.table("measurements")
    return dict(zip(table["metric"], table["value"], strict=True))


def test_a_run_on_the_gpu_measures_its_memory_and_use(write_project: Callable[..., None], run_mine: Callable[..., Ran]) -> None:
    """Allocated is within reserved, reserved within the device's memory, and NVML has watched this GPU."""
    write_project({"good": LONG})

    ran = run_mine(seeds=(1,), device="cuda")

    assert ran.statuses == {"ok": 1}
    seen, samples = values(ran), ran.run_set.table("samples")
    assert 0 < seen["cuda_peak_allocated"] <= seen["cuda_peak_reserved"] <= seen["gpu_memory_device"]
    assert 0 <= seen["gpu_utilization"] <= 100
    assert seen["gpu_power"] > 0
    assert set(samples["device_uuid"]) == {gpu_uuid(torch.device("cuda:0"))}


def test_the_deterministic_lane_repeats_bit_for_bit(write_project: Callable[..., None], run_mine: Callable[..., Ran]) -> None:
    """Two runs of one seed in fresh processes give the same weights and losses."""
    write_project({"good": 'execution.lane = "deterministic"'})

    digests = []
    for _ in range(2):
        table = run_mine(seeds=(1,), device="cuda").run_set.table("measurements").set_index("metric")
        digests.append(table.loc[["final_weights_digest", "loss_curve_digest"], "value_text"].tolist())

    assert digests[0] == digests[1]


def test_events_time_the_device_and_not_the_host() -> None:
    """A step's device time covers its kernels, though issuing them takes less."""
    device = torch.device("cuda")
    clock = step_clock(device)
    assert isinstance(clock, CudaClock)
    matrix = torch.randn(8192, 8192, device=device)
    for _ in range(3):
        clock.fetch()
        clock.compute()
        matrix @ matrix
        clock.end()

    times = clock.times()

    assert len(times.step) == 3
    assert (times.step[1:] > times.cpu[1:]).all()


def multiply(seconds: float) -> tuple[float, float]:
    """Keep the first GPU busy; return when that began and ended."""
    matrix = torch.randn(8192, 8192, device="cuda:0")
    torch.cuda.synchronize()
    began = time.monotonic()
    while time.monotonic() < began + seconds:
        for _ in range(10):
            matrix @ matrix
        torch.cuda.synchronize()
    return began, time.monotonic()


@pytest.fixture(scope="module")
def at_work(tmp_path_factory: pytest.TempPathFactory) -> Observations:
    """Ten seconds of a GPU at work, as if they were a training of 1000 samples; the driver's means have settled by then."""
    sampler = GpuSampler(gpu_uuid(torch.device("cuda:0")), os.getpid(), tmp_path_factory.mktemp("sampler"))
    multiply(3.0)
    window = multiply(10.0)
    sampler.stop()
    assert sampler.null_reason is None
    return Observations(
        gpu_samples=sampler.samples,
        gpu_period_seconds=sampler.period_seconds,
        train_windows=[window],
        step_samples=np.array([1000]),
        nulls={f"gpu.{reading}": reason for reading, reason in sampler.refused.items()},
    )


def drawn(name: str, seen: Observations) -> Value:
    """What a metric draws from observations."""
    value: Value = Catalog().load("metrics", name).measure(seen)
    return value


@pytest.mark.parametrize(
    ("name", "low", "high"),
    [
        ("gpu_utilization", 80, 100),
        ("gpu_memory_device", 2**28, 2**40),
        ("gpu_memory_process", 2**28, 2**40),
        ("gpu_power", 20, 2000),
        ("gpu_sm_clock", 1e8, 5e9),
        ("gpu_memory_clock", 1e8, 2e10),
        ("gpu_temperature", 15, 110),
        ("gpu_throttled", 0, 100),
        ("gpu_sample_period", 0.09, 0.2),
        ("train_energy", 200, 20_000),
        ("energy_per_sample", 0.2, 20),
    ],
)
def test_a_gpu_at_work_is_sampled(at_work: Observations, name: str, low: float, high: float) -> None:
    """Each reading is of a size that a GPU at work has, or the driver has said why there is none."""
    value = drawn(name, at_work)

    assert low <= value.value <= high if value.value is not None else str(value.null_reason).startswith("unsupported: ")


def test_the_energy_counter_agrees_with_power(at_work: Observations) -> None:
    """Two readings of one thing: within a tenth of each other over ten seconds."""
    energy = drawn("train_energy", at_work)
    if energy.value is None:
        pytest.fail(f"this GPU has no energy counter: {energy.null_reason}")

    assert energy.quality_flag is None
    assert energy.n >= 50


@pytest.mark.timeout(1800)
def test_every_case_of_the_articles_trains_on_the_gpu(project_folder: Path) -> None:
    """No model, task or data set is bound to the CPU: one seed of each case ends ok, above its floor."""
    for name in ("articles.toml", "_gates.toml", "_counters.toml"):
        shutil.copyfile(SUITES / name, project_folder / "suites" / name)
    project = find_project(project_folder)

    ran = run_suite(project, "articles", Overrides(seeds=(1,), device="cuda"), False)

    runs = ran.run_set.table("runs")
    assert runs[runs["status"] != "ok"][["case", "status", "reason"]].to_dict("records") == []
    assert set(runs["device"]) == {"cuda"}
    table = (
        ran.run_set.table("measurements").merge(runs[["run_id", "case"]], on="run_id").set_index(["case", "metric"])["value"]
    )
    below = [
        (case.name, metric, table[case.name, metric])
        for case in load_suite(project.suite_file("articles"), project.catalog()).cases
        for metric, gate in case.gates.items()
        if gate.floor is not None and metric != "max_error" and table[case.name, metric] < gate.floor
    ]
    assert below == []


@pytest.mark.timeout(1800)
def test_the_deterministic_lane_of_each_kind_of_network_is_sound(project_folder: Path) -> None:
    """In another process, again in the same one, in another order and after a kill and a resume, the bits are the same."""
    shutil.rmtree(project_folder / "suites")
    shutil.copytree(SUITES, project_folder / "suites")

    main(["audit", "lanes", "-k", "deterministic", "--device", "cuda", "--steps", "20"])

    audit = read_audit(project_folder / "results", "lanes")
    assert audit is not None
    assert 6 == len(audit.cases)
    assert {} == {name: case.checks for name, case in audit.cases.items() if case.grade == "F"}
