"""When a training had settled to its pace, found from the times of its steps after it has ended."""

from __future__ import annotations

import numpy as np

from harness.observations import Array

WINDOW_STEPS = 10
TOLERANCE = 0.1
"""Relative difference of two medians that passes for the same pace."""
LOOKS = 200
"""Places, evenly spread over a run, at which the end of the warm-up is looked for; more would take longer than the run."""
LARGEST_SHARE = 0.5
"""Share of the steps that the warm-up may take at most."""


def find_steady(seconds: Array, least: int) -> tuple[int, bool]:
    """Return (steps of the warm-up, whether the steps after it kept one pace).

    The warm-up ends with the first step, no earlier than `least`, from which a window's median time is no more than
    TOLERANCE above that of all steps that follow it, or at LARGEST_SHARE of the steps. Later steps kept one pace if the
    medians of their halves are within TOLERANCE of one another.

    Args:
        seconds: wall time of each step, [steps].
        least: steps that count as warm-up in any case.
    """
    steps, most = len(seconds), max(least, int(len(seconds) * LARGEST_SHARE))
    starts = range(least, most + 1, max(1, steps // LOOKS))
    warmup = next((start for start in starts if _settled(seconds[start:])), most)
    timed = seconds[warmup:] if steps > warmup else seconds
    halves = np.array_split(timed, 2)
    if len(timed) < 2 * WINDOW_STEPS:
        return warmup, True  # too few to tell, which a flag of its own says
    first, second = float(np.median(halves[0])), float(np.median(halves[1]))
    return warmup, abs(first - second) <= TOLERANCE * min(first, second)


def _settled(seconds: Array) -> bool:
    return len(seconds) == 0 or bool(np.median(seconds[:WINDOW_STEPS]) <= (1 + TOLERANCE) * np.median(seconds))
