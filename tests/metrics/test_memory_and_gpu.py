"""Memory peaks and GPU readings against hand-made samples."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from harness.catalog import Catalog
from harness.observations import GpuSample, Observations, Value, null, number

Measure = Callable[[str, Observations], Value]
About = Callable[[float, int], Value]
GPU_METRICS = {
    "gpu_memory_device": "memory_used_bytes",
    "gpu_memory_process": "process_memory_bytes",
    "gpu_utilization": "utilization",
    "gpu_power": "power_watts",
    "gpu_sm_clock": "sm_clock_hertz",
    "gpu_memory_clock": "memory_clock_hertz",
    "gpu_temperature": "temperature_celsius",
    "gpu_throttled": "throttle_reasons",
}


def sample(
    used: float, monotonic: float, utilization: float | None = 0.0, held: float = 1.0, power: float | None = 1.0, **more: float
) -> GpuSample:
    """A reading of the GPU; the clocks and what else is newer are in `more`."""
    return GpuSample(0.0, "GPU-1", utilization, used, held, power, monotonic, **more)  # type: ignore[arg-type]


@pytest.fixture
def sparse(observed: Observations) -> Observations:
    """The run with four readings a second apart, all in training; the driver refused the power in one of them."""
    rows = [
        (100.0, 10.0, 90.0, 50.0, 1.0e9, 3.0e9, 41.0, 0),
        (900.0, 80.0, 700.0, 250.0, 1.2e9, 3.0e9, 65.0, 4),
        (800.0, 90.0, 750.0, None, 1.6e9, 1.5e9, 64.0, 1),
        (200.0, 60.0, 95.0, 60.0, 1.4e9, 3.5e9, 50.0, 0x28),
    ]
    names = ("sm_clock_hertz", "memory_clock_hertz", "temperature_celsius", "throttle_reasons")
    samples = [
        sample(used, 1000.0 + count, share, held, power, **dict(zip(names, more, strict=True)))
        for count, (used, share, held, power, *more) in enumerate(rows)
    ]
    return replace(observed, gpu_samples=samples)


@pytest.mark.parametrize(
    ("name", "field", "peak"),
    [
        ("host_peak_memory", "host_peak_bytes", 314_572_800),
        ("cuda_peak_allocated", "cuda_allocated_peak_bytes", 5_000_000),
        ("cuda_peak_reserved", "cuda_reserved_peak_bytes", 20_000_000),
    ],
)
def test_peaks(name: str, field: str, peak: int, measure: Measure, observed: Observations) -> None:
    """A peak is reported in bytes as it is, and null for the recorded reason where there is none."""
    fields = Catalog().part("metrics", name).fields

    assert measure(name, observed) == number(peak)
    assert measure(name, Observations(nulls={field: "no_gpu"})) == null("no_gpu")
    assert (fields["unit"], fields["direction"], fields["metric_class"]) == ("By", "lower", "machine")


@pytest.mark.parametrize(
    ("name", "value", "n", "unit", "direction"),
    [
        ("gpu_memory_device", 900.0, 4, "By", "lower"),
        ("gpu_memory_process", 750.0, 4, "By", "lower"),
        ("gpu_utilization", 60.0, 4, "%", "none"),
        ("gpu_power", 120.0, 3, "W", "none"),
        ("gpu_sm_clock", 1.3e9, 4, "Hz", "none"),
        ("gpu_memory_clock", 2.75e9, 4, "Hz", "none"),
        ("gpu_temperature", 65.0, 4, "Cel", "none"),
        ("gpu_throttled", 50.0, 4, "%", "none"),
    ],
)
def test_readings(
    name: str, value: float, n: int, unit: str, direction: str, measure: Measure, about: About, sparse: Observations
) -> None:
    """Memory and temperature are peaks, throttling a share, the rest means; a sample without the reading is left out, not 0."""
    fields = Catalog().part("metrics", name).fields

    assert measure(name, sparse) == about(value, n)
    assert (unit, direction, "machine") == (fields["unit"], fields["direction"], fields["metric_class"])


@pytest.mark.parametrize("name", GPU_METRICS)
def test_no_samples_keep_their_reason(name: str, measure: Measure) -> None:
    """Without samples the reason is the one recorded for sampling."""
    assert measure(name, Observations(nulls={"gpu_samples": "no_driver"})) == null("no_driver")
    assert measure(name, Observations()) == null("not_measured")


@pytest.mark.parametrize(("name", "reading"), GPU_METRICS.items())
def test_a_reading_always_refused_is_unsupported(name: str, reading: str, measure: Measure, observed: Observations) -> None:
    """A driver that never gives a reading does not support it, and says so in its own words where it was asked."""
    refused = [replace(sample, **{reading: None}) for sample in observed.gpu_samples]  # type: ignore[arg-type]

    assert measure(name, replace(observed, gpu_samples=refused)) == null("unsupported")
    why = {f"gpu.{reading}": "unsupported: Insufficient Permissions"}
    assert measure(name, replace(observed, gpu_samples=refused, nulls=why)) == null("unsupported: Insufficient Permissions")


def test_utilisation_needs_three_readings(measure: Measure, observed: Observations) -> None:
    """Two readings say nothing about a run, even among more samples; three do, and an idle GPU is a measured 0."""
    idle = GpuSample(0.4, "GPU-1", 0.0, 1.0, 1.0, 1.0, 1001.0)
    refused = replace(idle, utilization=None)

    assert measure("gpu_utilization", replace(observed, gpu_samples=[idle, idle, refused])) == null("too_short")
    assert measure("gpu_utilization", replace(observed, gpu_samples=[idle] * 3)) == number(0.0, 3)


@pytest.mark.parametrize(
    ("name", "value", "n"), [("gpu_utilization", 50.0, 4), ("gpu_power", 150.0, 4), ("gpu_memory_device", 1200.0, 6)]
)
def test_only_samples_of_training_count(name: str, value: float, n: int, measure: Measure, observed: Observations) -> None:
    """Loading and inference count nowhere; an evaluation between two epochs counts in the memory held, not in the use."""
    busy = [(10.5, 40.0), (11.0, 50.0), (20.0, 60.0), (21.0, 50.0)]
    samples = [GpuSample(0.0, "GPU-1", share, 1000.0, 1000.0, 3 * share, at) for at, share in busy]
    samples += [GpuSample(0.0, "GPU-1", 100.0, 1200.0, 1200.0, 900.0, at) for at in (12.0, 13.0)]  # evaluation
    samples += [GpuSample(0.0, "GPU-1", 0.0, 9000.0, 9000.0, 1.0, at) for at in (1.0, 9.9, 21.5, 30.0)]  # before and after
    samples.sort(key=lambda sample: sample.monotonic)

    windowed = replace(observed, gpu_samples=samples, train_windows=[(10.0, 11.5), (19.0, 21.25)])

    assert measure(name, windowed) == number(value, n)


@pytest.mark.parametrize("name", [*GPU_METRICS, "gpu_sample_period"])
def test_a_training_between_two_samples_is_too_short(name: str, measure: Measure, sparse: Observations) -> None:
    """Readings that all lie outside the training say nothing about it."""
    assert measure(name, replace(sparse, train_windows=[(1000.25, 1000.75)])) == null("too_short")
    assert measure(name, replace(sparse, train_windows=[])) == null("too_short")


@pytest.mark.parametrize("name", GPU_METRICS)
def test_readings_that_end_before_the_run_are_flagged(name: str, measure: Measure, sparse: Observations) -> None:
    """What was seen of a GPU before it was lost is no reading of the whole training."""
    lost = replace(sparse, nulls={"gpu_samples": "unsupported: GPU is lost"})

    assert (measure(name, sparse).quality_flag, measure(name, lost).quality_flag) == (None, "incomplete")


@pytest.mark.parametrize(
    ("bits", "share"),
    [(0, 0), (1, 0), (2, 0), (0x10, 0), (0x100, 0), (4, 100), (8, 100), (0x20, 100), (0x40, 100), (0x80, 100)],
)
def test_only_reasons_that_slow_are_throttling(bits: int, share: float, measure: Measure, observed: Observations) -> None:
    """Power and heat slow a GPU; idleness, a set clock, or GPUs kept in step do not count."""
    samples = [replace(one, throttle_reasons=bits) for one in observed.gpu_samples]

    assert measure("gpu_throttled", replace(observed, gpu_samples=samples)).value == share


def test_the_period_is_the_one_measured(measure: Measure, observed: Observations) -> None:
    """The median time between neighbours, evaluations included; one sample that came late does not move it."""
    moments = [9.5, 10.0, 10.25, 10.5, 12.5, 12.75, 13.0, 20.0]
    samples = [sample(1.0, moment) for moment in moments]
    seen = replace(observed, gpu_samples=samples, train_windows=[(9.75, 11.0), (12.25, 14.0)])

    assert measure("gpu_sample_period", seen) == number(0.25, 5)
