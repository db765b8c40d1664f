"""What NVML says of one GPU at one moment, in base units. A reading that the driver refuses is None, and its words are kept."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable
from typing import Any

import psutil
import pynvml

# The process-list calls of an old driver raise the second, which is no NVMLError.
REFUSED = (pynvml.NVMLError, getattr(pynvml, "NVMLLibraryMismatchError", pynvml.NVMLError))

OTHER_NAMESPACE = "unsupported: the driver's process ids are not those of this system"
NOT_LISTED = "unsupported: the driver lists no process of the run"
HIDDEN = "unsupported: the driver does not tell the memory of a process"


class Gpu:
    """One GPU and the run on it.

    Args:
        uuid: of the GPU or MIG instance. torch prints it without its kind, so that a MIG instance may be named as a GPU.
        pid: the run's first process; those below it and those of its session are the run's too.

    Raises:
        pynvml.NVMLError: the driver knows no such GPU.
    """

    def __init__(self, uuid: str, pid: int) -> None:
        self.uuid, self._handle = _find(uuid)
        self._pid = pid
        self.refused: dict[str, str] = {}
        """Reading -> the first reason for which it was refused."""

    def read(self) -> dict[str, float | None]:
        """Return every reading, under the names of GpuSample's fields, and the moment under `monotonic`.

        Raises:
            pynvml.NVMLError_GpuIsLost: the GPU is gone, so that no reading will come again.
        """
        moment = time.monotonic()
        return {
            "monotonic": moment,
            **{name: self._attempt(name, read) for name, read in READINGS.items()},
            **self._of_processes(),
        }

    def _attempt(self, name: str, read: Callable[[Any], float]) -> float | None:
        try:
            return read(self._handle)
        except REFUSED as error:
            self._refuse(error, name)
            return None

    def _refuse(self, error: BaseException, *names: str) -> None:
        """Keep the driver's words; a GPU that is gone is an error again."""
        if getattr(error, "value", None) == pynvml.NVML_ERROR_GPU_IS_LOST:
            raise error
        for name in names:
            self.refused.setdefault(name, f"unsupported: {error}")

    def _of_processes(self) -> dict[str, float | None]:
        found: dict[str, float | None] = {"process_memory_bytes": None, "foreign_processes": None}
        try:
            computing = {process.pid for process in pynvml.nvmlDeviceGetComputeRunningProcesses(self._handle)}
            listed = _listed(self._handle)
        except REFUSED as error:
            self._refuse(error, *found)
            return found
        own = {pid for pid in listed if _of_run(pid, self._pid)}
        unknown = [pid for pid in listed if not psutil.pid_exists(pid)]
        if unknown or not own:  # a container's processes, say, under the numbers that they have outside
            self.refused.setdefault("foreign_processes", OTHER_NAMESPACE if unknown else NOT_LISTED)
        else:
            found["foreign_processes"] = len(computing - own)  # a desktop's windows on the card are no other work
        held = [listed[pid] for pid in own]
        if not own or None in held:
            absent = OTHER_NAMESPACE if unknown else NOT_LISTED
            self.refused.setdefault("process_memory_bytes", HIDDEN if own else absent)
        else:
            found["process_memory_bytes"] = sum(used for used in held if used is not None)
        return found


def _find(uuid: str) -> tuple[str, Any]:
    """Return the UUID as the driver spells it, and the driver's handle."""
    bare = uuid.removeprefix("GPU-").removeprefix("MIG-")
    *others, last = dict.fromkeys((uuid, f"GPU-{bare}", f"MIG-{bare}"))
    for spelled in others:
        try:
            return spelled, pynvml.nvmlDeviceGetHandleByUUID(spelled)
        except REFUSED as error:
            if getattr(error, "value", None) not in (pynvml.NVML_ERROR_NOT_FOUND, pynvml.NVML_ERROR_INVALID_ARGUMENT):
                raise
    return last, pynvml.nvmlDeviceGetHandleByUUID(last)


def _newer_or(older: str, newer: str, handle: Any, *arguments: Any) -> Any:
    """Return what the newer of two calls says; the older one's answer where driver or bindings have no newer."""
    if call := getattr(pynvml, newer, None):
        try:
            return call(handle, *arguments)
        except pynvml.NVMLError as error:
            if error.value != pynvml.NVML_ERROR_FUNCTION_NOT_FOUND:
                raise
    return getattr(pynvml, older)(handle, *arguments)


def _used_bytes(handle: Any) -> float:
    """Return the memory in use without what the driver keeps for itself, where the driver tells them apart."""
    try:
        return float(pynvml.nvmlDeviceGetMemoryInfo(handle, version=pynvml.nvmlMemory_v2).used)
    except pynvml.NVMLError as error:
        if error.value not in (pynvml.NVML_ERROR_FUNCTION_NOT_FOUND, pynvml.NVML_ERROR_ARGUMENT_VERSION_MISMATCH):
            raise
    return float(pynvml.nvmlDeviceGetMemoryInfo(handle).used)


def _listed(handle: Any) -> dict[int, float | None]:
    """Return process id -> bytes (None: hidden) of all processes on the GPU, for computing or for graphics."""
    return _bytes_by_pid([*pynvml.nvmlDeviceGetComputeRunningProcesses(handle), *_graphics(handle)])


def _graphics(handle: Any) -> list[Any]:
    try:
        return list(pynvml.nvmlDeviceGetGraphicsRunningProcesses(handle))
    except pynvml.NVMLError as error:
        if error.value != pynvml.NVML_ERROR_NOT_SUPPORTED:
            raise
        return []  # a card or an instance that only computes


def _bytes_by_pid(processes: Iterable[Any]) -> dict[int, float | None]:
    """Return process id -> bytes; a process on both lists is one process, with one memory."""
    found: dict[int, float | None] = {}
    for process in processes:
        known = [used for used in (found.get(process.pid), process.usedGpuMemory) if used is not None]
        found[process.pid] = max(known, default=None)
    return found


def _of_run(pid: int, root: int) -> bool:
    """Return whether a process is the run's first one, of its session, or below it."""
    try:
        return root in (pid, os.getsid(pid)) or any(parent.pid == root for parent in psutil.Process(pid).parents())
    except (OSError, psutil.Error):
        return False


READINGS: dict[str, Callable[[Any], float]] = {
    # the counter comes first: nothing slow lies between it and the moment noted
    "energy_joules": lambda handle: pynvml.nvmlDeviceGetTotalEnergyConsumption(handle) / 1e3,
    "power_watts": lambda handle: pynvml.nvmlDeviceGetPowerUsage(handle) / 1e3,
    "utilization": lambda handle: float(pynvml.nvmlDeviceGetUtilizationRates(handle).gpu),
    "memory_used_bytes": _used_bytes,
    "sm_clock_hertz": lambda handle: pynvml.nvmlDeviceGetClockInfo(handle, pynvml.NVML_CLOCK_SM) * 1e6,
    "memory_clock_hertz": lambda handle: pynvml.nvmlDeviceGetClockInfo(handle, pynvml.NVML_CLOCK_MEM) * 1e6,
    "temperature_celsius": lambda handle: float(
        _newer_or("nvmlDeviceGetTemperature", "nvmlDeviceGetTemperatureV", handle, pynvml.NVML_TEMPERATURE_GPU)
    ),
    "throttle_reasons": lambda handle: int(
        _newer_or("nvmlDeviceGetCurrentClocksThrottleReasons", "nvmlDeviceGetCurrentClocksEventReasons", handle)
    ),
}
"""Field of GpuSample -> how it is read (NVML API reference, Device Queries)."""
