"""Which disturbances of a training are told, and that nothing else is."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.observations import GpuSample, Observations
from harness.runner.taint import tainted


def seen(*marks: tuple[float, int | None, int | None]) -> Observations:
    """A run trained from 10 to 20 and 30 to 40, with samples at (moment, throttle reasons, foreign processes)."""
    samples = [
        GpuSample(at, "GPU-1", 90.0, 1.0, 1.0, 300.0, at, throttle_reasons=bits, foreign_processes=foreign)
        for at, bits, foreign in marks
    ]
    return Observations(gpu_samples=samples, train_windows=[(10.0, 20.0), (30.0, 40.0)])


QUIET = ((11.0, 0, 0), (12.0, 1, 0), (31.0, 0x114, 0))


@pytest.mark.parametrize(
    ("bits", "words"),
    [
        (0x08, "hardware slowdown"),
        (0x20, "heat"),
        (0x40, "heat, by hardware"),
        (0x80, "power brake"),
        (0x88, "hardware slowdown, power brake"),
    ],
)
def test_throttling_by_hardware_or_heat_taints(bits: int, words: str) -> None:
    """One sample of training is enough, and the reason says which throttling and in how many samples."""
    assert f"the GPU was throttled ({words}) in 1 of 4 samples of training" == tainted(seen(*QUIET, (32.0, bits, 0)))


def test_a_foreign_process_taints() -> None:
    """Whoever shares the GPU takes time from the training."""
    shared = seen(*QUIET, (32.0, 0, 2), (33.0, 0, 1))

    assert "another process was on the GPU in 2 of 5 samples of training" == tainted(shared)


def test_both_are_told() -> None:
    """A run may be disturbed in two ways."""
    share = "in 1 of 2 samples of training"
    both = f"the GPU was throttled (heat) {share}; another process was on the GPU {share}"

    assert both == tainted(seen((11.0, 0x20, 0), (12.0, 0, 1)))


def test_the_usual_limits_of_a_card_do_not_taint() -> None:
    """A card at its power cap, idle, with set clocks or kept in step with others is a card at work."""
    assert "" == tainted(seen(*((11.0 + count, bits, 0) for count, bits in enumerate((0, 1, 2, 4, 0x10, 0x100)))))


@pytest.mark.parametrize("moment", [9.0, 25.0, 41.0])
def test_only_training_counts(moment: float) -> None:
    """Loading, evaluation and what comes after are not in the numbers of training."""
    assert "" == tainted(seen(*sorted((*QUIET, (moment, 0xE8, 3)))))


def test_what_is_not_known_does_not_taint() -> None:
    """No samples, or a driver that tells neither, are no sign of a disturbance."""
    run = seen((11.0, None, None), (12.0, None, None))

    assert ("", "", "") == (tainted(run), tainted(replace(run, gpu_samples=[])), tainted(Observations()))
