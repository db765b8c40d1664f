"""The process of one arm: prepares a training, and takes a block of its steps whenever it is asked to.

Started by exec, never forked from a common parent: what differs from process to process (the layout of memory, above all)
has to be drawn anew in each, because the process is the unit of replication.
"""

from __future__ import annotations

import gc
import json
import math
import os
import resource
import sys
import traceback
from itertools import pairwise
from pathlib import Path
from statistics import median
from time import perf_counter, process_time
from typing import IO, Any

from harness.errors import HarnessError

WARMUP_STEPS, WARMUP_SECONDS = 10, 0.3


def main(folder: Path, channel: IO[str]) -> None:
    """Prepare the job in `folder`, then answer one request a line on stdin with one JSON line, until stdin closes."""
    try:
        answer = Arm(folder).answer
    except HarnessError as error:
        return _say(channel, {"error": str(error)})
    except Exception as error:
        traceback.print_exc()
        return _say(channel, {"error": f"{type(error).__name__}: {error}"})
    _say(channel, {"ready": os.getpid()})
    for line in sys.stdin:
        try:
            _say(channel, answer(json.loads(line)))
        except Exception as error:
            traceback.print_exc()
            return _say(channel, {"error": f"{type(error).__name__}: {error}"})
    return None


def _say(channel: IO[str], message: dict[str, Any]) -> None:
    channel.write(json.dumps(message) + "\n")
    channel.flush()


class Arm:
    """A training that is taken in blocks of steps."""

    def __init__(self, folder: Path) -> None:
        from harness.observations import Observations
        from harness.probes.calibration import KERNELS, Calibration
        from harness.runner.jobs import Job
        from harness.runner.passes._setup import prepare, prepare_process
        from harness.runner.passes._stepper import Stepper

        self._job = job = Job.read(folder)
        self._device = prepare_process(job.case)
        self._training = prepare(job, self._device, Observations())
        self._stepper = Stepper(self._training)
        self._sentinel = Calibration() if self._device.type == "cpu" else None
        self._watched = [number for number, name in enumerate(KERNELS) if name != "convolution"]

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        """Do what is asked: `warm_up` on a core, a `block` of steps, `count` what a step does, or name the `modules`."""
        match request["ask"]:
            case "warm_up":
                return {"step_seconds": self.warm_up(request["core"])}
            case "block":
                return self.block(request["steps"])
            case "count":
                return self.count()
            case _:
                return {"files": imported_files()}

    def warm_up(self, core: int | None) -> float:
        """Settle on a core; return the wall time of a step then."""
        if core is not None:
            pin(core)
        started, steps, last = perf_counter(), 0, 0.0
        while steps < WARMUP_STEPS or perf_counter() - started < WARMUP_SECONDS:
            before = perf_counter()
            self._stepper.take()
            self._wait()
            last, steps = perf_counter() - before, steps + 1
        if self._sentinel is not None:
            self._sentinel.run()
        gc.collect()
        gc.freeze()
        return last

    def block(self, steps: int) -> dict[str, Any]:
        """Take steps, of which the first is not timed, and return medians over the others and what disturbed them."""
        self._stepper.draw(steps + 1)
        sentinel = self._watch()
        self._stepper.take()
        self._wait()
        before = resource.getrusage(resource.RUSAGE_SELF)
        device = self._device_times(steps) if self._device.type == "cuda" else None
        wall, cpu = ([], []) if device else self._host_times(steps)
        after = resource.getrusage(resource.RUSAGE_SELF)
        return {
            "wall_seconds": median(wall) if wall else math.nan,
            "cpu_seconds": median(cpu) if cpu else math.nan,
            "device_seconds": median(device) if device else math.nan,
            "switches": after.ru_nivcsw - before.ru_nivcsw,
            "faults": after.ru_minflt - before.ru_minflt,
            "sentinel_seconds": sentinel,
        }

    def _watch(self) -> list[float]:
        """Return the CPU seconds of kernels that the arm's code has no part in; none on a GPU.

        They run once before they are timed: an arm that computes what they do would leave their code in the caches. The
        convolution is left out: it allocates its output, in what memory the arm has left free.
        """
        if self._sentinel is None:
            return []
        self._sentinel.run()
        return [float(seconds) for seconds in self._sentinel.run()[self._watched]]

    def _host_times(self, steps: int) -> tuple[list[float], list[float]]:
        """Take steps; return the wall and CPU seconds of each."""
        wall, cpu = [], []
        walked, used = perf_counter(), process_time()
        for _ in range(steps):
            self._stepper.take()
            now, spent = perf_counter(), process_time()
            wall.append(now - walked)
            cpu.append(spent - used)
            walked, used = now, spent
        return wall, cpu

    def _device_times(self, steps: int) -> list[float]:
        """Take steps; return the seconds of each on the GPU, by events that are read at the end."""
        import torch

        marks = [torch.cuda.Event(enable_timing=True) for _ in range(steps + 1)]
        marks[0].record()
        for mark in marks[1:]:
            self._stepper.take()
            mark.record()
        self._wait()
        return [before.elapsed_time(after) / 1000 for before, after in pairwise(marks)]

    def count(self) -> dict[str, Any]:
        """Return what the pass `counters` measures, by metric, with units."""
        from harness.observations import Observations
        from harness.runner.passes.counters import measure
        from harness.runner.record import load_metrics

        seen = Observations()
        measure(self._job, self._device, seen)
        metrics = {
            name: metric
            for name, metric in load_metrics(self._job.project.catalog()).items()
            if metric.measured_in == "counters"
        }
        values = {name: metric.measure(seen) for name, metric in metrics.items()}
        told = {name: {"value": value.value, "null": value.null_reason} for name, value in values.items()}
        return {**told, "units": {name: metric.unit for name, metric in metrics.items()}}

    def _wait(self) -> None:
        from harness.probes.clock import wait_for

        wait_for(self._device)


def pin(core: int) -> None:
    """Put all threads of this process on one core."""
    if not hasattr(os, "sched_setaffinity"):
        return
    for task in Path("/proc/self/task").iterdir():
        os.sched_setaffinity(int(task.name), {core})


def imported_files() -> list[str]:
    """Return the source files of all modules imported so far."""
    files = (getattr(module, "__file__", None) for module in list(sys.modules.values()))
    return sorted({str(Path(file).resolve()) for file in files if file and os.path.isabs(file)})  # torch has made-up ones


if __name__ == "__main__":
    replies = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a model prints goes to the log, not between our answers
    main(Path(sys.argv[1]), replies)
