"""Resident memory of processes."""

from __future__ import annotations

import os
import sys

import psutil


def rss_bytes() -> int:
    """Return this process's resident memory now."""
    return int(psutil.Process().memory_info().rss)


def peak_rss_bytes() -> int | None:
    """Return this process's largest resident memory since it started or `reset_peak_rss`, None where unknown.

    Read from VmHWM: `ru_maxrss` would survive fork and exec and report the parent's peak (FEASIBILITY F).
    """
    try:
        status = _read(b"/proc/self/status")
    except OSError:
        return _peak_by_rusage()
    _, found, rest = status.partition(b"VmHWM:")
    return int(rest.split(maxsplit=1)[0]) * 1024 if found else None


def reset_peak_rss() -> None:
    """Let `peak_rss_bytes` start anew from what is resident now.

    Only Linux can do so; elsewhere, and where the file is not writable, the peak stays that since the process started.
    """
    try:
        file = os.open(b"/proc/self/clear_refs", os.O_WRONLY)
    except OSError:
        return
    try:
        os.write(file, b"5")
    except OSError:
        return
    finally:
        os.close(file)


def _read(path: bytes) -> bytes:
    """Return a file of at most 64 KiB. Bare system calls: this is read in the training loop, at the end of each epoch."""
    file = os.open(path, os.O_RDONLY)
    try:
        return os.read(file, 1 << 16)
    finally:
        os.close(file)


def _peak_by_rusage() -> int | None:
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def tree_memory_bytes(pid: int, without: int | None = None) -> tuple[int, int] | None:
    """Return (memory in use now, number of processes) of a process and its descendants; None once it is gone.

    `without` is a descendant that is left out, with its own.

    Resident memory for a process alone. Of several, each counts its proportional share of the pages that it shares
    (PSS), where the system tells it: loader workers forked over one data set hold it once, not once each.
    """
    try:
        root = psutil.Process(pid)
        members = [root, *root.children(recursive=True)]
        if without is not None:
            apart = [psutil.Process(without), *psutil.Process(without).children(recursive=True)]
            members = [member for member in members if member not in apart]
    except psutil.NoSuchProcess:
        return None
    total = 0
    for member in members:
        try:
            total += member.memory_info().rss if len(members) == 1 else _share_bytes(member)
        except psutil.NoSuchProcess:
            continue
    return total, len(members)


def _share_bytes(process: psutil.Process) -> int:
    try:
        full = process.memory_full_info()
    except psutil.AccessDenied:
        return int(process.memory_info().rss)
    return int(getattr(full, "pss", full.rss))
