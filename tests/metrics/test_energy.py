"""Energy of training against closed forms, scripted counters and a simulated one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from scipy.integrate import trapezoid

from harness.catalog import Catalog
from harness.metrics._energy import UNCERTAINTY, energy_until, integral, least_updates
from harness.observations import GpuSample, Observations, Value, null, number

Measure = Callable[[str, Observations], Value]
WINDOWS = [(10.0, 12.0), (14.0, 15.0)]


def sampled(
    moments: list[float], counter: Callable[[float], float | None], power: Callable[[float], float | None]
) -> list[GpuSample]:
    """Samples at these moments of a counter and of power."""
    return [
        GpuSample(moment, "GPU-1", 50.0, 1.0, 1.0, power(moment), moment, energy_joules=counter(moment)) for moment in moments
    ]


def seen(samples: list[GpuSample], **fields: object) -> Observations:
    """A run of 300 training samples in two epochs, with an evaluation of two seconds in between."""
    run = Observations(gpu_samples=samples, train_windows=WINDOWS, step_samples=np.array([100, 100, 100]))
    return replace(run, **fields)  # type: ignore[arg-type]


def every(period: float, start: float = 9.0, end: float = 16.0) -> list[float]:
    """Moments from start to end."""
    return np.arange(start, end + period / 2, period).tolist()


def steady(factor: float = 1.0, **fields: object) -> Observations:
    """300 W throughout, sampled every 1/8 s beside the edges; the counter counts `factor` times that."""
    return seen(sampled(every(0.125, 9.0625, 16.0625), lambda t: 77 + 300 * factor * t, lambda t: 300.0), **fields)


def test_the_counter_over_training(measure: Measure) -> None:
    """Three seconds of training at 300 W are 900 J, though no sample was taken at their edges."""
    energy = measure("train_energy", steady())

    assert 900.0 == pytest.approx(energy.value, rel=1e-12)
    assert (8 * 3, None) == (energy.n, energy.quality_flag)


def test_power_that_changes(measure: Measure) -> None:
    """Power that climbs from 100 W at 50 W a second: the integral's closed form over both stretches."""
    samples = sampled(every(0.125), lambda t: 100 * (t - 9) + 25 * (t - 9) ** 2, lambda t: 100 + 50 * (t - 9))

    closed_form = (200 + 25 * (3**2 - 1**2)) + (100 + 25 * (6**2 - 5**2))
    assert closed_form == pytest.approx(measure("train_energy", seen(samples)).value, rel=1e-12)


def test_evaluations_are_left_out(measure: Measure) -> None:
    """What the GPU draws between two epochs is no energy of training."""
    burst = sampled(every(0.125), lambda t: 300 * t + 5000 * min(max(t - 12.5, 0), 1), lambda t: 300 + 5000 * (12.5 < t < 13.5))

    assert number(900.0, 24 + 2) == measure("train_energy", seen(burst))


@pytest.mark.parametrize(
    ("factor", "flag"),
    [(1.0, None), (1.11, None), (1.12, "energy_disagrees"), (0.91, None), (0.9, "energy_disagrees"), (3.0, "energy_disagrees")],
)
def test_counter_and_power_that_disagree_are_flagged(measure: Measure, factor: float, flag: str | None) -> None:
    """More than a tenth of the energy between the two: the number stays the counter's, and is flagged."""
    energy = measure("train_energy", steady(factor))

    assert 900.0 * factor == pytest.approx(energy.value, rel=1e-12)
    assert flag == energy.quality_flag


def test_an_energy_without_power_is_unchecked(measure: Measure) -> None:
    """A driver that counts energy but tells no power, or none of some part of the training, leaves it unchecked."""
    none = sampled(every(0.125), lambda t: 300 * t, lambda t: None)
    late = sampled(every(0.125), lambda t: 300 * t, lambda t: 300.0 if t > 11 else None)

    assert number(900.0, 26, "energy_unchecked") == measure("train_energy", seen(none))
    assert number(900.0, 26, "energy_unchecked") == measure("train_energy", seen(late))


def test_few_updates_are_too_short(measure: Measure) -> None:
    """Twelve updates in two stretches are the least; a counter that moves every half second has fewer in three seconds."""
    slow = sampled(every(0.125), lambda t: 300 * (t // 0.5) * 0.5, lambda t: 300.0)
    fast = sampled(every(0.125), lambda t: 300 * (t // 0.25) * 0.25, lambda t: 300.0)

    assert null("too_short") == measure("train_energy", seen(slow))
    assert number(900.0, 14) == measure("train_energy", seen(fast))
    assert null("too_short") == measure("train_energy", steady(train_windows=[]))


@pytest.mark.parametrize("stretches", [1, 2, 5, 20])
def test_so_many_updates_are_enough(stretches: int) -> None:
    """Of a counter whose updates fall anyhow within the stretches, the energies scatter by the uncertainty asked for."""
    draw, least = np.random.default_rng(stretches), least_updates(stretches)
    length = least / stretches
    start = draw.uniform(0, 1, (4000, stretches))
    counted = np.floor(start + length) - np.floor(start)

    assert (stretches / 6) ** 0.5 / UNCERTAINTY <= least < (stretches / 6) ** 0.5 / UNCERTAINTY + 1
    assert np.std(counted.sum(axis=1)) / least <= 1.25 * UNCERTAINTY


def test_training_that_was_not_sampled_whole_has_no_energy(measure: Measure) -> None:
    """A counter that is not known at the training's start or end gives no total; a lost GPU is the reason where it is one."""
    late, early = every(0.0625, start=10.5), every(0.0625, end=14.75)
    unknown = null("not_measured: the samples do not cover the training")

    for moments in (late, early):
        run = seen(sampled(moments, lambda t: 300 * t, lambda t: 300.0))
        assert unknown == measure("train_energy", run)
        lost = replace(run, nulls={"gpu_samples": "unsupported: GPU is lost"})
        assert null("unsupported: GPU is lost") == measure("train_energy", lost)


def test_a_counter_that_starts_anew_has_no_energy(measure: Measure) -> None:
    """A driver that was loaded again counts from 0."""
    again = sampled(every(0.125), lambda t: 300 * t if t < 13 else t, lambda t: 300.0)

    assert null("unsupported: the energy counter went backwards") == measure("train_energy", seen(again))


@pytest.mark.parametrize("name", ["train_energy", "energy_per_sample"])
def test_a_driver_without_a_counter(measure: Measure, name: str) -> None:
    """The reason is the driver's; power is no stand-in."""
    samples = sampled(every(0.125), lambda t: None, lambda t: 300.0)

    assert null("unsupported") == measure(name, seen(samples))
    nulls = {"gpu.energy_joules": "unsupported: Not Supported"}
    assert null("unsupported: Not Supported") == measure(name, seen(samples, nulls=nulls))
    assert null("no_gpu") == measure(name, Observations(nulls={"gpu_samples": "no_gpu"}))


def test_energy_of_a_sample(measure: Measure) -> None:
    """900 J over 300 samples, warm-up included."""
    energy = measure("energy_per_sample", steady(warmup_steps=2))

    assert 3.0 == pytest.approx(energy.value, rel=1e-12)
    assert ("J/{sample}", "lower") == tuple(
        Catalog().part("metrics", "energy_per_sample").fields[name] for name in ("unit", "direction")
    )


def test_energy_of_a_training_taken_up_again(measure: Measure) -> None:
    """Only the process since the checkpoint was watched: no total, and per sample that part over its own samples."""
    resumed = steady(resumed_at_step=2)
    unknown = null("not_measured: the training was taken up from a checkpoint")
    share = measure("energy_per_sample", resumed)

    assert unknown == measure("train_energy", resumed) == energy_until(resumed, 1.0)
    assert 9.0 == pytest.approx(share.value, rel=1e-12)
    assert "resumed" == share.quality_flag


@pytest.mark.parametrize(
    ("seconds", "joules"), [(1.5, 450.0), (2.0, 600.0), (2.75, 825.0), (3.0, 900.0), (100.0, 900.0), (0.25, None), (0.0, None)]
)
def test_energy_until_a_moment_of_training(seconds: float, joules: float | None) -> None:
    """The first seconds on the training's clock, which stands still in the evaluation; too few of them are too short."""
    energy = energy_until(steady(), seconds)

    assert joules == (None if energy.value is None else pytest.approx(energy.value, rel=1e-12))
    assert (None if joules else "too_short") == energy.null_reason


def test_the_integral_is_that_of_the_lines_between_readings() -> None:
    """SciPy's trapezoid rule between readings; within a line, the closed form."""
    draw = np.random.default_rng(3)
    times = np.sort(draw.uniform(0, 10, 50))
    watts = draw.uniform(50, 700, 50)

    assert trapezoid(watts[5:41], times[5:41]) == pytest.approx(integral(times, watts, (times[5], times[40])), rel=1e-12)
    assert (110 + 130) / 2 * 0.2 == pytest.approx(integral(np.array([0.0, 1.0]), np.array([100.0, 200.0]), (0.1, 0.3)))
