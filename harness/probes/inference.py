"""Time of inference passes: one sample at a time (latency) and a training batch at a time (throughput)."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from time import perf_counter
from typing import Any

import numpy as np
import torch
from torch import nn

from harness.observations import Array
from harness.probes.clock import wait_for

WARMUP_PASSES = 5
MOST_PASSES = 100
BUDGET_SECONDS = 0.5


def time_inference(
    infer: Callable[[nn.Module, torch.Tensor], object],
    model: nn.Module,
    inputs: torch.Tensor,
    device: torch.device,
    context: AbstractContextManager[Any] | None = None,
) -> Array:
    """Return the wall seconds of passes `infer(model, inputs)` in evaluation mode, each waited for, within `context`.

    Up to MOST_PASSES passes or BUDGET_SECONDS, whichever ends first, after WARMUP_PASSES that are not counted; at
    least one pass is counted.
    """
    was_training = model.training
    model.eval()
    seconds: list[float] = []
    with context or nullcontext(), torch.inference_mode():
        for _ in range(WARMUP_PASSES):
            infer(model, inputs)
        wait_for(device)
        while len(seconds) < MOST_PASSES and sum(seconds) < BUDGET_SECONDS:
            started = perf_counter()
            infer(model, inputs)
            wait_for(device)
            seconds.append(perf_counter() - started)
    model.train(was_training)
    return np.array(seconds)
