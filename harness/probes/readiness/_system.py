"""Memory, and the software that runs stand on."""

from __future__ import annotations

import ast
import os
import platform
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from harness.probes.compiler import cpp_compiler
from harness.probes.readiness._finding import Finding, Status, Surroundings
from harness.units import show

LITTLE_MEMORY, LEAST_MEMORY = 2 * 2**30, 2**29
SOME_SWAP = 2**26
"""Bytes in swap that are no leftover of long ago."""
CAPABILITIES = {
    "AVX512": {"avx512f", "avx512bw", "avx512dq", "avx512vl"},
    "AVX2": {"avx2", "fma"},
}
"""Name of torch's kernels -> flags of the CPU that they need (ATen/cpu: cpuinfo's checks), best first."""
OTHER_ALLOCATORS = ("jemalloc", "tcmalloc", "mimalloc")


def look_at_memory(here: Surroundings) -> Iterator[Finding]:
    """See how much memory is free, and whether the system has swapped."""
    topic, why = "memory", "a run that does not fit is killed, and pages that come back from disk stop a step for milliseconds"
    size = {name: number * 1024 for name, number in _numbers(here, "proc/meminfo").items()}
    if "MemAvailable" not in size:
        yield Finding("warn", topic, "this system does not tell", why, "see to it yourself that memory is free")
        return
    free, most = min([(size["MemAvailable"], size["MemTotal"]), *_of_group(here)])
    swapped = size.get("SwapTotal", 0) - size.get("SwapFree", 0)
    status: Status = "bad" if free < LEAST_MEMORY else "warn" if free < LITTLE_MEMORY or swapped > SOME_SWAP else "ok"
    found = f"{show(free, 'By')} of {show(most, 'By')} free, {show(swapped, 'By')} in swap"
    yield Finding(status, topic, found, why, "" if status == "ok" else "end what fills the memory; then swapoff -a, swapon -a")


def _of_group(here: Surroundings) -> list[tuple[int, int]]:
    """Return (bytes free, bytes at most) of the control group (version 2), as a container's; nothing where it has no limit.

    What it holds of files that were not read lately is free: the kernel takes it back before it kills.
    """
    limit, used = here.read("sys/fs/cgroup/memory.max"), here.read("sys/fs/cgroup/memory.current")
    if not limit.isdigit() or not used.isdigit():
        return []
    cached = _numbers(here, "sys/fs/cgroup/memory.stat").get("inactive_file", 0)
    return [(max(int(limit) - int(used) + cached, 0), int(limit))]


def _numbers(here: Surroundings, path: str) -> dict[str, int]:
    """Return a system file's lines of a name and a number."""
    lines = (line.split() for line in here.read(path).splitlines())
    return {words[0].rstrip(":"): int(words[1]) for words in lines if len(words) > 1}


def look_at_torch(here: Surroundings) -> Iterator[Finding]:
    """See which torch is installed, for which devices, and which of its CPU kernels this machine takes."""
    topic, why = "torch", "the build and the kernels decide speed and bits"
    build = torch_build()
    if build is None:
        yield Finding("bad", topic, "not installed", "models run on it", "pip install torch", stops=True)
        return
    device = f"CUDA {build['cuda']}" if build.get("cuda") else f"ROCm {build['hip']}" if build.get("hip") else "CPU only"
    kernels, limit = _kernels(here), os.environ.get("ATEN_CPU_CAPABILITY")
    limited = f", ATEN_CPU_CAPABILITY={limit} is set" if limit else ""
    found = f"torch {build.get('__version__', 'of an unknown version')}, {device}; the CPU offers {kernels}{limited}"
    advice = "unset ATEN_CPU_CAPABILITY, unless the limit is meant" if limit else ""
    yield Finding("warn" if limit else "ok", topic, found, why, advice)


def torch_build() -> dict[str, object] | None:
    """Return what torch's version module tells (`__version__`, `cuda`, `hip`); None where torch is not installed."""
    spec = find_spec("torch")
    if spec is None or not spec.submodule_search_locations:
        return None
    return _assigned(Path(spec.submodule_search_locations[0]) / "version.py")


def _assigned(file: Path) -> dict[str, object]:
    """Return the literals that a module's lines assign to names; running torch itself would take seconds."""
    found: dict[str, object] = {}
    for node in ast.parse(file.read_text()).body:
        target = node.targets[0] if isinstance(node, ast.Assign) else node.target if isinstance(node, ast.AnnAssign) else None
        value = getattr(node, "value", None)
        if isinstance(target, ast.Name) and isinstance(value, ast.Constant):
            found[target.id] = value.value
    return found


def _kernels(here: Surroundings) -> str:
    flags = {flag for line in here.read("proc/cpuinfo").splitlines() if line.startswith("flags") for flag in line.split()}
    return next((name for name, needed in CAPABILITIES.items() if needed <= flags), platform.machine() or "plain kernels")


def look_at_allocator(here: Surroundings) -> Iterator[Finding]:
    """See whether the allocator is the one that the harness's settings are for."""
    topic, why = "allocator", "left alone, glibc's adaptive threshold makes equal processes differ by a quarter"
    name, version = platform.libc_ver()
    preloaded = os.environ.get("LD_PRELOAD", "")
    other = next((allocator for allocator in OTHER_ALLOCATORS if allocator in preloaded), "")
    if other:
        found = f"{other} by LD_PRELOAD: the harness's settings do not act"
        yield Finding("warn", topic, found, why, "unset LD_PRELOAD, or set it always")
    elif name != "glibc":
        found = f"{name or 'a C library of unknown name'}: the harness's settings do not act"
        yield Finding("warn", topic, found, why, "repeat runs more often; use a system with glibc for timing")
    else:
        yield Finding("ok", topic, f"glibc {version}: the harness's settings act", why)


def look_at_peaks(here: Surroundings) -> Iterator[Finding]:
    """See whether a process can let its memory peak start anew (proc(5): clear_refs)."""
    topic, why = "memory peaks", "a peak that cannot be reset holds what came before the training too"
    try:
        with (here.root / "proc/self/clear_refs").open("r+") as file:
            file.write("5")
    except OSError as error:
        found = f"/proc/self/clear_refs cannot be written: {error.strerror}"
        yield Finding("warn", topic, found, why, "measure under Linux, outside a sandbox that guards /proc")
    else:
        yield Finding("ok", topic, "can be reset", why)


def look_at_compiler(here: Surroundings) -> Iterator[Finding]:
    """See whether there is the C++ compiler that torch.compile needs on a CPU."""
    topic, why = "compiler", "torch.compile builds its CPU kernels with it"
    name, there = cpp_compiler()
    if there:
        yield Finding("ok", topic, Path(name).name, why)
    else:
        advice = "install one (Debian, Ubuntu: apt install g++), or name yours in CXX; or run no case that is compiled"
        yield Finding("warn", topic, f"{name!r} is not on PATH", why, advice)
