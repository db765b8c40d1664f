"""What watches a training that no supervisor runs: a process beside it, for machine, memory and GPU.

`python -m harness.runner.beside PID FOLDER [GPU]` says `ready`, watches the process until something comes on stdin or stdin
closes (the training has ended, or was killed), and writes what it saw to stdout as one JSON object.
"""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from harness.observations import GpuSample, HostSample
from harness.probes.host import HostWatch
from harness.probes.memory import tree_memory_bytes
from harness.probes.nvml import GpuSampler

PERIOD_SECONDS = 0.25
"""Time between two looks at the memory; the host and the GPU have periods of their own."""
STOP_SECONDS = 30.0
GONE = "not_measured: the watching process ended early"


class Beside:
    """A process that watches this one until `stop`.

    Args:
        folder: for what the sampler of the GPU writes.
        gpu: the GPU's UUID, None without one.
    """

    def __init__(self, folder: Path, gpu: str | None) -> None:
        self._process = subprocess.Popen(
            # -P: the working folder stays off the path, so that the installed harness is the one that runs
            [sys.executable, "-P", "-m", "harness.runner.beside", str(os.getpid()), str(folder), *([gpu] if gpu else [])],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,  # Ctrl-C is the training's to handle
        )
        assert self._process.stdout is not None
        self._process.stdout.readline()  # "ready", or nothing from one that could not start

    def stop(self) -> dict[str, Any]:
        """End the watching; return the fields of `harness.runner.supervise.Ended` that it saw."""
        said = b""
        with suppress(subprocess.TimeoutExpired):
            # a message and not the end of stdin: a loader's processes may hold that open
            said, _ = self._process.communicate(b"stop\n", STOP_SECONDS)
        self._process.kill()
        self._process.wait()
        try:
            seen: dict[str, Any] = json.loads(said)
        except ValueError:
            return {"gpu_null_reason": GONE, "host_nulls": {"host_samples": GONE}}
        seen["gpu_samples"] = [GpuSample(**row) for row in seen["gpu_samples"]]
        seen["host_samples"] = [HostSample(**row) for row in seen["host_samples"]]
        return seen


def watch(pid: int, folder: Path, gpu: str | None) -> None:
    """Watch a process until stdin has something to say."""
    host, sampler = HostWatch(pid), GpuSampler(gpu, pid, folder) if gpu else None
    print("ready", flush=True)
    peak: int | None = None
    while not select.select([0], [], [], PERIOD_SECONDS)[0]:
        host.look()
        used, processes = tree_memory_bytes(pid, without=os.getpid()) or (0, 0)
        if processes > 1:
            peak = max(peak or 0, used)
    seen: dict[str, Any] = {
        "tree_peak_bytes": peak,
        "gpu_samples": [],
        "host_samples": [asdict(sample) for sample in host.samples],
        "host_nulls": host.nulls,
    }
    if sampler is not None:
        sampler.stop()
        seen["gpu_samples"] = [asdict(sample) for sample in sampler.samples]
        seen |= {"gpu_null_reason": sampler.null_reason, "gpu_refused": sampler.refused}
        seen["gpu_period_seconds"] = sampler.period_seconds
    with suppress(BrokenPipeError), os.fdopen(1, "wb", closefd=False) as output:
        output.write(json.dumps(seen).encode())  # which nobody hears if the training was killed


if __name__ == "__main__":
    watch(int(sys.argv[1]), Path(sys.argv[2]), sys.argv[3] if len(sys.argv) > 3 else None)
