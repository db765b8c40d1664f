"""Resident memory of processes."""

from __future__ import annotations

import sys
from pathlib import Path

import psutil


def peak_rss_bytes() -> int | None:
    """Return this process's largest resident memory since it started or `reset_peak_rss`, None where unknown.

    Read from VmHWM: `ru_maxrss` would survive fork and exec and report the parent's peak (FEASIBILITY F).
    """
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:
        return _peak_by_rusage()
    for line in status.splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return None


def reset_peak_rss() -> None:
    """Let `peak_rss_bytes` start anew from what is resident now.

    Only Linux can do so; elsewhere, and where the file is not writable, the peak stays that since the process started.
    """
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return


def _peak_by_rusage() -> int | None:
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def tree_rss_bytes(pid: int) -> tuple[int, int] | None:
    """Return (resident memory now, number of processes) of a process and its descendants; None once it is gone.

    Pages that processes share are counted once in each.
    """
    try:
        root = psutil.Process(pid)
        members = [root, *root.children(recursive=True)]
    except psutil.NoSuchProcess:
        return None
    total = 0
    for member in members:
        try:
            total += member.memory_info().rss
        except psutil.NoSuchProcess:
            continue
    return total, len(members)
