"""Throughput over chunks of steps, each measured beside calibration kernels that say how fast the machine was just then.

The kernels' CPU times k_1 … k_5 before and after a chunk give its unit of time, their geometric mean. A chunk of r samples
a CPU second has r · (k_1 ⋯ k_5)^(1/5) samples in that unit; a machine that slows down by one factor for both leaves it as it
is. Chunks take their median, because most have neighbours in the same state of the machine and a few do not (NOISE 4).
"""

from __future__ import annotations

import numpy as np

from harness.metrics._readings import absent
from harness.observations import Array, Observations, Value, null, number

LEAST_CHUNKS = 10
"""Chunks under which their median says nothing about a training: at 60 ms each, half a second."""


def throughput(samples: Array, step_seconds: Array, kernel_seconds: Array | None = None) -> float:
    """Return exp(median over chunks of ln(samples ÷ CPU seconds) + mean ln kernel seconds).

    Args:
        samples: of a step in each chunk, [chunks].
        step_seconds: CPU seconds of a step in each chunk, [chunks].
        kernel_seconds: CPU seconds of each kernel beside each chunk, [chunks, kernels]; None leaves their term out, so
            that what remains is samples a CPU second.
    """
    unit = 0.0 if kernel_seconds is None else np.log(kernel_seconds).mean(axis=1)
    return float(np.exp(np.median(np.log(samples / step_seconds) + unit)))


def of_chunks(observations: Observations, normalised: bool) -> Value:
    """Return the throughput over the chunks, by the kernels' times or by seconds; n is the number of chunks."""
    fields = ["chunk_step_seconds", "chunk_samples", *(["chunk_kernel_seconds"] if normalised else [])]
    if missing := absent(observations, *fields):
        return missing
    seconds, samples, *kernels = (getattr(observations, field) for field in fields)
    if len(seconds) < LEAST_CHUNKS:
        return null("too_short")
    if not all((readings > 0).all() for readings in (seconds, *kernels)):
        return null("too_short: the clock did not advance")
    return number(throughput(samples, seconds, *kernels), len(seconds))
