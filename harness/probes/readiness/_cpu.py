"""CPUs: who else uses them, how fast they are, how many there are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import floor

from harness.observations import contended
from harness.probes.host import (
    Process,
    cpu_list,
    family,
    foreign_cpus,
    read_frequency,
    read_load,
    read_processes,
    stolen_share,
    take_reading,
    usable_cpus,
)
from harness.probes.readiness._finding import Finding, Status, Surroundings
from harness.units import show

LOOK_SECONDS = 1.0
"""How long the CPUs are watched."""
NAMED = 3
"""Processes that are named as busy."""
NAMED_CPUS = 0.01
"""CPUs under which a process is not busy."""
SOME_CPUS = 0.25
"""CPUs busy with others from which a lone thread is disturbed by what they share: cache, memory, power."""
SOME_STOLEN = 0.01
"""Share of the CPUs' time from which steal shows in a median of steps."""
UNKNOWN = "this system does not tell"
NO_PROC = "measure under Linux, or see to it yourself that nothing else runs"


def look_at_load(here: Surroundings) -> Iterator[Finding]:
    """Watch for a second which processes are busy, and how much time the hypervisor gives to other machines."""
    before, processes = take_reading(here.pid, here.root, here.clock()), read_processes(here.root)
    here.pause(LOOK_SECONDS)
    now, later = take_reading(here.pid, here.root, here.clock()), read_processes(here.root)
    foreign, stolen = foreign_cpus(before, now), stolen_share(before, now)
    busiest = _busiest(processes, later, family(here.pid, later), now.monotonic - before.monotonic)
    yield _load_finding(here, foreign, busiest)
    yield _steal_finding(stolen)


def _busiest(before: Mapping[int, Process], now: Mapping[int, Process], own: set[int], seconds: float) -> str:
    """Return the names of the busiest processes outside `own` and how many CPUs each took."""
    used = {
        pid: (process.seconds - before[pid].seconds) / seconds
        for pid, process in now.items()
        if pid in before and pid not in own
    }
    busy = sorted((pid for pid in used if used[pid] >= NAMED_CPUS), key=lambda pid: -used[pid])
    return ", ".join(f"{now[pid].name} ({used[pid]:.2f})" for pid in busy[:NAMED])


def _load_finding(here: Surroundings, foreign: float | None, busiest: str) -> Finding:
    topic, why = "load", "what runs beside a measurement takes CPU time, cache and memory from it"
    if foreign is None:
        return Finding("warn", topic, UNKNOWN, why, NO_PROC)
    usable, load = _allowed(here), read_load(here.root)
    crowded = contended(None, foreign, here.threads, usable)
    status: Status = "bad" if crowded else "warn" if foreign > SOME_CPUS else "ok"
    of = "" if usable is None else f" of {usable}"
    mean = "" if load is None else f", load {load:.2f} over the last minute"
    names = f"; busy: {busiest}" if busiest else ""
    found = f"{foreign:.2f}{of} CPUs are busy with other work{mean}{names}"
    advice = "end or suspend it, or wait until it has ended; put the harness on CPUs of its own with taskset"
    return Finding(status, topic, found, why, "" if status == "ok" else advice)


def _steal_finding(stolen: float | None) -> Finding:
    topic, why = "steal", "time that the hypervisor gives to other machines makes steps longer that did no more work"
    if stolen is None:
        return Finding("warn", topic, UNKNOWN, why, NO_PROC)
    status: Status = "bad" if contended(stolen, None, None, None) else "warn" if stolen > SOME_STOLEN else "ok"
    advice = "measure at another time, or on a machine with CPUs of its own (dedicated or bare metal)"
    return Finding(status, topic, f"{stolen:.1%} of the CPUs' time was stolen", why, "" if status == "ok" else advice)


def look_at_frequency(here: Surroundings) -> Iterator[Finding]:
    """Compare the CPUs' frequency with their highest, and see what governs it."""
    topic, why = "frequency", "a CPU whose frequency moves does the same work in other times"
    hertz, highest = read_frequency(here.root), here.read("sys/devices/system/cpu/cpu0/cpufreq/cpuinfo_max_freq")
    now = "unknown" if hertz is None else show(hertz, "Hz")
    governors = _governors(here)
    if not governors:
        found = f"{now}; the kernel does not govern it here (in a virtual machine the host does)"
        yield Finding("warn", topic, found, why, "compare only runs of one machine, taken close together")
        return
    most = f" of {show(float(highest) * 1e3, 'Hz')} at most" if highest else ""
    turbo = {True: ", turbo on", False: ", turbo off", None: ""}[_turbo(here)]
    advice = [] if governors == {"performance"} else ["cpupower frequency-set -g performance"]
    if _turbo(here):
        advice.append("switch turbo off: with it the frequency depends on temperature and on the other cores")
    found = f"{now}{most}, governor {', '.join(sorted(governors))}{turbo}"
    yield Finding("warn" if advice else "ok", topic, found, why, "; ".join(advice))


def _governors(here: Surroundings) -> set[str]:
    files = here.root.glob("sys/devices/system/cpu/cpu[0-9]*/cpufreq/scaling_governor")
    return {file.read_text().strip() for file in files}


def _turbo(here: Surroundings) -> bool | None:
    """Return whether CPUs may run above their nominal frequency (kernel documentation: admin-guide/pm), None if unknown."""
    if off := here.read("sys/devices/system/cpu/intel_pstate/no_turbo"):
        return off == "0"
    boost = here.read("sys/devices/system/cpu/cpufreq/boost")
    return boost == "1" if boost else None


def look_at_threads(here: Surroundings) -> Iterator[Finding]:
    """Compare the threads of a run with the CPUs that it may use."""
    topic, why = "threads", "threads that share a CPU wait for one another at each parallel loop's end"
    usable, cores = _usable(here), _cores(here)
    if usable is None:
        yield Finding("warn", topic, UNKNOWN, why, f"run no more threads than there are cores; asked for: {here.threads}")
        return
    siblings = f" on {cores} cores, two or more to a core (SMT)" if cores < usable else ""
    found = f"{_count(here.threads, 'thread')} a run, {_count(usable, 'usable CPU')}{siblings}"
    if (quota := _quota(here)) is not None and quota < 1:
        pauses = "a thread that has used up the quota is stopped until the next period"
        yield Finding("bad", topic, f"{found}, of whose time {quota:.0%} may be used", pauses, "give the container a whole CPU")
    elif here.threads > usable:
        yield Finding("bad", topic, found, why, f"use --threads {usable} or fewer")
    elif here.threads > cores:
        yield Finding("warn", topic, found, why, f"use --threads {cores} or fewer, so that each has a core of its own")
    else:
        yield Finding("ok", topic, found, why)


def _allowed(here: Surroundings) -> int | None:
    """Return how many CPUs this process may run on, which it shares with others whatever its quota is."""
    return len(usable_cpus(here.pid, here.root)) or None


def _usable(here: Surroundings) -> int | None:
    """Return how many CPUs this process may keep busy: those of its mask, or fewer if its control group has a quota."""
    count, quota = _allowed(here), _quota(here)
    return count if count is None or quota is None else max(min(count, floor(quota)), 1)


def _quota(here: Surroundings) -> float | None:
    """Return how many CPUs' time the control group (version 2) may take; None without a limit."""
    quota, _, period = here.read("sys/fs/cgroup/cpu.max").partition(" ")
    return int(quota) / int(period) if quota.isdigit() and period.isdigit() else None


def _cores(here: Surroundings) -> int:
    """Return how many physical cores the usable CPUs are of; each CPU is its own where the kernel does not tell."""
    topology = "sys/devices/system/cpu/cpu{}/topology/thread_siblings_list"
    usable = usable_cpus(here.pid, here.root)
    return len({frozenset(cpu_list(here.read(topology.format(cpu))) or {cpu}) for cpu in usable})


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"
