"""GPU readings by NVML, taken by a process of their own beside the run and the harness.

The device is addressed by UUID: NVML ignores CUDA_VISIBLE_DEVICES and numbers devices its own way. A reading that
the driver refuses is None in its sample; a library that cannot be loaded is a reason, never a zero.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from harness.observations import GpuSample

PERIOD_SECONDS = 0.1
STOP_SECONDS = 5.0
"""Longest wait for the sampler's end before it is killed, and for that: a driver that hangs must not hang the harness."""
SILENT_SECONDS = 2.0
"""Time without a sample, or 20 periods where that is longer, after which sampling counts as ended early."""
SAMPLES, ERRORS = "gpu_samples.jsonl", "gpu_sampler.txt"


class GpuSampler:
    """Samples one GPU until stopped.

    Args:
        device_uuid: the GPU's UUID, as torch and NVML spell it.
        pid: the run's first process: what its tree holds of the GPU is the run's.
        folder: for what the sampling process writes.
        period_seconds: declared time between two samples.
    """

    def __init__(self, device_uuid: str, pid: int, folder: Path, period_seconds: float = PERIOD_SECONDS) -> None:
        self.samples: list[GpuSample] = []
        self.null_reason: str | None = None
        """Why there are no samples, or no more than these."""
        self.refused: dict[str, str] = {}
        """Reading -> the first reason for which the driver refused it."""
        self.period_seconds = period_seconds
        self._uuid, self._folder = device_uuid, folder
        self._started = time.monotonic()
        self._process = self._start(pid)

    def _start(self, pid: int) -> subprocess.Popen[bytes] | None:
        # -P: the working folder stays off the path, so that the installed harness is the one that runs
        command = [sys.executable, "-P", "-m", "harness.probes._nvml_sampler", self._uuid, str(pid), str(self.period_seconds)]
        try:
            with (self._folder / SAMPLES).open("wb") as output, (self._folder / ERRORS).open("wb") as errors:
                return subprocess.Popen(
                    command,
                    stdin=subprocess.PIPE,
                    stdout=output,
                    stderr=errors,
                    start_new_session=True,  # Ctrl-C is the harness's to handle
                )
        except OSError as error:
            self.null_reason = f"not_measured: the GPU sampler could not be started: {error.strerror}"
            return None

    def stop(self) -> None:
        """End sampling; `samples`, `refused` and `null_reason` are final afterwards."""
        if self._process is None:
            return
        asked = time.monotonic()
        ended_early = self._process.poll() is not None
        asked_to = _end(self._process)
        ended_early = ended_early or (asked_to and self._process.returncode != 0)  # it was dying as it was asked
        for line in (self._folder / SAMPLES).read_bytes().splitlines(keepends=True):
            if line.endswith(b"\n"):
                self._take(json.loads(line))
        if self.null_reason is None:
            self.null_reason = self._last_words() if ended_early else self._silence(asked)
        self._process = None

    def _take(self, message: dict[str, Any]) -> None:
        self._uuid = message.get("uuid", self._uuid)
        self.null_reason = message.get("reason", self.null_reason)
        self.refused |= message.get("refused", {})
        if readings := message.get("sample"):
            seconds = readings["monotonic"] - self._started
            self.samples.append(GpuSample(seconds=seconds, device_uuid=self._uuid, **readings))

    def _last_words(self) -> str:
        assert self._process is not None
        said = (self._folder / ERRORS).read_text(errors="replace").strip().splitlines()
        return f"not_measured: the GPU sampler ended with exit code {self._process.returncode}" + (
            f": {said[-1]}" if said else ""
        )

    def _silence(self, now: float) -> str | None:
        """Return the reason of a sampler that was there to the end, but said nothing for long."""
        last = max([sample.monotonic for sample in self.samples if sample.monotonic <= now], default=self._started)
        if now - last <= max(SILENT_SECONDS, 20 * self.period_seconds):
            return None
        return f"not_measured: no reading of the GPU came in the last {now - last:.1f} s"


def _end(process: subprocess.Popen[bytes]) -> bool:
    """Close the sampler's stdin, at which it ends; kill it when it does not, and leave behind what not even that ends.

    Returns:
        Whether it ended without being killed by us.
    """
    assert process.stdin is not None
    with suppress(BrokenPipeError):
        process.stdin.close()
    for killed, last_resort in ((False, process.kill), (True, lambda: None)):
        try:
            process.wait(STOP_SECONDS)
            return not killed
        except subprocess.TimeoutExpired:
            last_resort()
    return False
