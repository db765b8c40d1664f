"""Floating-point operations, counted rather than guessed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode


def count_flops(action: Callable[[], object]) -> int:
    """Return the floating-point operations of what `action` runs; 1 multiply-add counts 2.

    The counter sees plain kernels and misses fused ones, so that these are off while counting: oneDNN's and cuDNN's
    recurrent layers, and all attention but the plain products.
    """
    counter = FlopCounterMode(display=False)
    with _plain_kernels(), counter:
        action()
    return int(counter.get_total_flops())


@contextmanager
def _plain_kernels() -> Iterator[None]:
    onednn, cudnn = torch.backends.mkldnn, torch.backends.cudnn
    enabled = onednn.enabled, cudnn.enabled
    onednn.enabled = cudnn.enabled = False  # type: ignore[assignment]  # torch's descriptors take a bool
    try:
        with sdpa_kernel(SDPBackend.MATH):
            yield
    finally:
        onednn.enabled, cudnn.enabled = enabled
