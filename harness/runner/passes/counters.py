"""The counters pass: what a step does, counted; the same on every machine and free of noise."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import torch

import harness
from harness.observations import Observations
from harness.probes.counters import count_allocated_bytes, count_operations, count_python
from harness.runner.jobs import Job
from harness.runner.passes._execution import UNCOMPILED
from harness.runner.passes._setup import prepare
from harness.runner.passes._stepper import Stepper

WARMUP_STEPS = 3
"""Steps until optimiser states, kernels and Python's own caches are made."""
STEPS = 2
COUNTS = 3
"""Counters, each over steps of its own: operations, Python, bytes."""
FIELDS = ("aten_operations", "python_calls", "bytecodes", "allocated_bytes")
OWN_CODE = [Path(harness.__file__).parent / name for name in ("train", "runner", "probes")]
"""The harness's own loop, left out of what is counted in Python: its next version shall not move a model's numbers."""


def measure(job: Job, device: torch.device, seen: Observations) -> None:
    """Count operations, Python calls and instructions, and bytes allocated, each over steps of its own."""
    training = prepare(job, device, seen)
    if not training.learning.steady:
        seen.nulls |= dict.fromkeys(FIELDS, "not_applicable: an episode's length varies")
        return
    stepper = Stepper(training)
    stepper.draw(WARMUP_STEPS + COUNTS * STEPS)
    stepper.take(WARMUP_STEPS)
    steps = partial(stepper.take, STEPS)
    seen.counted_steps = STEPS
    if job.case.execution.mode == "eager":
        seen.aten_operations = count_operations(steps)
    else:
        seen.nulls["aten_operations"] = UNCOMPILED
    counted = count_python(steps, OWN_CODE)
    seen.python_calls, seen.bytecodes = counted.calls, counted.bytecodes
    seen.allocated_bytes = count_allocated_bytes(steps, device)
