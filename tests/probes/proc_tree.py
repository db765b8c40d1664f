"""Writes the files of /proc and /sys that a probe reads, with what a test wants them to tell."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

CPU_COLUMNS = ("user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal", "guest", "guest_nice")


def write(root: Path, path: str, text: str) -> None:
    """Write one file of the system."""
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def write_cpus(root: Path, *cpus: dict[str, int]) -> None:
    """Write /proc/stat: the ticks of each CPU by column, those not named 0; the line of their sum comes first, as it does."""
    rows = [[cpu.get(name, 0) for name in CPU_COLUMNS] for cpu in cpus]
    total = [sum(column) for column in zip(*rows, strict=True)]
    lines = [f"cpu  {' '.join(map(str, total))}"]
    lines += [f"cpu{number} {' '.join(map(str, row))}" for number, row in enumerate(rows)]
    write(root, "proc/stat", "\n".join([*lines, "intr 1234 0 0", "ctxt 99", "btime 1700000000", "softirq 1 2 3"]) + "\n")


def write_process(
    root: Path,
    pid: int,
    ticks: int = 0,
    reaped: int = 0,
    parent: int = 1,
    session: int = 1,
    name: str = "python",
    allowed: str = "0-1",
) -> None:
    """Write a process: a third of its ticks were spent in the system."""
    system, reaped_system = ticks // 3, reaped // 3
    times: Sequence[int] = (ticks - system, system, reaped - reaped_system, reaped_system)
    head = f"{pid} ({name}) S {parent} {pid} {session} 0 -1 4194304 10 20 30 40"
    write(root, f"proc/{pid}/stat", f"{head} {' '.join(map(str, times))} 20 0 1 0 12345 0 0\n")
    write(root, f"proc/{pid}/status", f"Name:\t{name}\nCpus_allowed:\t3\nCpus_allowed_list:\t{allowed}\n")
