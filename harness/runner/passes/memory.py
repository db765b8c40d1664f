"""The memory pass: a few steps in a process whose allocator gives back what is freed, so that its peak repeats."""

from __future__ import annotations

import torch

from harness.observations import Observations
from harness.probes.memory import peak_rss_bytes, reset_peak_rss, rss_bytes
from harness.probes.tensors import TensorPeak
from harness.runner.jobs import Job
from harness.runner.passes._execution import UNCOMPILED
from harness.runner.passes._setup import prepare
from harness.runner.passes._stepper import Stepper

WARMUP_STEPS = 3
"""Steps until the optimiser holds its state and the kernels their scratch memory."""
STEPS = 3
FIELDS = ("tensor_peak_bytes", "process_peak_bytes")


def measure(job: Job, device: torch.device, seen: Observations) -> None:
    """Fill in the tensors' peak and the process's."""
    seen.process_before_bytes = rss_bytes()
    training = prepare(job, device, seen)
    if not training.learning.steady:
        seen.nulls |= dict.fromkeys(FIELDS, "not_applicable: an episode's length varies")
        return
    stepper = Stepper(training)
    stepper.draw(WARMUP_STEPS + STEPS)
    with TensorPeak() as tensors:
        stepper.take(WARMUP_STEPS)
        tensors.reset_peak()
        reset_peak_rss()
        stepper.take(STEPS)
        seen.tensor_peak_bytes, seen.process_peak_bytes = tensors.peak_bytes, peak_rss_bytes()
    if job.case.execution.mode != "eager":
        seen.tensor_peak_bytes, seen.nulls["tensor_peak_bytes"] = None, UNCOMPILED
