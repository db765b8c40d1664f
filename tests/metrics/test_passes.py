"""Metrics of the passes that look at a few steps, of what a model costs to keep, and of the machine's peak."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from harness.catalog import Catalog
from harness.observations import Observations, Value, null, number

Measure = Callable[[str, Observations], Value]
About = Callable[[float, int], Value]
COUNTERS = {
    "aten_operations_per_step": ("aten_operations", 856, "{operation}/{step}", "device"),
    "python_calls_per_step": ("python_calls", 1123, "{call}/{step}", "fingerprint"),
    "bytecodes_per_step": ("bytecodes", 31_849, "{instruction}/{step}", "fingerprint"),
    "allocated_bytes_per_step": ("allocated_bytes", 139_500_032, "By/{step}", "fingerprint"),
}
SCALARS = {
    "model_file_bytes": ("model_file_bytes", 250_123, "By", "none", "exact", "train"),
    "load_time": ("load_seconds", 0.0625, "s", "lower", "machine", "train"),
    "peak_flops": ("peak_flops_per_second", 1.5e11, "{flop}/s", "none", "machine", "train"),
    "compile_time": ("compile_seconds", 3.5, "s", "lower", "machine", "train"),
    "evaluation_time": ("evaluation_seconds", 1.25, "s", "lower", "machine", "train"),
    "checkpoint_time": ("checkpoint_seconds", 0.75, "s", "lower", "machine", "train"),
    "cuda_allocation_retries": ("cuda_allocation_retries", 2, "1", "lower", "machine", "train"),
    "cuda_out_of_memory": ("cuda_out_of_memory", 1, "1", "lower", "machine", "train"),
    "tensor_peak_memory": ("tensor_peak_bytes", 123_510_000, "By", "lower", "exact", "memory"),
    "process_peak_memory": ("process_peak_bytes", 401 * 2**20, "By", "lower", "machine", "memory"),
    "process_memory_before": ("process_before_bytes", 223 * 2**20, "By", "lower", "machine", "memory"),
}


@pytest.mark.parametrize(("name", "field", "count", "unit", "scope"), [(name, *rest) for name, rest in COUNTERS.items()])
def test_counters_are_per_step(
    name: str, field: str, count: int, unit: str, scope: str, measure: Measure, observed: Observations
) -> None:
    """A count over four steps is a quarter of it per step; fewer is better, and equality is judged."""
    fields = Catalog().part("metrics", name).fields
    keys = ("unit", "direction", "metric_class", "measured_in", "scope")

    assert measure(name, observed) == number(count, 4)
    assert (unit, "lower", "exact", "counters", scope) == tuple(fields[key] for key in keys)
    assert measure(name, replace(observed, **{field: 0})) == number(0, 4)  # type: ignore[arg-type]


@pytest.mark.parametrize(("name", "field"), [(name, rest[0]) for name, rest in COUNTERS.items()])
def test_a_counter_not_taken_keeps_its_reason(name: str, field: str, measure: Measure, observed: Observations) -> None:
    """Without the count, or without steps, there is no figure per step."""
    seen = replace(observed, **{field: None}, nulls={field: "unsupported: compiled"})  # type: ignore[arg-type]

    assert measure(name, seen) == null("unsupported: compiled")
    assert measure(name, replace(observed, counted_steps=0)) == null("not_measured")


@pytest.mark.parametrize(("name", "expected"), SCALARS.items())
def test_scalars(name: str, expected: tuple[str, float, str, str, str, str], measure: Measure, observed: Observations) -> None:
    """A value taken once is reported as it is, by the pass that takes it, and null for the recorded reason."""
    field, value, *meaning = expected
    fields = Catalog().part("metrics", name).fields
    found = [fields["unit"], fields["direction"], fields["metric_class"], fields.get("measured_in", "train")]

    assert measure(name, observed) == number(value)
    assert measure(name, Observations(nulls={field: "no_gpu"})) == null("no_gpu")
    assert meaning == found


def chunks(rates: list[float], kernels: list[float]) -> Observations:
    """Chunks of 8 samples a step at so many samples a CPU second; five kernels that each take so long beside them."""
    return Observations(
        chunk_samples=np.full(len(rates), 8.0),
        chunk_step_seconds=8 / np.array(rates),
        chunk_kernel_seconds=np.outer(kernels, [1.0, 2.0, 4.0, 8.0, 16.0]),
    )


def test_throughput_in_the_kernels_time_by_hand(measure: Measure, about: About) -> None:
    """Kernels of 1, 2, 4, 8 and 16 ms have the geometric mean 4 ms: 500 samples a second are 2 in that time."""
    seen = chunks([500.0] * 10, [0.001] * 10)

    assert measure("cpu_throughput", seen) == about(500.0, 10)
    assert measure("normalised_throughput", seen) == about(2.0, 10)


def test_a_machine_that_slows_down_leaves_it_as_it_is(measure: Measure, about: About) -> None:
    """Where steps and kernels slow down together, chunk by chunk, the raw figure moves and the normalised one stays."""
    slower = [1.0, 2.25] * 10
    steady = chunks([500.0] * 20, [0.001] * 20)
    moved = chunks([500.0 / factor for factor in slower], [0.001 * factor for factor in slower])

    assert measure("normalised_throughput", steady) == about(2.0, 20)
    assert measure("normalised_throughput", moved) == about(2.0, 20)
    assert measure("cpu_throughput", moved) == about(500.0 / math.sqrt(2.25), 20)


def test_a_slower_model_shows_in_full(measure: Measure, about: About) -> None:
    """Steps that take 3 % longer beside unchanged kernels are 3 % in both figures."""
    slower = chunks([500.0 / 1.03] * 12, [0.001] * 12)

    assert measure("cpu_throughput", slower) == about(500.0 / 1.03, 12)
    assert measure("normalised_throughput", slower) == about(2.0 / 1.03, 12)


def test_one_disturbed_chunk_does_not_move_the_median(measure: Measure, about: About) -> None:
    """A chunk that a neighbour made ten times slower than its kernels is outvoted."""
    assert measure("normalised_throughput", chunks([500.0] * 14 + [50.0], [0.001] * 15)) == about(2.0, 15)


@pytest.mark.parametrize("name", ["cpu_throughput", "normalised_throughput"])
def test_chunks_must_be_enough_and_their_clock_must_advance(name: str, measure: Measure) -> None:
    """Nine chunks are too short, and so is a step of no seconds; without chunks the recorded reason stands."""
    standing = chunks([500.0] * 9 + [math.inf], [0.001] * 10)
    absent = Observations(nulls={"chunk_step_seconds": "unsupported: the kernels run on a CPU"})

    assert measure(name, chunks([500.0] * 9, [0.001] * 9)) == null("too_short")
    assert measure(name, standing) == null("too_short: the clock did not advance")
    assert measure(name, absent) == null("unsupported: the kernels run on a CPU")


def test_kernels_of_no_seconds_are_no_unit(measure: Measure) -> None:
    """A kernel whose clock stood gives no normalised figure, and leaves the other alone."""
    seen = chunks([500.0] * 10, [0.001] * 10)
    seen.chunk_kernel_seconds[3, 2] = 0.0

    assert measure("normalised_throughput", seen) == null("too_short: the clock did not advance")
    assert measure("cpu_throughput", seen).n == 10


def test_utilisation_is_work_done_over_work_possible(measure: Measure, observed: Observations, about: About) -> None:
    """FLOPs of all samples of the timed steps, over their seconds, over the peak."""
    work = observed.step_samples[10:].sum() * 2_263_920
    seconds = (observed.step_seconds + observed.loader_seconds)[10:].sum()

    assert measure("model_flops_utilization", observed) == about(work / seconds / 1.5e11, 35)


def test_utilisation_by_hand(measure: Measure, about: About) -> None:
    """Twelve steps of 10 samples in 0.5 s each, at 3 GFLOP a sample on a machine of 120 GFLOP/s: one half."""
    half = np.full(12, 0.25)
    seen = Observations(
        step_seconds=half,
        loader_seconds=half,
        step_samples=np.full(12, 10),
        train_flops_per_sample=3 * 10**9,
        peak_flops_per_second=120e9,
    )

    assert measure("model_flops_utilization", seen) == about(0.5, 12)


@pytest.mark.parametrize("field", ["step_seconds", "train_flops_per_sample", "peak_flops_per_second"])
def test_utilisation_is_null_where_a_factor_is(field: str, measure: Measure, observed: Observations) -> None:
    """The reason is the factor's own; a model without countable operations has no utilisation."""
    nothing = np.empty(0) if field == "step_seconds" else None
    seen = replace(observed, **{field: nothing}, nulls={field: "unsupported: here"})  # type: ignore[arg-type]

    assert measure("model_flops_utilization", seen) == null("unsupported: here")
    assert measure("model_flops_utilization", replace(observed, train_flops_per_sample=0)) == null("not_applicable")


def test_p99_needs_a_hundred_passes(measure: Measure, observed: Observations) -> None:
    """It is NumPy's 99th percentile of 100 passes, and of 99 it is too short."""
    latencies = observed.infer_latency_seconds

    assert measure("infer_latency_p99", observed) == number(np.percentile(latencies, 99), 100)
    assert measure("infer_latency_p99", replace(observed, infer_latency_seconds=latencies[:99])) == null("too_short")
