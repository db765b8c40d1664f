"""The profile pass: a few steps under torch's profiler, kept as a Chrome trace and a table of operations."""

from __future__ import annotations

import json

import torch
from torch.autograd.profiler_util import FunctionEventAvg
from torch.profiler import ProfilerActivity, schedule
from torch.profiler import profile as torch_profile

from harness.observations import Observations
from harness.probes.clock import wait_for
from harness.runner.jobs import OPERATIONS, TRACE, Job
from harness.runner.passes._setup import prepare
from harness.runner.passes._stepper import Stepper

WARMUP_STEPS = 10
"""Steps before the profiler, until allocator, kernels and caches are settled."""
PROFILER_STEPS = 2
"""Steps of the profiler's own warm-up, which it throws away: its first are slow."""
STEP_MARK = "ProfilerStep"


def measure(job: Job, device: torch.device, seen: Observations) -> None:
    """Profile steps after a warm-up; trace and operations are left in the job's folder."""
    stepper = Stepper(prepare(job, device, seen))
    stepper.take(WARMUP_STEPS)
    wait_for(device)
    steps = job.profiling.steps
    with torch_profile(
        activities=[ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if device.type == "cuda" else [])],
        schedule=schedule(wait=0, warmup=PROFILER_STEPS, active=steps, repeat=1),
        record_shapes=True,
        profile_memory=True,
        with_stack=job.profiling.stacks,
    ) as profiler:
        for _ in range(PROFILER_STEPS + steps):
            stepper.take()
            wait_for(device)  # a step's kernels are within its mark
            profiler.step()
    profiler.export_chrome_trace(str(job.folder / TRACE))
    operations = [_operation(event) for event in profiler.key_averages() if not str(event.key).startswith(STEP_MARK)]
    operations.sort(key=lambda found: (found["self_device_seconds"], found["self_cpu_seconds"]), reverse=True)
    (job.folder / OPERATIONS).write_text(json.dumps(operations))


def _operation(event: FunctionEventAvg) -> dict[str, str | float]:
    return {
        "operation": str(event.key),
        "calls": event.count,
        "self_cpu_seconds": event.self_cpu_time_total / 1e6,
        "cpu_seconds": event.cpu_time_total / 1e6,
        "self_device_seconds": event.self_device_time_total / 1e6,
        "self_cpu_bytes": event.self_cpu_memory_usage,
        "self_device_bytes": event.self_device_memory_usage,
    }
