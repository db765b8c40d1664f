"""One run's observations, made by hand: every signal is there, and no two of them are alike."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

import numpy as np
import pytest

from harness.catalog import Catalog
from harness.observations import Evaluation, GpuSample, HostSample, Observations, Value

STEPS, EPOCHS, WARMUP, TEST_SAMPLES, CHUNKS = 45, 3, 10, 200, 30
SCORES = {name: way for task in Catalog().parts("tasks").values() for name, way in task.fields["scores"].items()}
"""What any task scores -> which way is better: no run has all of them, but each metric is drawn from one."""


def evaluation(epoch: int, accuracy: float, loss: float) -> Evaluation:
    """An evaluation at the end of an epoch of 15 steps and 2.5 seconds."""
    return Evaluation(epoch, 15 * epoch, 2.5 * epoch, "validation", {"accuracy": accuracy, "loss": loss})


def gpu_sample(count: int) -> GpuSample:
    """The reading of the count-th eighth of a second: power climbs by 80 W a second, and the counter is its integral."""
    since = count / 8
    return GpuSample(
        seconds=since,
        device_uuid="GPU-1",
        utilization=80.0 + count,
        memory_used_bytes=900.0 + count,
        process_memory_bytes=700.0 + count,
        power_watts=None if count % 10 == 3 else 200 + 80 * since,
        monotonic=999.25 + since,
        sm_clock_hertz=1.98e9 - 1e6 * count,
        memory_clock_hertz=3.2e9 - 1e6 * count,
        temperature_celsius=40.0 + count,
        throttle_reasons=4 if count % 5 == 0 else 1,
        energy_joules=5000 + 200 * since + 40 * since**2,
        foreign_processes=0,
    )


def gpu_samples() -> list[GpuSample]:
    """Readings from before the training to after it; the driver refused the power in every tenth."""
    return [gpu_sample(count) for count in range(37)]


def host_samples() -> list[HostSample]:
    """A quiet machine of eight CPUs: one reading at the run's start, two of its training, one after it."""
    return [
        HostSample(998.0, 0.5, None, None, 3.0e9),
        HostSample(999.75, 0.75, 0.01, 0.5, 2.5e9),
        HostSample(1000.75, 0.8, 0.03, 0.75, 3.5e9),
        HostSample(1004.75, 5.0, 0.5, 7.5, 1.0e9),
    ]


@pytest.fixture
def observed() -> Observations:
    """A run of 45 steps in three epochs; each epoch's last batch holds 16 samples, the others 64."""
    draw = np.random.default_rng(8)
    return Observations(
        parameters=61_706,
        model_bytes=246_824,
        train_flops_per_sample=2_263_920,
        losses=draw.uniform(0.1, 2.0, STEPS),
        step_epochs=np.repeat(np.arange(1, EPOCHS + 1), STEPS // EPOCHS),
        step_samples=np.tile(np.array([64] * 14 + [16]), EPOCHS),
        step_seconds=draw.uniform(0.01, 0.02, STEPS),
        step_cpu_seconds=draw.uniform(0.03, 0.04, STEPS),
        loader_seconds=draw.uniform(0.001, 0.002, STEPS),
        warmup_steps=WARMUP,
        build_seconds=0.25,
        first_step_seconds=0.5,
        train_seconds=7.5,
        train_windows=[(999.5, 1001.5), (1001.75, 1003.5)],
        evaluations=[evaluation(1, 0.5, 1.2), evaluation(2, 0.8, 0.6), evaluation(3, 0.9, 0.7)],
        targets={"accuracy": 0.75},
        scores=dict.fromkeys(SCORES, 0.5) | {"loss": 0.61},
        directions=SCORES,
        texts=dict.fromkeys(SCORES, "how it was computed"),
        test_samples=TEST_SAMPLES,
        predictions=draw.integers(0, 5, TEST_SAMPLES),
        labels=draw.integers(0, 4, TEST_SAMPLES),
        train_scores={"accuracy": 0.875, "loss": 0.4},
        train_samples=720,
        shifted_scores={"accuracy": 0.25, "loss": 1.9},
        deletion_curve=np.linspace(0.9, 0.1, 11) ** 2,
        insertion_curve=np.linspace(0.1, 0.9, 11) ** 0.5,
        explained_samples=150,
        attention_entropy=0.7,
        attended_samples=32,
        infer_latency_seconds=draw.uniform(0.001, 0.002, 100),
        infer_batch_seconds=draw.uniform(0.01, 0.02, 30),
        infer_batch_size=64,
        model_file_bytes=250_123,
        load_seconds=0.0625,
        peak_flops_per_second=1.5e11,
        compile_seconds=3.5,
        evaluation_seconds=1.25,
        checkpoint_seconds=0.75,
        cuda_allocation_retries=2,
        cuda_out_of_memory=1,
        counted_steps=4,
        aten_operations=4 * 856,
        python_calls=4 * 1123,
        bytecodes=4 * 31_849,
        allocated_bytes=4 * 139_500_032,
        tensor_peak_bytes=123_510_000,
        process_peak_bytes=401 * 2**20,
        process_before_bytes=223 * 2**20,
        chunk_step_seconds=draw.uniform(0.01, 0.02, CHUNKS),
        chunk_samples=np.full(CHUNKS, 64.0),
        chunk_kernel_seconds=draw.uniform(0.0005, 0.003, (CHUNKS, 5)),
        host_peak_bytes=300 * 2**20,
        cuda_allocated_peak_bytes=5_000_000,
        cuda_reserved_peak_bytes=20_000_000,
        gpu_samples=gpu_samples(),
        gpu_period_seconds=0.125,
        host_samples=host_samples(),
        threads=2,
        usable_cpus=8,
        involuntary_switches=90,
        digests={name: name[0] * 64 for name in ("data", "batch_order", "initial_weights", "final_weights", "loss_curve")},
    )


@pytest.fixture
def measure() -> Callable[[str, Observations], Value]:
    """Draws one metric, by name, from observations."""

    def draw(name: str, observations: Observations) -> Value:
        value: Value = Catalog().load("metrics", name).measure(observations)
        return value

    return draw


@pytest.fixture
def about() -> Callable[[float, int], Value]:
    """A value equal to others up to float64 rounding, drawn from `n` readings."""

    def near(expected: float, n: int) -> Value:
        return Value(value=cast(float, pytest.approx(expected, rel=1e-12)), n=n)

    return near
