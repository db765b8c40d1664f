"""How busy the machine is, and who keeps it busy: read by the supervisor while a run goes on.

Linux tells it in /proc (proc(5)); elsewhere the readings are None. Only the CPUs that the run may use are looked at: on a
machine shared by containers the others are busy with what does not concern it.
"""

from __future__ import annotations

import os
import resource
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

from harness.observations import HostSample

PERIOD_SECONDS = 1.0
"""Time between two readings: a hundred of the kernel's ticks, so that a tick more or less is a hundredth of a CPU."""
SOURCES = {
    "load": "/proc/loadavg",
    "stolen": "/proc/stat",
    "foreign_cpus": "/proc/stat",
    "frequency_hertz": "/proc/cpuinfo",
}
"""Reading of a HostSample -> the file that tells it."""
SHARES = ("stolen", "foreign_cpus")
"""Readings that are of the time since the reading before."""


def involuntary_switches() -> int:
    """Return how often the system has taken the CPU away from this process's threads so far (getrusage(2): ru_nivcsw)."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_nivcsw


@dataclass(frozen=True)
class CpuTime:
    """Seconds that CPUs have spent since the system started."""

    busy: float = 0.0
    """Running the processes and interrupts of this system; what its guests ran is in it once."""
    stolen: float = 0.0
    total: float = 0.0

    def __add__(self, other: CpuTime) -> CpuTime:
        return CpuTime(self.busy + other.busy, self.stolen + other.stolen, self.total + other.total)


@dataclass(frozen=True)
class Process:
    """One process of the system."""

    name: str
    parent: int
    session: int
    seconds: float
    """CPU time of its own."""
    reaped_seconds: float
    """CPU time of its descendants that have ended and were waited for."""


@dataclass(frozen=True)
class Reading:
    """CPU time used up to one moment."""

    monotonic: float
    cpus: CpuTime | None
    """Of the CPUs that the watched process may use."""
    tree_seconds: float | None
    """CPU time of the watched process and its descendants, ended ones included; None once it is gone."""


class HostWatch:
    """Reads the machine beside one process: once when made, and then whenever `look` finds a period over.

    The first sample is that of the run's start; it has no shares.

    Args:
        pid: the run's process.
        root: where the system's /proc and /sys are.
        clock: monotonic seconds.
    """

    def __init__(self, pid: int, root: Path = Path("/"), clock: Callable[[], float] = time.monotonic) -> None:
        self.samples: list[HostSample] = []
        self._pid, self._root, self._clock = pid, root, clock
        self._before = take_reading(pid, root, clock())
        self._add(self._before.monotonic, None, None)

    def look(self) -> None:
        """Take a sample if the last one is a period old."""
        if self._clock() - self._before.monotonic < PERIOD_SECONDS:
            return
        now = take_reading(self._pid, self._root, self._clock())
        self._add(now.monotonic, stolen_share(self._before, now), foreign_cpus(self._before, now))
        self._before = now

    @property
    def nulls(self) -> dict[str, str]:
        """'host.<reading>' -> why no sample has it."""
        missing = [name for name in SOURCES if all(getattr(sample, name) is None for sample in self.samples)]
        return {f"host.{name}": self._why(name) for name in missing}

    def _why(self, name: str) -> str:
        if name in SHARES and len(self.samples) == 1 and self._before.cpus is not None:
            return "too_short"
        return f"unsupported: {SOURCES[name]} does not tell"

    def _add(self, monotonic: float, stolen: float | None, foreign: float | None) -> None:
        self.samples.append(HostSample(monotonic, read_load(self._root), stolen, foreign, read_frequency(self._root)))


def take_reading(pid: int, root: Path, monotonic: float) -> Reading:
    """Return the CPU time used by the machine and by a process's tree up to now."""
    found = read_cpu_times(root)
    usable = usable_cpus(pid, root) & found.keys() or found.keys()
    cpus = sum((found[cpu] for cpu in usable), CpuTime()) if found else None
    return Reading(monotonic, cpus, tree_seconds(pid, read_processes(root)))


def stolen_share(before: Reading, now: Reading) -> float | None:
    """Return the share of the CPUs' time that the hypervisor gave to others, 0 to 1; None where ticks are not counted."""
    if before.cpus is None or now.cpus is None or now.cpus.total <= before.cpus.total:
        return None
    return max(now.cpus.stolen - before.cpus.stolen, 0.0) / (now.cpus.total - before.cpus.total)


def foreign_cpus(before: Reading, now: Reading) -> float | None:
    """Return how many of the CPUs were kept busy by processes outside the tree; never less than 0."""
    if before.cpus is None or now.cpus is None or now.cpus.total <= before.cpus.total:
        return None
    if before.tree_seconds is None or now.tree_seconds is None:
        return None
    # A descendant that ended unseen by the tree takes its time with it.
    own = max(now.tree_seconds - before.tree_seconds, 0.0)
    return max(now.cpus.busy - before.cpus.busy - own, 0.0) / (now.monotonic - before.monotonic)


def read_load(root: Path) -> float | None:
    """Return the system's mean number of processes that run or want to over the last minute."""
    words = _text(root / "proc/loadavg").split()
    return float(words[0]) if words else None


def read_frequency(root: Path) -> float | None:
    """Return the mean frequency of the CPUs in hertz, as the kernel tells it; a virtual machine's is the nominal one."""
    lines = _text(root / "proc/cpuinfo").splitlines()
    hertz = [float(line.partition(":")[2]) * 1e6 for line in lines if line.startswith("cpu MHz")]
    if not hertz:  # Arm has no such line
        files = root.glob("sys/devices/system/cpu/cpu[0-9]*/cpufreq/scaling_cur_freq")
        hertz = [float(text) * 1e3 for file in files if (text := _text(file))]
    return fmean(hertz) if hertz and min(hertz) > 0 else None


def read_cpu_times(root: Path) -> dict[int, CpuTime]:
    """Return the time of each CPU; none where the system does not tell.

    Columns (proc(5)): user nice system idle iowait irq softirq steal guest guest_nice. The kernel has guest in user and
    guest_nice in nice already; the last columns may be missing on old kernels.
    """
    found: dict[int, CpuTime] = {}
    for line in _text(root / "proc/stat").splitlines():
        name, *columns = line.split()
        if name.startswith("cpu") and name != "cpu":
            user, nice, system, idle, iowait, irq, softirq, stolen, *_ = map(int, [*columns, *"0000"])
            busy = user + nice + system + irq + softirq
            ticks = (busy, stolen, busy + idle + iowait + stolen)
            found[int(name.removeprefix("cpu"))] = CpuTime(*(count / _ticks_per_second() for count in ticks))
    return found


def read_processes(root: Path) -> dict[int, Process]:
    """Return the processes that there are now, by id."""
    return dict(_each_process(root))


def _each_process(root: Path) -> Iterator[tuple[int, Process]]:
    for file in root.glob("proc/[0-9]*/stat"):
        # a name may hold spaces and parentheses; the last one closes it
        head, _, tail = _text(file).rpartition(")")
        if not tail:
            continue  # it has ended since
        words = tail.split()
        user, system, reaped_user, reaped_system = map(int, words[11:15])
        seconds, reaped = ((user + system) / _ticks_per_second(), (reaped_user + reaped_system) / _ticks_per_second())
        yield int(file.parent.name), Process(head.partition("(")[2], int(words[1]), int(words[3]), seconds, reaped)


def tree_seconds(pid: int, processes: dict[int, Process]) -> float | None:
    """Return the CPU time of a process, its session and its descendants, those that were waited for included."""
    if pid not in processes:
        return None
    members = family(pid, processes)
    return sum(processes[member].seconds + processes[member].reaped_seconds for member in members)


def family(pid: int, processes: dict[int, Process]) -> set[int]:
    """Return a process, its descendants, and what is left in the session that it leads of descendants whose parent ended."""
    children: dict[int, list[int]] = {}
    for child, process in processes.items():
        children.setdefault(process.parent, []).append(child)
    waiting = [pid, *(other for other, process in processes.items() if process.session == pid)]
    members: set[int] = set()
    while waiting:
        member = waiting.pop()
        if member not in members:
            members.add(member)
            waiting += children.get(member, [])
    return members


def usable_cpus(pid: int | str, root: Path) -> set[int]:
    """Return the numbers of the CPUs that a process may run on; none where the system does not tell."""
    for line in _text(root / f"proc/{pid}/status").splitlines():
        if line.startswith("Cpus_allowed_list:"):
            return cpu_list(line.partition(":")[2])
    return set()


def cpu_list(text: str) -> set[int]:
    """Return the numbers in the kernel's list form: '0-2,8' is 0, 1, 2 and 8."""
    found: set[int] = set()
    for part in text.strip().split(","):
        first, _, last = part.partition("-")
        if first:
            found |= set(range(int(first), int(last or first) + 1))
    return found


def _ticks_per_second() -> int:
    return os.sysconf("SC_CLK_TCK")


def _text(file: Path) -> str:
    """Return a file's text, '' where it is not there, may not be read, or its process has ended."""
    try:
        return file.read_text(errors="replace")
    except OSError:
        return ""
