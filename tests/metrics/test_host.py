"""What the machine was like while a run trained, and the flag of a run whose CPUs were contended."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from harness.catalog import Catalog
from harness.observations import QUALITY_FLAGS, HostSample, Observations, Value, null, number

Measure = Callable[[str, Observations], Value]
About = Callable[[float, int], Value]
HOST_METRICS = {"host_stolen": "stolen", "host_foreign_cpus": "foreign_cpus", "cpu_frequency": "frequency_hertz"}
TIMED = ("train_throughput", "step_time_median", "step_time_p95", "loader_time_median", "cpu_time_per_step")
UNTIMED = ("train_time", "infer_latency_median", "infer_latency_p95", "infer_throughput")


def crowd(seen: Observations, stolen: float | None = 0.0, foreign: float | None = 0.0) -> Observations:
    """The same run on a machine with so much stolen time and so many CPUs busy with others."""
    return replace(seen, host_samples=[HostSample(1000.0, 1.0, stolen, foreign, 3e9)])


@pytest.mark.parametrize(
    ("name", "value", "unit"), [("host_stolen", 2.0, "%"), ("host_foreign_cpus", 0.625, "{cpu}"), ("cpu_frequency", 3e9, "Hz")]
)
def test_means_over_the_training(
    name: str, value: float, unit: str, measure: Measure, about: About, observed: Observations
) -> None:
    """The readings before and after the training do not count; steal is in percent."""
    fields = Catalog().part("metrics", name).fields

    assert measure(name, observed) == about(value, 2)
    assert (unit, "none", "machine") == (fields["unit"], fields["direction"], fields["metric_class"])


@pytest.mark.parametrize(("name", "reading"), HOST_METRICS.items())
def test_why_there_is_no_reading(name: str, reading: str, measure: Measure, observed: Observations) -> None:
    """Nothing sampled; a reading that the system does not tell; no reading within the training."""
    silent = replace(observed, nulls={f"host.{reading}": "unsupported: /proc/stat does not tell"})

    assert measure(name, Observations()) == null("not_measured")
    assert measure(name, silent) == null("unsupported: /proc/stat does not tell")
    assert measure(name, replace(observed, train_windows=[(1001.0, 1002.0)])) == null("too_short")
    assert measure(name, replace(observed, train_windows=[])) == null("too_short")


def test_a_sample_without_the_reading_is_left_out(measure: Measure, observed: Observations) -> None:
    """A first sample that falls into the training has no share, which is not a share of 0."""
    samples = [HostSample(1000.0, 1.0, None, None, 2e9), HostSample(1001.0, 1.0, 0.25, 3.0, 2e9)]

    assert measure("host_stolen", replace(observed, host_samples=samples)) == number(25.0, 1)
    assert measure("host_foreign_cpus", replace(observed, host_samples=samples)) == number(3.0, 1)


def test_involuntary_switches_a_step(measure: Measure, observed: Observations) -> None:
    """90 over 45 steps are 2 a step; of a training taken up at step 15, they are those of the 30 steps since."""
    assert measure("involuntary_switches", observed) == number(2.0, 45)
    assert measure("involuntary_switches", replace(observed, resumed_at_step=15)) == number(3.0, 30)
    assert measure("involuntary_switches", replace(observed, resumed_at_step=45)) == null("too_short")
    assert measure("involuntary_switches", replace(observed, involuntary_switches=0)) == number(0.0, 45)
    assert measure("involuntary_switches", Observations()) == null("not_measured")


@pytest.mark.parametrize("name", TIMED + UNTIMED)
@pytest.mark.parametrize(
    ("stolen", "foreign", "flag"),
    [
        pytest.param(0.05, 6.0, None, id="others leave room"),
        pytest.param(0.06, 0.0, "contended", id="stolen"),
        pytest.param(0.0, 6.5, "contended", id="crowded"),
        pytest.param(None, None, None, id="unknown"),
    ],
)
def test_speed_under_contention_is_flagged(
    name: str, stolen: float | None, foreign: float | None, flag: str | None, measure: Measure, observed: Observations
) -> None:
    """Of eight CPUs the run wants two: others may keep six busy, and 5 % may be stolen. The number stays the same."""
    value = measure(name, crowd(observed, stolen, foreign))

    assert (flag, measure(name, observed).value) == (value.quality_flag, value.value)


@pytest.mark.parametrize("name", TIMED)
def test_one_flag_is_told_the_first_that_applies(name: str, measure: Measure, observed: Observations) -> None:
    """Taken up, then few steps, then not steady, then contended."""
    seen = crowd(observed, stolen=1.0)
    flags = []
    for change in ({}, {"steady": False}, {"warmup_steps": 45}, {"resumed_at_step": 1}):
        seen = replace(seen, **change)
        flags.append(measure(name, seen).quality_flag)

    assert ["contended", "not_steady", "few_steps", "resumed"] == flags
    assert [name for name in QUALITY_FLAGS if name in flags] == flags[::-1]


def test_contention_is_no_doubt_about_what_is_not_speed(measure: Measure, observed: Observations) -> None:
    """Quality, memory and digests are what they are on a busy machine."""
    for name in ("accuracy", "host_peak_memory", "loss_curve_digest", "parameters"):
        assert measure(name, crowd(observed, stolen=1.0)) == measure(name, observed)


def test_an_unknown_flag_is_refused() -> None:
    """A flag that nobody could look up is an error in the metric."""
    with pytest.raises(ValueError, match=r"unknown quality flag 'odd'; allowed: resumed, few_steps, .*not_finite"):
        number(1.0, 1, "odd")
