"""What a run ran on: machine class, numeric fingerprint, versions, settings. No host name, user name or path.

*Machine class* is what speed depends on; *numeric fingerprint* is what the bits depend on; the *version key* is what
exact counters depend on.
"""

from __future__ import annotations

import os
import platform
import re
import subprocess
from collections.abc import Callable
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

import psutil
import torch

from harness.seeds import read_flags

SETTINGS = (
    "MALLOC_ARENA_MAX",
    "MALLOC_MMAP_THRESHOLD_",
    "MALLOC_TOP_PAD_",
    "MALLOC_TRIM_THRESHOLD_",
    "OMP_NUM_THREADS",
    "OMP_WAIT_POLICY",
    "MKL_NUM_THREADS",
    "MKL_CBWR",
    "ATEN_CPU_CAPABILITY",
    "ONEDNN_MAX_CPU_ISA",
    "CUDA_VISIBLE_DEVICES",
    "PYTORCH_CUDA_ALLOC_CONF",
    "NVIDIA_TF32_OVERRIDE",
)
"""Environment variables that change a result; stored as they were."""


def machine_fields(device: torch.device) -> dict[str, str]:
    """Return the fields of the machine class."""
    return {
        "cpu": _cpu_model(),
        "cpu_count": str(os.cpu_count()),
        **_usable_cpus(),
        "memory_gib": str(round(psutil.virtual_memory().total / 2**30)),
        "system": platform.system(),
        "architecture": platform.machine(),
        **_gpu_fields(device),
    }


def numeric_fields(device: torch.device, precision: str, lane: str, mode: str) -> dict[str, str]:
    """Return the fields of the numeric fingerprint; flags as read back, so call it after setting them."""
    irrelevant = {"hash_seed", "interop_threads"}  # recorded, but no bit depends on them
    flags = {f"flag_{name}": value for name, value in read_flags().items() if name not in irrelevant}
    return {
        "torch": torch.__version__,
        "torch_cuda": str(torch.version.cuda),
        "cudnn": str(torch.backends.cudnn.version()) if device.type == "cuda" else "none",
        "mkl": _build_setting("Math Kernel Library Version"),
        "onednn": _build_setting("MKL-DNN"),
        "instruction_set": torch.backends.cpu.get_cpu_capability(),
        "instruction_limits": " ".join(
            f"{name}={os.environ[name]}"
            for name in ("ONEDNN_MAX_CPU_ISA", "MKL_ENABLE_INSTRUCTIONS", "MKL_CBWR")
            if name in os.environ
        ),
        "device_type": device.type,
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else _cpu_model(),
        "precision": precision,
        "lane": lane,
        "mode": mode,
        **flags,
    }


def version_key() -> str:
    """Return the Python and torch versions, by which exact counters are keyed."""
    major, minor, _ = platform.python_version_tuple()
    return f"python {major}.{minor} torch {torch.__version__.split('+')[0]}"


def describe(device: torch.device, precision: str, lane: str, mode: str) -> dict[str, str]:
    """Return everything that is stored about a run's surroundings, as key -> value."""
    described = {f"machine.{key}": value for key, value in machine_fields(device).items()}
    described |= {f"numeric.{key}": value for key, value in numeric_fields(device, precision, lane, mode).items()}
    described |= {f"flag.{key}": value for key, value in read_flags().items()}
    described |= {f"setting.{name}": os.environ[name] for name in SETTINGS if name in os.environ}
    described |= {f"version.{name}": version for name, version in installed().items()}
    if device.type == "cuda":
        described["version.gpu_driver"] = _from_driver(lambda nvml: nvml.nvmlSystemGetDriverVersion())
    described |= {"version.python": platform.python_version(), "version.kernel": platform.release()}
    return described


def group(described: dict[str, str], name: str) -> dict[str, str]:
    """Return the fields of one group ('machine', 'numeric', …) of what `describe` gave."""
    return {key.split(".", 1)[1]: value for key, value in described.items() if key.startswith(f"{name}.")}


def installed() -> dict[str, str]:
    """Return each installed distribution, its name as indexes spell it -> version; of two, the one that is imported."""
    found: dict[str, str] = {}
    for distribution in distributions():
        metadata = distribution.metadata
        if "Name" in metadata and "Version" in metadata:  # one that was half removed has neither
            found.setdefault(re.sub(r"[-_.]+", "-", metadata["Name"]).lower(), metadata["Version"])
    return dict(sorted(found.items()))


def _cpu_model() -> str:
    named = cpu_named_by_sysctl() if platform.system() == "Darwin" else cpu_named_in(_cpuinfo())
    return named or platform.processor() or platform.machine()


def _cpuinfo() -> str:
    try:
        return Path("/proc/cpuinfo").read_text()
    except OSError:
        return ""


def cpu_named_in(cpuinfo: str) -> str:
    """Return the CPU model that a Linux /proc/cpuinfo names; Arm gives two numbers and no name. '' where it has neither."""
    fields = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in cpuinfo.splitlines())}
    numbers = [f"{key} {fields[key]}" for key in ("CPU implementer", "CPU part") if key in fields]
    return fields.get("model name") or ", ".join(numbers)


def cpu_named_by_sysctl() -> str:
    """Return the CPU model that macOS names, '' where it does not."""
    command = ["sysctl", "-n", "machdep.cpu.brand_string"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    except OSError:
        return ""


def _usable_cpus() -> dict[str, str]:
    """Return how many CPUs this process may run on, where the system tells."""
    return {"cpus_usable": str(len(os.sched_getaffinity(0)))} if hasattr(os, "sched_getaffinity") else {}


def _gpu_fields(device: torch.device) -> dict[str, str]:
    if device.type != "cuda":
        return {"gpu": "none"}
    properties = torch.cuda.get_device_properties(device)
    return {
        "gpu": properties.name,
        "gpu_memory_gib": str(round(properties.total_memory / 2**30)),
        "gpu_power_limit_watts": _from_driver(
            lambda nvml: round(nvml.nvmlDeviceGetEnforcedPowerLimit(nvml.nvmlDeviceGetHandleByUUID(gpu_uuid(device))) / 1000)
        ),
    }


def gpu_uuid(device: torch.device) -> str:
    """Return a CUDA device's UUID as NVML spells it; indices differ between the two, UUIDs do not."""
    uuid = str(torch.cuda.get_device_properties(device).uuid)
    return uuid if uuid.startswith(("GPU-", "MIG-")) else f"GPU-{uuid}"


def _from_driver(read: Callable[[Any], object]) -> str:
    """Return what `read` gets from NVML, or why it could not."""
    import pynvml

    try:
        pynvml.nvmlInit()
        try:
            return str(read(pynvml))
        finally:
            pynvml.nvmlShutdown()
    except pynvml.NVMLError as error:
        return f"unknown ({error})"


def _build_setting(name: str) -> str:
    """Return what torch's build configuration says of a library, such as its version."""
    for line in torch.__config__.show().splitlines():
        if name in line:
            return line.strip(" -").split("for Intel")[0].strip()
    return "none"
