"""Watches one job from outside: time, memory, progress, GPU; ends it when it must; says how it ended."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from harness.observations import GpuSample, HostSample
from harness.probes.host import HostWatch
from harness.probes.memory import tree_memory_bytes
from harness.probes.nvml import GpuSampler
from harness.runner.client import ForkServer, ServerGoneError
from harness.runner.jobs import LOG, PROGRESS, Job, Outcome, Status

POLL_SECONDS = 0.05
STOP_SECONDS = 30.0
MEMORY_PERIOD_SECONDS = 0.25
MEMORY_SHARE = 0.9
"""Share of the memory free at a run's start that the run may fill."""
CRASH_SIGNALS = {signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS, signal.SIGFPE, signal.SIGILL}


@dataclass
class Ended:
    """How a job ended, and what was seen of it from outside."""

    outcome: Outcome
    seconds: float = 0.0
    tree_peak_bytes: int | None = None
    """Largest resident memory of a job with children; None for one that had none."""
    gpu_samples: list[GpuSample] = field(default_factory=list)
    gpu_null_reason: str | None = None
    gpu_refused: dict[str, str] = field(default_factory=dict)
    """Reading -> why the driver refused it."""
    gpu_period_seconds: float | None = None
    host_samples: list[HostSample] = field(default_factory=list)
    host_nulls: dict[str, str] = field(default_factory=dict)
    """'host.<reading>' -> why no sample has it."""
    server_gone: bool = False
    peak_flops_per_second: float | None = None
    """What this machine can do with the run's execution settings."""


class Watch:
    """One job under watch."""

    def __init__(self, server: ForkServer, job: Job, on_progress: Callable[[dict[str, Any]], None]) -> None:
        self._server, self._job, self._on_progress = server, job, on_progress
        self._ended = Ended(Outcome("failed"))
        self._sampler: GpuSampler | None = None
        self._host: HostWatch | None = None
        self._read_to = 0
        self.memory_limit = job.case.memory_limit_bytes or int(psutil.virtual_memory().available * MEMORY_SHARE)
        """Bytes of resident memory at which the job is stopped."""
        self._next_memory = 0.0
        self._over = False
        self._oom_kills = _kernel_oom_kills()

    def run(self) -> Ended:
        """Run the job to its end, whatever that is. A KeyboardInterrupt ends the job and goes on up."""
        self._job.write()
        started = time.monotonic()
        deadline = started + self._job.case.timeout_seconds if self._job.kind == "run" else float("inf")
        pid = self._server.submit(self._job.folder)
        try:
            code = self._until_end(pid, deadline)
            self._ended.outcome = self._explain(code) if isinstance(code, int) else code
        except ServerGoneError as error:
            _kill_session(pid)
            self._ended.server_gone = True
            self._ended.outcome = Outcome("killed", str(error))
        except BaseException:
            if not self._over:
                self._stop(pid)
            raise
        finally:
            self._stop_sampler()
            if self._host is not None:
                self._ended.host_samples, self._ended.host_nulls = self._host.samples, self._host.nulls
        self._ended.seconds = time.monotonic() - started
        return self._ended

    def _until_end(self, pid: int, deadline: float) -> int | Outcome:
        """Return the job's exit code, or why it was ended."""
        self._host = HostWatch(pid)
        while True:
            code = self._server.wait(POLL_SECONDS)
            self._over = code is not None
            self._read_progress(pid)
            if code is not None:
                return code
            self._host.look()
            now = time.monotonic()
            if now > deadline:
                self._stop(pid)
                return Outcome("timeout", f"not done after {self._job.case.timeout_seconds:g} s (timeout_seconds)")
            if now >= self._next_memory:
                self._next_memory = now + MEMORY_PERIOD_SECONDS
                used = self._look_at_memory(pid)
                if used > self.memory_limit:
                    self._stop(pid)
                    return Outcome(
                        "oom", f"resident memory {used / 2**20:.0f} MiB over the limit of {self.memory_limit / 2**20:.0f} MiB"
                    )

    def _look_at_memory(self, pid: int) -> int:
        """Return the job's resident memory now; note the peak where it has children, whose share it cannot know itself."""
        used, processes = tree_memory_bytes(pid) or (0, 0)
        if processes > 1:
            self._ended.tree_peak_bytes = max(self._ended.tree_peak_bytes or 0, used)
        return used

    def _stop(self, pid: int) -> None:
        """Kill the job and wait until the server has seen it end."""
        _kill_session(pid)
        try:
            gone = self._server.wait(STOP_SECONDS) is None  # stuck in a driver, say: a new server serves the rest
        except ServerGoneError:
            gone = True
        self._over, self._ended.server_gone = True, gone

    def _explain(self, code: int) -> Outcome:
        outcome = Outcome.read(self._job.folder)
        if code == 0 and outcome is not None:
            return outcome
        if code < 0:
            return self._killed(-code)
        return Outcome("failed", f"the process left with exit code {code} before it was done{self._last_words()}")

    def _killed(self, number: int) -> Outcome:
        status: Status = "failed" if number in CRASH_SIGNALS else "killed"
        if number == signal.SIGKILL and _kernel_oom_kills() > self._oom_kills:
            return Outcome("oom", "killed by the kernel: the machine ran out of memory")
        return Outcome(status, f"ended by {_signal_name(number)}{self._last_words()}")

    def _last_words(self) -> str:
        try:
            lines = (self._job.folder / LOG).read_text(errors="replace").strip().splitlines()
        except FileNotFoundError:
            return ""
        return f": {lines[-1][:200]}" if lines else ""

    def _read_progress(self, pid: int) -> None:
        try:
            with (self._job.folder / PROGRESS).open("rb") as file:
                file.seek(self._read_to)
                content = file.read()
        except FileNotFoundError:
            return
        whole = content[: content.rfind(b"\n") + 1]
        self._read_to += len(whole)
        for line in whole.splitlines():
            message = json.loads(line)
            if "gpu" in message:
                self._sampler = GpuSampler(message["gpu"], pid, self._job.folder)
            else:
                self._on_progress(message["progress"])

    def _stop_sampler(self) -> None:
        if (sampler := self._sampler) is not None:
            sampler.stop()
            self._ended.gpu_samples, self._ended.gpu_null_reason = sampler.samples, sampler.null_reason
            self._ended.gpu_refused, self._ended.gpu_period_seconds = sampler.refused, sampler.period_seconds


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:  # a real-time signal has no name
        return f"signal {number}"


def _kill_session(pid: int) -> None:
    """Kill a job and the processes of its session."""
    for kill in (os.killpg, os.kill):
        try:
            kill(pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            continue  # gone already, or not yet the leader of its session


def _kernel_oom_kills() -> int:
    """Return how many processes the kernel has killed for memory since it started; 0 where it does not say."""
    try:
        for line in Path("/proc/vmstat").read_text().splitlines():
            if line.startswith("oom_kill "):
                return int(line.split()[1])
    except OSError:
        pass  # no Linux: the signal alone is reported
    return 0
