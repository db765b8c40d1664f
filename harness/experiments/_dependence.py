"""Which steps of a sequence a network's states depend on, seen by replacing one step's input.

Shape suffixes: B batch, T steps, D width of a state.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor


@torch.no_grad()
def changed_steps(read: Callable[[Tensor], Tensor], x: Tensor, other: Tensor, step: int) -> tuple[int, int]:
    """Return how many states (before step number `step`, from it on) differ in any bit when that step's input is replaced.

    Args:
        read: states [B, T, D] of inputs; the same for the same inputs.
        x: inputs [B, T] or [B, T, F].
        other: what takes the step's place, of the shape of `x[:, 0]`, different from what is there.
        step: from 0.
    """
    replaced = x.clone()
    replaced[:, step] = other
    changed_T = (read(x) != read(replaced)).any(dim=2).any(dim=0)
    return int(changed_T[:step].sum()), int(changed_T[step:].sum())
