"""The measured peak against a clock of known pace, and what it must leave alone."""

from __future__ import annotations

import itertools
import math
from typing import Literal

import pytest
import torch

from harness.probes import peak_flops
from harness.probes.peak_flops import measure_peak

CPU = torch.device("cpu")


@pytest.mark.parametrize(
    ("seconds", "size"),
    [
        pytest.param(0.01, 32, id="time for both sizes: the larger one does more in the same time"),
        pytest.param(1.0, 16, id="one product uses the budget up: the larger size is not tried"),
    ],
)
def test_it_is_the_work_of_a_product_over_its_seconds(seconds: float, size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a clock that gains so much at each look, a product of n × n is 2 n³ operations in that time."""
    looks = itertools.count()
    monkeypatch.setattr(peak_flops, "perf_counter", lambda: seconds * next(looks))
    monkeypatch.setattr(peak_flops, "SIZES", {"cpu": (16, 32)})

    assert measure_peak(CPU, "fp32") == pytest.approx(2 * size**3 / seconds, rel=1e-9)


def test_the_fastest_product_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of products of 4, 2 and 3 hundredths of a second, after one that is not counted, it is that of 2."""
    # a look at the start, two around each product, one after each of the two that leave time
    looks = iter([0.0, 0.0, 0.09, 0.1, 0.14, 0.2, 0.2, 0.22, 0.3, 0.3, 0.33, 0.6])
    monkeypatch.setattr(peak_flops, "perf_counter", lambda: next(looks))
    monkeypatch.setattr(peak_flops, "SIZES", {"cpu": (16,)})

    assert measure_peak(CPU, "fp32") == pytest.approx(2 * 16**3 / 0.02, rel=1e-9)


@pytest.mark.parametrize("precision", ["fp32", "bf16", "tf32"])
def test_it_leaves_everything_as_it_was(precision: Literal["fp32", "bf16", "tf32"], monkeypatch: pytest.MonkeyPatch) -> None:
    """No global stream, number of threads or switch of precision moves, and the peak is a rate."""
    monkeypatch.setattr(peak_flops, "SIZES", {"cpu": (64, 128)})
    monkeypatch.setattr(peak_flops, "BUDGET_SECONDS", 0.01)

    def state() -> tuple[object, ...]:
        return torch.get_rng_state().tolist(), torch.get_num_threads(), torch.backends.cuda.matmul.allow_tf32

    before = state()
    peak = measure_peak(CPU, precision)

    assert before == state()
    assert math.isfinite(peak)
    assert peak > 0


@pytest.mark.gpu
def test_a_gpu_is_faster_in_lower_precision() -> None:
    """TensorFloat-32 and bfloat16 beat single precision where the GPU has them (compute capability 8.0 and later)."""
    device = torch.device("cuda", torch.cuda.current_device())
    peaks = {precision: measure_peak(device, precision) for precision in ("fp32", "tf32", "bf16")}

    assert torch.cuda.get_device_capability() < (8, 0) or peaks["fp32"] < peaks["tf32"] < peaks["bf16"]
