"""The calibration kernels: what they measure, and that a training does not notice them."""

from __future__ import annotations

import random
from collections.abc import Iterator

import numpy as np
import pytest
import torch
from torch import nn

from harness.probes import calibration
from harness.probes.calibration import KERNELS, Calibration
from harness.probes.counters import count_operations
from harness.probes.flops import count_flops


def test_each_kernel_has_its_own_cpu_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the CPU clock gains while a kernel runs is that kernel's, and nothing is lost between two."""
    marks: Iterator[float] = iter([10.0, 10.5, 11.5, 13.5, 17.5, 25.5])
    monkeypatch.setattr(calibration, "process_time", lambda: next(marks))

    np.testing.assert_array_equal(Calibration().run(), [0.5, 1.0, 2.0, 4.0, 8.0])
    assert len(KERNELS) == 5


def test_the_seconds_are_those_of_a_clock() -> None:
    """Every kernel does some work."""
    seconds = Calibration().run()

    assert seconds.shape == (len(KERNELS),)
    assert (seconds > 0).all()


def test_the_work_is_fixed() -> None:
    """Four products of 256 × 256, one convolution of 5 × 5, and 206 operations: with the copy and 200 additions."""
    kernels = Calibration()
    products, convolution = 4 * 2 * 256**3, 2 * 8 * 16 * 28 * 28 * 6 * 5 * 5

    assert products + convolution == count_flops(kernels.run)
    assert [4 + 1 + 1 + 200] * 2 == [count_operations(kernels.run) for _ in range(2)]


def weights_after_training(calibrated: bool) -> list[list[float]]:
    """Train a network with dropout for a few steps, with or without kernels between them."""
    torch.manual_seed(3)
    model, inputs = nn.Sequential(nn.Linear(16, 32), nn.Dropout(0.5), nn.Linear(32, 4)), torch.randn(8, 16)
    optimizer, kernels = torch.optim.Adam(model.parameters()), Calibration() if calibrated else None
    for _ in range(4):
        optimizer.zero_grad()
        model(inputs).square().mean().backward()
        optimizer.step()
        if kernels:
            kernels.run()
    return [value.tolist() for value in model.state_dict().values()]


def test_a_training_goes_on_to_the_same_bits() -> None:
    """Kernels between the steps draw nothing from the streams that the training draws from."""
    assert weights_after_training(calibrated=False) == weights_after_training(calibrated=True)


def test_no_stream_and_no_setting_moves() -> None:
    """The global generators, the threads and the state of autograd are as before."""

    def state() -> tuple[object, ...]:
        streams = random.getstate(), str(np.random.get_state()), torch.get_rng_state().tolist()
        return *streams, torch.get_num_threads(), torch.is_grad_enabled(), torch.is_autocast_enabled("cpu")

    with torch.autocast("cpu", torch.bfloat16):
        before = state()
        Calibration().run()
        after = state()

    assert before == after
