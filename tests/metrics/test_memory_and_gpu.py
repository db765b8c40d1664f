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
}


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
    ],
)
def test_readings(
    name: str, value: float, n: int, unit: str, direction: str, measure: Measure, about: About, observed: Observations
) -> None:
    """Memory is the largest reading, the rest a mean; a sample without the reading is left out, not taken as 0."""
    fields = Catalog().part("metrics", name).fields

    assert measure(name, observed) == about(value, n)
    assert (unit, direction, "machine") == (fields["unit"], fields["direction"], fields["metric_class"])


@pytest.mark.parametrize("name", GPU_METRICS)
def test_no_samples_keep_their_reason(name: str, measure: Measure) -> None:
    """Without samples the reason is the one recorded for sampling."""
    assert measure(name, Observations(nulls={"gpu_samples": "no_driver"})) == null("no_driver")
    assert measure(name, Observations()) == null("not_measured")


@pytest.mark.parametrize(("name", "reading"), GPU_METRICS.items())
def test_a_reading_always_refused_is_unsupported(name: str, reading: str, measure: Measure, observed: Observations) -> None:
    """A driver that never gives a reading does not support it."""
    refused = [replace(sample, **{reading: None}) for sample in observed.gpu_samples]  # type: ignore[arg-type]

    assert measure(name, replace(observed, gpu_samples=refused)) == null("unsupported")


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


@pytest.mark.parametrize("name", GPU_METRICS)
def test_a_training_between_two_samples_is_too_short(name: str, measure: Measure, observed: Observations) -> None:
    """Readings that all lie outside the training say nothing about it."""
    assert measure(name, replace(observed, train_windows=[(1000.25, 1000.75)])) == null("too_short")
    assert measure(name, replace(observed, train_windows=[])) == null("too_short")
