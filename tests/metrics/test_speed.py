"""Times and throughputs against closed forms and NumPy."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from harness.catalog import Catalog
from harness.observations import Observations, Value, null, number

Measure = Callable[[str, Observations], Value]
About = Callable[[float, int], Value]
STEP_METRICS = {
    "step_time_median": "step_seconds",
    "loader_time_median": "loader_seconds",
    "cpu_time_per_step": "step_cpu_seconds",
}


def steps(seconds: list[float], warmup: int = 0) -> Observations:
    """A run whose every step takes 8 samples, half as long to load them and twice the processor time."""
    times = np.array(seconds)
    return Observations(
        step_seconds=times,
        loader_seconds=times / 2,
        step_cpu_seconds=times * 2,
        step_samples=np.full(len(times), 8),
        warmup_steps=warmup,
    )


def test_throughput_is_a_ratio_of_sums(measure: Measure, about: About) -> None:
    """Eleven steps of 1 s and one of 19 s, loading half as much: 96 samples in 45 s; the mean of the ratios would be 5."""
    value = measure("train_throughput", steps([1.0] * 11 + [19.0]))

    assert value == about(96 / 45, 12)


def test_throughput_leaves_warm_up_out(measure: Measure, about: About, observed: Observations) -> None:
    """Ten slow first steps do not count; 35 of 45 steps do."""
    seconds = observed.step_seconds + observed.loader_seconds
    expected = observed.step_samples[10:].sum() / seconds[10:].sum()
    observed.step_seconds[:10] = 1000.0

    assert measure("train_throughput", observed) == about(expected, 35)


@pytest.mark.parametrize(("name", "field"), STEP_METRICS.items())
def test_medians_over_timed_steps(name: str, field: str, measure: Measure, observed: Observations) -> None:
    """Each median is that of its own signal over the 35 steps after warm-up."""
    expected = statistics.median(getattr(observed, field)[10:].tolist())

    assert measure(name, observed) == number(expected, 35)


@pytest.mark.parametrize(("name", "factor"), [*zip(STEP_METRICS, (1.0, 0.5, 2.0), strict=True)])
def test_median_of_an_even_count_is_between(name: str, factor: float, measure: Measure) -> None:
    """Of 1 to 12 seconds the median is 6.5."""
    assert measure(name, steps([float(count) for count in range(1, 13)])) == number(6.5 * factor, 12)


def test_p95_of_steps(measure: Measure, about: About) -> None:
    """Of 0 to 20 seconds the 95th percentile is 19; of 0 to 19 it lies between: 18.05."""
    assert measure("step_time_p95", steps([float(count) for count in range(21)])) == about(19.0, 21)
    assert measure("step_time_p95", steps([float(count) for count in range(20)])) == about(18.05, 20)


def test_p95_needs_twenty_readings(measure: Measure, observed: Observations) -> None:
    """Nineteen steps or passes are too short for a tail, whatever came in warm-up."""
    latencies = observed.infer_latency_seconds

    assert measure("step_time_p95", steps([1.0] * 29, warmup=10)) == null("too_short")
    assert measure("infer_latency_p95", replace(observed, infer_latency_seconds=latencies[:19])) == null("too_short")
    assert measure("infer_latency_p95", replace(observed, infer_latency_seconds=latencies[:20])).n == 20


@pytest.mark.parametrize("name", [*STEP_METRICS, "train_throughput"])
@pytest.mark.parametrize(
    ("count", "warmup", "n", "flag"),
    [
        pytest.param(20, 10, 10, None, id="ten timed steps"),
        pytest.param(19, 10, 9, "few_steps", id="nine timed steps"),
        pytest.param(10, 0, 10, None, id="no warm-up"),
        pytest.param(10, 10, 10, "few_steps", id="only warm-up steps"),
        pytest.param(1, 0, 1, "few_steps", id="one step"),
    ],
)
def test_few_steps_are_flagged(name: str, count: int, warmup: int, n: int, flag: str | None, measure: Measure) -> None:
    """Fewer than ten timed steps, or warm-up steps for lack of others, give a value with a flag."""
    value = measure(name, steps([1.0] * count, warmup))

    assert (n, flag) == (value.n, value.quality_flag)
    assert value.value is not None


@pytest.mark.parametrize(
    ("name", "field"), [*STEP_METRICS.items(), ("step_time_p95", "step_seconds"), ("train_throughput", "loader_seconds")]
)
def test_a_signal_not_taken_keeps_its_reason(name: str, field: str, measure: Measure, observed: Observations) -> None:
    """An empty signal is null for the reason recorded under its name."""
    seen = replace(observed, **{field: np.empty(0)}, nulls={field: "unsupported"})  # type: ignore[arg-type]

    assert measure(name, seen) == null("unsupported")


def test_a_clock_that_stands_gives_no_throughput(measure: Measure, observed: Observations) -> None:
    """Zero seconds are no infinite speed."""
    standing = replace(observed, infer_batch_seconds=np.zeros(30))

    assert measure("train_throughput", steps([0.0] * 12)) == null("too_short: the clock did not advance")
    assert measure("infer_throughput", standing) == null("too_short: the clock did not advance")


@pytest.mark.parametrize(
    ("name", "field", "seconds"),
    [
        ("build_time", "build_seconds", 0.25),
        ("time_to_first_step", "first_step_seconds", 0.5),
        ("train_time", "train_seconds", 7.5),
    ],
)
def test_single_times(name: str, field: str, seconds: float, measure: Measure, observed: Observations) -> None:
    """A time taken once is reported as it is, and null where it was not taken."""
    assert measure(name, observed) == number(seconds)
    assert measure(name, Observations(nulls={field: "unsupported"})) == null("unsupported")


def test_inference_times(measure: Measure, observed: Observations) -> None:
    """Latency by NumPy's percentiles over single passes; throughput is the batch size over the median batch time."""
    latencies, batches = observed.infer_latency_seconds, observed.infer_batch_seconds

    assert measure("infer_latency_median", observed) == number(np.median(latencies), 100)
    assert measure("infer_latency_p95", observed) == number(np.percentile(latencies, 95), 100)
    assert measure("infer_throughput", observed) == number(64 / np.median(batches), 30)
    assert measure("infer_throughput", replace(observed, infer_batch_size=0)) == null("not_measured")


def test_times_are_seconds_and_lower_is_better() -> None:
    """Every time is in seconds, every throughput in samples a second, and the directions are right."""
    parts = Catalog().parts("metrics")
    fields = {
        name: (part.fields["unit"], part.fields["direction"], part.fields["metric_class"]) for name, part in parts.items()
    }
    times = ["step_time_median", "step_time_p95", "loader_time_median", "cpu_time_per_step", "time_to_first_step", "train_time"]
    times += ["build_time", "time_to_target", "infer_latency_median", "infer_latency_p95"]

    assert {fields[name] for name in times} == {("s", "lower", "machine")}
    assert {fields[name] for name in ("train_throughput", "infer_throughput")} == {("{sample}/s", "higher", "machine")}
