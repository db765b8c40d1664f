"""Floating-point operations, counted rather than guessed."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch.utils.flop_counter import FlopCounterMode


def count_flops(action: Callable[[], object]) -> int:
    """Return the floating-point operations of what `action` runs; 1 multiply-add counts 2.

    oneDNN is off while counting: the counter does not see its fused LSTM kernel, but the plain one.
    """
    counter = FlopCounterMode(display=False)
    enabled = torch.backends.mkldnn.enabled
    torch.backends.mkldnn.enabled = False  # type: ignore[assignment]  # torch's descriptor takes a bool
    try:
        with counter:
            action()
    finally:
        torch.backends.mkldnn.enabled = enabled
    return int(counter.get_total_flops())
