"""The most floating-point operations a second that this machine reaches, measured with matrix products."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import perf_counter
from typing import Literal

import torch

SIZES = {"cpu": (256, 512, 1024, 2048), "cuda": (2048, 4096, 8192)}
"""Rows and columns of the square matrices, by kind of device: small enough for its budget, large enough for its cores."""
BUDGET_SECONDS = 0.5
"""Time for all sizes together; the first is tried whatever it takes."""
SEED = 1


def measure_peak(device: torch.device, precision: Literal["fp32", "bf16", "tf32"]) -> float:
    """Return FLOP/s of the fastest of several products of square matrices; 1 multiply-add counts 2.

    The threads are those set. The matrices hold normal numbers, because products of constants switch fewer transistors and
    run faster on a GPU than real ones do; they are drawn from a generator of their own. The fastest product counts, so that
    a neighbour on the machine must disturb all of them to lower the result.
    """
    dtype = torch.bfloat16 if precision == "bf16" else torch.float32
    best, deadline = 0.0, perf_counter() + BUDGET_SECONDS
    sizes = SIZES["cuda" if device.type == "cuda" else "cpu"]
    with _tensor_float(precision == "tf32"), torch.inference_mode(), torch.autocast(device.type, enabled=False):
        for number, size in enumerate(sizes):
            work = 2 * size**3
            if best and perf_counter() + 2 * work / best > deadline:
                break
            until = deadline - (len(sizes) - 1 - number) * BUDGET_SECONDS / len(sizes)
            best = max(best, work / _fastest(_product(size, dtype, device), device, until))
    return best


def _product(size: int, dtype: torch.dtype, device: torch.device) -> Callable[[], object]:
    generator = torch.Generator(device).manual_seed(SEED)
    a, b = (torch.randn(size, size, generator=generator, device=device, dtype=dtype) for _ in range(2))
    out = torch.zeros_like(a)
    return lambda: torch.mm(a, b, out=out)


def _fastest(action: Callable[[], object], device: torch.device, until: float) -> float:
    """Return the seconds of the fastest of the repetitions begun before `until`, after one that is not counted."""
    time = _time_on_cuda if device.type == "cuda" else _time_on_host
    time(action)
    fastest = time(action)
    while perf_counter() < until:
        fastest = min(fastest, time(action))
    return fastest


def _time_on_host(action: Callable[[], object]) -> float:
    started = perf_counter()
    action()
    return perf_counter() - started


def _time_on_cuda(action: Callable[[], object]) -> float:
    start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    start.record()
    action()
    end.record()
    end.synchronize()
    return float(start.elapsed_time(end)) / 1000


@contextmanager
def _tensor_float(on: bool) -> Iterator[None]:
    """Allow TensorFloat-32 in CUDA's matrix products, or forbid it, for the time being."""
    matmul = torch.backends.cuda.matmul
    before = matmul.allow_tf32
    matmul.allow_tf32 = on
    try:
        yield
    finally:
        matmul.allow_tf32 = before
