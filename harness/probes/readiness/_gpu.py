"""NVIDIA GPUs, as the driver library tells of them; no torch and no context on any device."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeVar

import pynvml

from harness.observations import THROTTLES
from harness.probes._nvml_read import READINGS, REFUSED
from harness.probes.readiness._finding import Finding, Surroundings
from harness.probes.readiness._system import torch_build
from harness.units import show

Told = TypeVar("Told")

BUSY_PERCENT = 5


def look_at_gpus(here: Surroundings) -> Iterator[Finding]:
    """See which GPUs there are, who uses them, and what holds their clocks down."""
    why = "GPU readings come from it"
    try:
        pynvml.nvmlInit()
    except REFUSED as error:
        yield Finding("ok", "GPU driver", f"none ({error}): runs use the CPU", why)
        return
    try:
        count = pynvml.nvmlDeviceGetCount()
        version = _told(pynvml.nvmlSystemGetDriverVersion)
        yield Finding("ok", "GPU driver", f"NVIDIA driver {version or 'of unknown version'}, GPUs: {count}", why)
        if count and (build := torch_build()) is not None and not build.get("cuda"):
            found = "torch is not built for CUDA: runs leave the GPUs alone"
            advice = "install a build of torch for CUDA, if runs are to use them"
            yield Finding("warn", "GPU torch", found, "models run on it", advice)
        for index in range(count):
            yield from _look_at(f"GPU {index}", pynvml.nvmlDeviceGetHandleByIndex(index))
    except REFUSED as error:
        advice = "nvidia-smi says more; a driver update without a restart does this"
        yield Finding("bad", "GPU driver", f"the driver library answers with: {error}", why, advice)
    finally:
        pynvml.nvmlShutdown()


def _told(read: Callable[[], Told]) -> Told | None:
    """Return what the driver tells, None where it refuses."""
    try:
        return read()
    except REFUSED:
        return None


def _look_at(topic: str, handle: object) -> Iterator[Finding]:
    name, uuid = _told(lambda: pynvml.nvmlDeviceGetName(handle)), _told(lambda: pynvml.nvmlDeviceGetUUID(handle))
    yield Finding("ok", topic, f"{name or 'of unknown name'}, {uuid or 'of unknown UUID'}", "runs name it by its UUID")
    yield _users(topic, handle)
    yield _clocks(topic, handle)
    yield from _modes(topic, handle)


def _users(topic: str, handle: object) -> Finding:
    """Return who uses a GPU: before a run nobody should."""
    why = "others' kernels take turns with the run's, and their memory is not there for it"
    busy = _told(lambda: READINGS["utilization"](handle))
    held = _told(lambda: len(pynvml.nvmlDeviceGetComputeRunningProcesses(handle)))
    used = "utilisation unknown" if busy is None else f"{busy:.0f} % busy"
    count = "processes unknown" if held is None else f"{held} process{'es' if held != 1 else ''}"
    advice = "end them (nvidia-smi lists them), or choose another GPU with --device"
    if (busy or 0) > BUSY_PERCENT:
        return Finding("bad", f"{topic} users", f"{count}, {used}", why, advice)
    return Finding("warn" if held else "ok", f"{topic} users", f"{count}, {used}", why, advice if held else "")


def _clocks(topic: str, handle: object) -> Finding:
    """Return a GPU's clock and what holds it down now."""
    why = "a GPU that is hot or short of power runs slower"
    now = _told(lambda: READINGS["sm_clock_hertz"](handle))
    most = _told(lambda: float(pynvml.nvmlDeviceGetMaxClockInfo(handle, pynvml.NVML_CLOCK_SM)) * 1e6)
    mask = _told(lambda: int(READINGS["throttle_reasons"](handle)))
    reasons = [reason for bit, reason in THROTTLES.items() if mask is not None and mask & bit]
    held = f"; held down by {', '.join(reasons)}" if reasons else "; whether it is held down is unknown" if mask is None else ""
    found = f"SM clock {_hertz(now)} of {_hertz(most)} at most{held}"
    advice = "let it cool, see to its air and its power limit; wait until others are done" if reasons else ""
    return Finding("warn" if reasons else "ok", f"{topic} clocks", found, why, advice)


def _hertz(value: float | None) -> str:
    return "unknown" if value is None else show(value, "Hz")


def _modes(topic: str, handle: object) -> Iterator[Finding]:
    """Yield the persistence mode and the MIG mode, where the driver tells them."""
    kept = _told(lambda: bool(pynvml.nvmlDeviceGetPersistenceMode(handle)))
    if kept is not None:
        why = "without it the driver lets go of an idle GPU, and each run pays for waking it"
        advice = "" if kept else "nvidia-smi -pm 1, or the nvidia-persistenced service"
        found = "on" if kept else "off"
        yield Finding("ok" if kept else "warn", f"{topic} persistence", found, why, advice)
    split = _told(lambda: bool(pynvml.nvmlDeviceGetMigMode(handle)[0]))
    if split is not None:
        why = "of a part of a GPU the driver tells no utilisation, and its power is that of the whole"
        advice = "nvidia-smi -mig 0, if the GPU is yours alone" if split else ""
        yield Finding("warn" if split else "ok", f"{topic} MIG", "on" if split else "off", why, advice)
