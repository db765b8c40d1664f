"""GPU readings by NVML, taken outside the training process.

The device is addressed by UUID: NVML ignores CUDA_VISIBLE_DEVICES and numbers devices its own way. A reading that
the driver refuses is None in its sample; a library that cannot be loaded is a reason, never a zero.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import pynvml

from harness.observations import GpuSample

PERIOD_SECONDS = 0.2
STOP_SECONDS = 5.0
"""Longest wait for the sampling thread: a driver that hangs must not hang the harness."""

# The process-list calls of an old driver raise the second, which is no NVMLError.
_REFUSED = (pynvml.NVMLError, getattr(pynvml, "NVMLLibraryMismatchError", pynvml.NVMLError))


class GpuSampler:
    """Samples one GPU in a thread of the calling process until stopped.

    Args:
        device_uuid: the GPU's UUID, as torch and NVML spell it.
        pid: the process whose memory is read, with its descendants left out.
        period_seconds: time between two samples.
    """

    def __init__(self, device_uuid: str, pid: int, period_seconds: float = PERIOD_SECONDS) -> None:
        self.samples: list[GpuSample] = []
        self.null_reason: str | None = None
        self.period_seconds = period_seconds
        self._uuid, self._pid = device_uuid, pid
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._sample, name="gpu-sampler", daemon=True)
        self._started = time.monotonic()
        self._thread.start()

    def stop(self) -> None:
        """End sampling; `samples` and `null_reason` are final afterwards."""
        self._stop.set()
        self._thread.join(STOP_SECONDS)

    def _sample(self) -> None:
        try:
            pynvml.nvmlInit()
        except _REFUSED as error:
            self.null_reason = f"no_driver: {error}"
            return
        try:
            handle = pynvml.nvmlDeviceGetHandleByUUID(self._uuid)
            while not self._stop.is_set():
                self.samples.append(self._read(handle))
                self._stop.wait(self.period_seconds)
        except _REFUSED as error:
            self.null_reason = f"unsupported: {error}"
        finally:
            pynvml.nvmlShutdown()

    def _read(self, handle: Any) -> GpuSample:
        now = time.monotonic()
        return GpuSample(
            seconds=now - self._started,
            device_uuid=self._uuid,
            utilization=_reading(lambda: pynvml.nvmlDeviceGetUtilizationRates(handle).gpu),
            memory_used_bytes=_reading(lambda: _used_bytes(handle)),
            process_memory_bytes=_reading(lambda: self._process_bytes(handle)),
            power_watts=_reading(lambda: pynvml.nvmlDeviceGetPowerUsage(handle) / 1000),
            monotonic=now,
        )

    def _process_bytes(self, handle: Any) -> float | None:
        for process in pynvml.nvmlDeviceGetComputeRunningProcesses(handle):
            if process.pid == self._pid:
                return None if process.usedGpuMemory is None else float(process.usedGpuMemory)
        return None  # a container's pid differs from the driver's: unknown, not zero


def _used_bytes(handle: Any) -> float:
    """Return memory in use without what the driver reserves for itself, where the driver can tell."""
    try:
        return float(pynvml.nvmlDeviceGetMemoryInfo(handle, version=pynvml.nvmlMemory_v2).used)
    except _REFUSED:
        return float(pynvml.nvmlDeviceGetMemoryInfo(handle).used)


def _reading(read: Callable[[], float | None]) -> float | None:
    """Return one reading, None where this driver or device does not offer it.

    Raises:
        pynvml.NVMLError: the device itself is gone, so that sampling cannot go on.
    """
    try:
        value = read()
    except _REFUSED as error:
        if getattr(error, "value", None) == pynvml.NVML_ERROR_GPU_IS_LOST:
            raise
        return None
    return None if value is None else float(value)
