"""What the host watch reads: of systems that the tests write, and of this one with a CPU hog planted in it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from harness.observations import HostSample, Observations, contended
from harness.probes.host import (
    HostWatch,
    cpu_list,
    read_cpu_times,
    read_frequency,
    read_load,
    read_processes,
    tree_seconds,
)
from tests.probes.proc_tree import write, write_cpus, write_process

HERTZ = os.sysconf("SC_CLK_TCK")
RUN = 4242


class Clock:
    """Monotonic seconds that a test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def watch(root: Path, clock: Clock) -> HostWatch:
    """A watch of process RUN of a system that the test wrote."""
    return HostWatch(RUN, root, clock)


def second_sample(root: Path, seconds: float, *cpus: dict[str, int]) -> HostSample:
    """What is seen of a run that did nothing, `seconds` after all CPUs stood at zero."""
    clock = Clock()
    write_cpus(root, *({} for _ in cpus))
    write_process(root, RUN)
    watched = watch(root, clock)
    write_cpus(root, *cpus)
    clock.now += seconds
    watched.look()
    return watched.samples[-1]


def test_the_time_of_others_is_what_is_busy_beyond_the_run(tmp_path: Path) -> None:
    """In 4 s two CPUs were busy for 6 s, of which the run had 1.5 s, its child 0.5 s and a reaped child 0.4 s: 0.9 CPUs."""
    clock = Clock()
    write_cpus(tmp_path, {"user": 100, "idle": 300}, {"system": 70, "idle": 330})
    write_process(tmp_path, RUN, ticks=30, session=RUN)
    write_process(tmp_path, 4243, ticks=10, parent=RUN, session=RUN)
    watched = watch(tmp_path, clock)
    busy = [{"user": 100 + 2 * HERTZ, "irq": HERTZ, "idle": 300}, {"system": 70 + 2 * HERTZ, "softirq": HERTZ, "idle": 400}]
    write_cpus(tmp_path, *busy)
    write_process(tmp_path, RUN, ticks=30 + 3 * HERTZ // 2, reaped=2 * HERTZ // 5, session=RUN)
    write_process(tmp_path, 4243, ticks=10 + HERTZ // 2, parent=RUN, session=RUN)
    clock.now += 4

    watched.look()

    assert watched.samples[-1].foreign_cpus == pytest.approx((6 - 1.5 - 0.5 - 0.4) / 4)


def test_what_a_child_used_stays_the_runs_when_it_has_ended(tmp_path: Path) -> None:
    """A child's time moves to its parent when that waits for it: the tree's time is the same before and after."""
    write_process(tmp_path, RUN, ticks=50)
    write_process(tmp_path, 4243, ticks=200, reaped=30, parent=RUN)
    before = tree_seconds(RUN, read_processes(tmp_path))
    for file in (tmp_path / "proc/4243").iterdir():
        file.unlink()
    write_process(tmp_path, RUN, ticks=50, reaped=230)

    assert before == tree_seconds(RUN, read_processes(tmp_path)) == pytest.approx(280 / HERTZ)


def test_the_tree_holds_grandchildren_and_orphans_of_the_session_and_no_others(tmp_path: Path) -> None:
    """Whoever lost its parent belongs to the run by its session; a sibling of the run does not."""
    write_process(tmp_path, RUN, ticks=1, parent=7, session=RUN)
    write_process(tmp_path, 4243, ticks=10, parent=RUN, session=RUN)
    write_process(tmp_path, 4244, ticks=100, parent=4243, session=4244)
    write_process(tmp_path, 4245, ticks=1000, parent=7, session=RUN)
    write_process(tmp_path, 4246, ticks=10000, parent=7, session=7)

    assert pytest.approx(1111 / HERTZ) == tree_seconds(RUN, read_processes(tmp_path))
    assert tree_seconds(999, read_processes(tmp_path)) is None


def test_a_name_may_hold_anything(tmp_path: Path) -> None:
    """Spaces and parentheses in a process's name shift no column."""
    write_process(tmp_path, 77, ticks=30, reaped=6, parent=5, session=9, name="a) R 1 (b c")

    [process] = read_processes(tmp_path).values()

    assert ("a) R 1 (b c", 5, 9) == (process.name, process.parent, process.session)
    assert (30 / HERTZ, 6 / HERTZ) == (process.seconds, process.reaped_seconds)


def test_guests_are_counted_once(tmp_path: Path) -> None:
    """The kernel has a guest's time in `user` already; it is busy, once."""
    write_cpus(tmp_path, {"user": 300, "guest": 200, "nice": 50, "guest_nice": 50, "idle": 100})

    [cpu] = read_cpu_times(tmp_path).values()

    assert (350 / HERTZ, 0.0, 450 / HERTZ) == (cpu.busy, cpu.stolen, cpu.total)


def test_stolen_time_is_a_share_of_all_and_nobodys_work(tmp_path: Path) -> None:
    """Of two CPUs' 400 ticks 30 were stolen: 7.5 %; what was stolen or waited for a disk kept no CPU busy."""
    seen = second_sample(tmp_path, 2, {"idle": 170, "steal": 30}, {"idle": 150, "iowait": 50})

    assert (seen.stolen, seen.foreign_cpus) == (30 / 400, 0.0)


def test_an_old_kernel_has_no_column_of_stolen_time(tmp_path: Path) -> None:
    """Four columns are enough."""
    write(tmp_path, "proc/stat", "cpu  1 2 3 4\ncpu0 100 0 50 250\n")

    [cpu] = read_cpu_times(tmp_path).values()

    assert (150 / HERTZ, 0.0, 400 / HERTZ) == (cpu.busy, cpu.stolen, cpu.total)


def test_cpus_that_the_run_may_not_use_do_not_count(tmp_path: Path) -> None:
    """A neighbour that fills CPU 1 is nothing to a run that is held to CPU 0."""
    clock = Clock()
    write_cpus(tmp_path, {}, {})
    write_process(tmp_path, RUN, allowed="0")
    watched = watch(tmp_path, clock)
    write_cpus(tmp_path, {"user": HERTZ // 4, "idle": 2 * HERTZ}, {"user": 2 * HERTZ, "steal": HERTZ})
    clock.now += 2

    watched.look()

    assert watched.samples[-1].foreign_cpus == pytest.approx(HERTZ // 4 / HERTZ / 2)
    assert watched.samples[-1].stolen == 0.0


def test_others_never_use_less_than_nothing(tmp_path: Path) -> None:
    """The kernel counts a process's time finer than a CPU's, so that the run may seem to have had more than all."""
    clock = Clock()
    write_cpus(tmp_path, {})
    write_process(tmp_path, RUN)
    watched = watch(tmp_path, clock)
    write_cpus(tmp_path, {"user": HERTZ - 3, "idle": 1})
    write_process(tmp_path, RUN, ticks=HERTZ)
    clock.now += 1

    watched.look()

    assert watched.samples[-1].foreign_cpus == 0.0


def test_a_sample_is_taken_at_the_start_and_then_once_a_period(tmp_path: Path) -> None:
    """Looking every 50 ms for 3 s gives samples at 0, 1, 2 and 3 s; the first has no share, as there is none before it."""
    clock = Clock()
    write_process(tmp_path, RUN)
    write_cpus(tmp_path, {})
    write(tmp_path, "proc/loadavg", "0.75 1.50 2.25 2/345 6789\n")
    watched = watch(tmp_path, clock)
    for tick in range(1, 61):
        clock.now = 1000 + tick / 20
        write_cpus(tmp_path, {"user": 3 * tick, "idle": 2 * tick})
        watched.look()

    assert [1000.0, 1001.0, 1002.0, 1003.0] == [sample.monotonic for sample in watched.samples]
    assert [0.75] * 4 == [sample.load for sample in watched.samples]
    assert [None, 0.0, 0.0, 0.0] == [sample.stolen for sample in watched.samples]
    assert [None, *[pytest.approx(60 / HERTZ)] * 3] == [sample.foreign_cpus for sample in watched.samples]


def test_what_the_system_does_not_tell_is_null_with_the_reason(tmp_path: Path) -> None:
    """Without /proc there is nothing, and the reason names the file."""
    clock = Clock()
    watched = watch(tmp_path, clock)
    clock.now += 2
    watched.look()

    assert [HostSample(1000.0, None, None, None, None), HostSample(1002.0, None, None, None, None)] == watched.samples
    assert watched.nulls == {
        "host.load": "unsupported: /proc/loadavg does not tell",
        "host.stolen": "unsupported: /proc/stat does not tell",
        "host.foreign_cpus": "unsupported: /proc/stat does not tell",
        "host.frequency_hertz": "unsupported: /proc/cpuinfo does not tell",
    }


def test_ticks_that_stand_still_tell_nothing(tmp_path: Path) -> None:
    """A sandbox whose /proc/stat holds zeros says neither that nothing was stolen nor that nobody was busy."""
    seen = second_sample(tmp_path, 2, {}, {})

    assert (seen.stolen, seen.foreign_cpus) == (None, None)


def test_a_run_shorter_than_a_period_has_no_shares(tmp_path: Path) -> None:
    """With the first sample alone the shares are null because the run was too short, not because they cannot be told."""
    write_cpus(tmp_path, {"idle": 5})
    write(tmp_path, "proc/loadavg", "0.75 1.50 2.25 2/345 6789\n")
    write(tmp_path, "proc/cpuinfo", "cpu MHz\t\t: 1000.0\n")

    assert {"host.stolen": "too_short", "host.foreign_cpus": "too_short"} == watch(tmp_path, Clock()).nulls


def test_a_process_that_has_gone_leaves_the_others_time_unknown(tmp_path: Path) -> None:
    """What of the busy time was the run's own can then not be told."""
    clock = Clock()
    write_cpus(tmp_path, {})
    watched = watch(tmp_path, clock)
    write_cpus(tmp_path, {"user": HERTZ, "steal": HERTZ})
    clock.now += 2
    watched.look()

    assert (watched.samples[-1].stolen, watched.samples[-1].foreign_cpus) == (0.5, None)


def test_frequency_is_the_mean_in_hertz(tmp_path: Path) -> None:
    """From /proc/cpuinfo in MHz; where that is silent, as on Arm, from cpufreq in kHz; else None."""
    assert read_frequency(tmp_path) is None
    write(tmp_path, "proc/cpuinfo", "processor\t: 0\nBogoMIPS\t: 50.00\n")
    for cpu, kilohertz in enumerate((1_800_000, 2_400_000)):
        write(tmp_path, f"sys/devices/system/cpu/cpu{cpu}/cpufreq/scaling_cur_freq", f"{kilohertz}\n")
    assert 2.1e9 == read_frequency(tmp_path)
    write(tmp_path, "proc/cpuinfo", "cpu MHz\t\t: 2500.000\nmodel\t: 7\n\ncpu MHz\t\t: 3500.500\n")
    assert 3000.25e6 == read_frequency(tmp_path)


@pytest.mark.parametrize(("text", "expected"), [("0-2,8\n", {0, 1, 2, 8}), ("5", {5}), ("", set()), ("0-1,4-5", {0, 1, 4, 5})])
def test_the_kernels_lists_of_cpus(text: str, expected: set[int]) -> None:
    """Ranges and single numbers; nothing is no CPU."""
    assert expected == cpu_list(text)


@pytest.mark.parametrize(
    ("stolen", "foreign", "threads", "usable", "expected"),
    [
        pytest.param(0.05, None, None, None, False, id="steal at the limit"),
        pytest.param(0.051, 0.0, 1, 64, True, id="steal over it"),
        pytest.param(0.0, 1.0, 1, 2, False, id="one neighbour, one thread, two CPUs"),
        pytest.param(0.0, 1.2, 1, 2, True, id="a neighbour and a bit"),
        pytest.param(None, 0.1, 2, 2, False, id="at the limit"),
        pytest.param(None, 5.0, None, 2, False, id="threads unknown"),
        pytest.param(0.0, 0.0, 64, 2, False, id="nobody else, more threads than CPUs"),
        pytest.param(0.0, 0.2, 64, 2, True, id="a neighbour, more threads than CPUs"),
    ],
)
def test_when_cpus_are_contended(
    stolen: float | None, foreign: float | None, threads: int | None, usable: int | None, expected: bool
) -> None:
    """More than 5 % stolen, or more wanted and taken than 1.05 times what there is; what is unknown accuses nobody."""
    assert expected == contended(stolen, foreign, threads, usable)


HOG = "while True: sum(range(10000))"
IDLER = "import sys; sys.stdin.read()"
FAMILY = """
import os, resource, subprocess, sys, time
burn = "import time; end = time.process_time() + 0.3\\nwhile time.process_time() < end: pass"
subprocess.run([sys.executable, "-c", burn])  # ends, and is waited for
if os.fork() == 0:
    end = time.process_time() + 0.2
    while time.process_time() < end: pass
    print(time.process_time(), flush=True)
    sys.stdin.read()
    os._exit(0)
own, reaped = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
print(own.ru_utime + own.ru_stime + reaped.ru_utime + reaped.ru_stime, flush=True)
sys.stdin.read()
"""


@contextmanager
def running(code: str) -> Iterator[subprocess.Popen[str]]:
    """A process that runs Python code until the block ends."""
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def used(pid: int) -> float:
    """CPU seconds of a process, as psutil counts them."""
    times = psutil.Process(pid).cpu_times()
    return float(times.user + times.system)


def test_a_hog_beside_the_run_is_seen_and_marks_its_speed() -> None:
    """What a busy process took, by its own account, is in the others' time; a run that wants all CPUs was contended."""
    usable = len(os.sched_getaffinity(0))
    with running(IDLER) as run, running(HOG) as hog:
        time.sleep(0.2)  # until both are past their start
        watched, before = HostWatch(run.pid), used(hog.pid)
        while len(watched.samples) < 3:
            time.sleep(0.05)
            watched.look()
        taken = used(hog.pid) - before
        run.communicate()
    first, *later = watched.samples
    seen = sum((sample.foreign_cpus or 0) * (sample.monotonic - at) for sample, at in zip(later, moments(watched), strict=True))

    # the system counts a CPU's time in ticks, a process's finely
    assert seen > 0.9 * taken - 5 / HERTZ
    assert taken > 0
    assert not watched.nulls.keys() & {"host.load", "host.foreign_cpus", "host.stolen"}
    window = (first.monotonic, later[-1].monotonic)
    run_seen = Observations(host_samples=watched.samples, train_windows=[window], threads=usable, usable_cpus=usable)
    assert flag_of_train_time(run_seen) == "contended"


def moments(watched: HostWatch) -> list[float]:
    """When all samples but the last were taken."""
    return [sample.monotonic for sample in watched.samples[:-1]]


def flag_of_train_time(seen: Observations) -> str | None:
    """The quality flag of a run's training time."""
    from harness.metrics.train_time import METRIC

    seen.train_seconds = 1.0
    return METRIC.measure(seen).quality_flag


def test_a_trees_time_is_that_of_its_own_account() -> None:
    """A process, a child that it waited for and one that still runs: by /proc as by what they say of themselves."""
    with running(FAMILY) as process:
        assert process.stdout is not None
        told = sum(float(process.stdout.readline()) for _ in range(2))
        seen = tree_seconds(process.pid, read_processes(Path("/")))

    assert seen == pytest.approx(told, abs=0.05)
    assert told > 0.5


def test_this_systems_load_is_what_python_reads() -> None:
    """The same number by another way, to the two digits of /proc/loadavg; it may be renewed in between."""
    around = [os.getloadavg()[0], read_load(Path("/")), os.getloadavg()[0]]

    assert None not in around
    assert around[1] in (pytest.approx(around[0], abs=0.006), pytest.approx(around[2], abs=0.006))


SWITCHES = """
from pathlib import Path
from harness.probes.host import involuntary_switches

def told():
    texts = [path.read_text() for path in Path("/proc/self/task").glob("*/status")]
    lines = [line for text in texts for line in text.splitlines() if line.startswith("nonvoluntary")]
    return sum(int(line.split()[1]) for line in lines)

before, counted = told(), involuntary_switches()
sum(range(3_000_000))
print(before <= counted <= told(), involuntary_switches() >= counted)
"""


def test_involuntary_switches_are_the_kernels_count() -> None:
    """Those of all threads of the process: getrusage says what the threads' /proc/self/task/*/status do."""
    done = subprocess.run([sys.executable, "-P", "-c", SWITCHES], capture_output=True, text=True, check=True)

    assert done.stdout == "True True\n"
