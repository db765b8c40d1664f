"""What `harness doctor` finds on machines that the tests describe, in files of /proc and /sys and to a stand-in driver."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from harness.errors import MeasuringError
from harness.probes.readiness import CHECKS, Check, Finding, Surroundings, examine
from harness.probes.readiness._cpu import look_at_frequency, look_at_load, look_at_threads
from harness.probes.readiness._project import look_at_data, look_at_disk, look_at_git
from harness.probes.readiness._system import look_at_allocator, look_at_compiler, look_at_memory, look_at_peaks, look_at_torch
from harness.runner.passes._execution import check_compilable
from tests.probes.proc_tree import write, write_cpus, write_process

HERTZ = os.sysconf("SC_CLK_TCK")
DOCTOR = 4242
CPUFREQ = "sys/devices/system/cpu/cpu0/cpufreq"


@pytest.fixture
def here(tmp_path: Path) -> Surroundings:
    """A machine of two CPUs on which nothing is said of anything else, and an empty project."""
    write_process(tmp_path, DOCTOR)
    return Surroundings(
        tmp_path, tmp_path / "results", tmp_path / "data", {}, root=tmp_path, pid=DOCTOR, pause=lambda seconds: None
    )


def only(check: Check, here: Surroundings) -> Finding:
    """What a check with one finding found."""
    [finding] = check(here)
    return finding


def load_after(here: Surroundings, *cpus: dict[str, int], **ticks: int) -> tuple[Finding, Finding]:
    """What the second of watching finds in which the CPUs spent these ticks, and processes of these names theirs."""
    moments = iter((10.0, 11.0))

    def system(cpus: tuple[dict[str, int], ...], share: int) -> None:
        write_cpus(here.root, *cpus)
        for pid, (name, used) in enumerate(ticks.items(), start=100):
            write_process(here.root, pid, 500 + used * share, name=name)

    system(tuple({} for _ in cpus), 0)
    watched = replace(here, clock=lambda: next(moments), pause=lambda seconds: system(cpus, 1))
    load, steal = look_at_load(watched)
    return load, steal


def test_a_quiet_machine_is_well(here: Surroundings) -> None:
    """Nothing busy, nothing stolen: no advice."""
    load, steal = load_after(here, {"idle": HERTZ}, {"idle": HERTZ}, sleeper=0)

    assert (load.status, load.found, load.advice) == ("ok", "0.00 of 2 CPUs are busy with other work", "")
    assert (steal.status, steal.found, steal.advice) == ("ok", "0.0% of the CPUs' time was stolen", "")


def test_the_three_busiest_processes_are_named(here: Surroundings) -> None:
    """By the CPU time they took while watched, not by what they took before; idle ones are not named."""
    used = {"spin": HERTZ // 2, "compile": HERTZ // 4, "play": HERTZ // 10, "blink": HERTZ // 20, "sleeper": 0}
    busy = {"user": 45 * HERTZ // 100, "idle": 55 * HERTZ // 100}

    load, _ = load_after(here, busy, busy, **used)

    assert load.status == "warn"
    assert load.found == "0.90 of 2 CPUs are busy with other work; busy: spin (0.50), compile (0.25), play (0.10)"


def test_a_crowded_machine_is_bad(here: Surroundings) -> None:
    """One neighbour leaves a CPU for one thread of a run, and none for the second."""
    write(here.root, "proc/loadavg", "1.25 1 1 1/2 3\n")
    busy = {"user": 60 * HERTZ // 100, "idle": 40 * HERTZ // 100}

    one, _ = load_after(here, busy, busy)
    two, _ = load_after(replace(here, threads=2), busy, busy)

    assert ("bad", "bad") == (one.status, two.status)  # 1.2 + 1 of 2
    assert "1.20 of 2 CPUs are busy with other work, load 1.25 over the last minute" in one.found
    half = {"user": 20 * HERTZ // 100, "idle": 80 * HERTZ // 100}
    assert ["warn", "bad"] == [load_after(replace(here, threads=n), half, half)[0].status for n in (1, 2)]


def test_too_many_threads_are_no_load(here: Surroundings) -> None:
    """Threads beyond the CPUs are a finding of their own: with nobody else there, nobody else is to be ended."""
    load, _ = load_after(replace(here, threads=64), {"idle": HERTZ}, {"idle": HERTZ})

    assert (load.status, load.advice) == ("ok", "")


def test_a_quota_is_no_measure_of_what_others_do(here: Surroundings) -> None:
    """Of eight CPUs, three busy with others leave room for a container that may keep two busy."""
    write(here.root, "sys/fs/cgroup/cpu.max", "200000 100000\n")
    write_process(here.root, DOCTOR, allowed="0-7")

    load, _ = load_after(here, *[{"user": HERTZ}] * 3, *[{"idle": HERTZ}] * 5)

    assert (load.status, load.found) == ("warn", "3.00 of 8 CPUs are busy with other work")


def test_what_the_doctor_itself_does_is_no_load(here: Surroundings) -> None:
    """A second of its own CPU time, in a child too, leaves the machine quiet."""
    write_cpus(here.root, {}, {})
    moments = iter((10.0, 11.0))

    def work(seconds: float) -> None:
        write_cpus(here.root, {"user": HERTZ, "idle": 1}, {"idle": HERTZ})
        write_process(here.root, DOCTOR, HERTZ // 2)
        write_process(here.root, 4243, HERTZ // 2, parent=DOCTOR, name="git")

    load, _ = look_at_load(replace(here, clock=lambda: next(moments), pause=work))

    assert (load.status, load.found) == ("ok", "0.00 of 2 CPUs are busy with other work")


@pytest.mark.parametrize(("ticks", "status"), [(0, "ok"), (2, "ok"), (3, "warn"), (11, "bad")])
def test_stolen_time(here: Surroundings, ticks: int, status: str) -> None:
    """Over 1 % it is worth a warning, over 5 % a machine is not fit for timing."""
    _, steal = load_after(here, {"idle": 100 - ticks, "steal": ticks}, {"idle": 100})

    assert (status, f"{ticks / 200:.1%} of the CPUs' time was stolen") == (steal.status, steal.found)
    assert bool(steal.advice) == (status != "ok")


def test_a_system_that_tells_nothing_is_warned_of(tmp_path: Path) -> None:
    """Without /proc and /sys no check fails, and none says that all is well of what it could not see."""
    here = Surroundings(tmp_path, tmp_path, tmp_path, {}, root=tmp_path / "nothing", pause=lambda seconds: None)

    findings = {finding.topic: finding for finding in examine(here)}

    for topic in ("load", "steal", "frequency", "threads", "memory", "memory peaks"):
        assert findings[topic].status == "warn", topic
        assert findings[topic].advice, topic
    assert not any(finding.stops for finding in findings.values())


def test_every_finding_says_why_and_what_to_do(tmp_path: Path) -> None:
    """On this very machine: each check finds something, each topic once, and what is not well comes with advice."""
    findings = examine(Surroundings(tmp_path, tmp_path, tmp_path, {}, pause=lambda seconds: None))

    assert len(findings) >= len(CHECKS)
    assert len({finding.topic for finding in findings}) == len(findings)
    for finding in findings:
        assert finding.found, finding
        assert finding.why, finding
        assert bool(finding.advice) == (finding.status != "ok"), finding


@pytest.mark.parametrize(
    ("governor", "switch", "status", "words", "advice"),
    [
        pytest.param("performance", "intel_pstate/no_turbo=1", "ok", "governor performance, turbo off", "", id="fixed"),
        pytest.param("powersave", "cpufreq/boost=0", "warn", "governor powersave, turbo off", "cpupower", id="governor"),
        pytest.param("performance", "cpufreq/boost=1", "warn", "governor performance, turbo on", "turbo off", id="turbo"),
        pytest.param("performance", "", "ok", "governor performance", "", id="no turbo"),
    ],
)
def test_frequency(here: Surroundings, governor: str, switch: str, status: str, words: str, advice: str) -> None:
    """A frequency that moves by itself is warned of; the present one is shown beside the highest."""
    for name, text in (("scaling_governor", governor), ("scaling_cur_freq", "1500000"), ("cpuinfo_max_freq", "4200000")):
        write(here.root, f"{CPUFREQ}/{name}", text + "\n")
    if switch:
        path, _, value = switch.partition("=")
        write(here.root, f"sys/devices/system/cpu/{path}", value + "\n")

    finding = only(look_at_frequency, here)

    assert (status, f"1.50 GHz of 4.20 GHz at most, {words}") == (finding.status, finding.found)
    assert advice in finding.advice
    assert bool(finding.advice) == bool(advice)


@pytest.mark.parametrize(
    ("threads", "status", "advice"), [(1, "ok", ""), (2, "ok", ""), (3, "warn", "--threads 2"), (5, "bad", "--threads 4")]
)
def test_threads(here: Surroundings, threads: int, status: str, advice: str) -> None:
    """Of four CPUs on two cores, two threads have a core each, three share one, five do not fit."""
    write_process(here.root, DOCTOR, allowed="0-3")
    for cpu in range(4):
        write(here.root, f"sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list", f"{cpu % 2},{cpu % 2 + 2}\n")

    finding = only(look_at_threads, replace(here, threads=threads))

    assert status == finding.status
    assert "4 usable CPUs on 2 cores" in finding.found
    assert advice in finding.advice


def test_a_quota_of_cpu_time_counts_like_fewer_cpus(here: Surroundings) -> None:
    """A container that may use 150 % of a CPU's time has one to itself; one with half a CPU has none; 'max' is no quota."""
    write(here.root, "sys/fs/cgroup/cpu.max", "150000 100000\n")
    assert only(look_at_threads, replace(here, threads=2)).status == "bad"

    write(here.root, "sys/fs/cgroup/cpu.max", "50000 100000\n")
    half = only(look_at_threads, here)
    assert (half.status, half.found) == ("bad", "1 thread a run, 1 usable CPU, of whose time 50% may be used")

    write(here.root, "sys/fs/cgroup/cpu.max", "max 100000\n")
    assert only(look_at_threads, replace(here, threads=2)).status == "ok"


@pytest.mark.parametrize(
    ("available", "swapped", "status"),
    [(8 << 20, 0, "ok"), (1 << 20, 0, "warn"), (1 << 18, 0, "bad"), (8 << 20, 1 << 17, "warn")],
)
def test_memory(here: Surroundings, available: int, swapped: int, status: str) -> None:
    """Little memory and pages in swap are warned of (/proc/meminfo, in KiB); too little for any training is bad."""
    rows = {"MemTotal": 16 << 20, "MemAvailable": available, "SwapTotal": 1 << 20, "SwapFree": (1 << 20) - swapped}
    write(here.root, "proc/meminfo", "".join(f"{name}: {size} kB\n" for name, size in rows.items()) + "HugePages_Total: 0\n")

    finding = only(look_at_memory, here)

    assert status == finding.status
    assert "of 16.0 GiB free" in finding.found


def test_memory_is_what_a_containers_limit_leaves(here: Surroundings) -> None:
    """Of 1 GiB a container holds 900 MiB, 100 of them files that can be let go; what the host has free is not its own."""
    write(here.root, "proc/meminfo", f"MemTotal: {64 << 20} kB\nMemAvailable: {60 << 20} kB\n")
    for name, text in (("max", 1 << 30), ("current", 900 << 20), ("stat", f"anon 1\ninactive_file {100 << 20}")):
        write(here.root, f"sys/fs/cgroup/memory.{name}", f"{text}\n")

    finding = only(look_at_memory, here)

    assert (finding.status, finding.found) == ("bad", "224 MiB of 1.00 GiB free, 0 B in swap")
    write(here.root, "sys/fs/cgroup/memory.max", "max\n")
    assert only(look_at_memory, here).found == "60.0 GiB of 64.0 GiB free, 0 B in swap"


def test_room_is_that_of_where_results_will_be(here: Surroundings) -> None:
    """A results folder that is not there yet is made on the disk of the folder above it."""
    finding = only(look_at_disk, replace(here, results=here.project / "not" / "there"))

    assert finding.status in ("ok", "warn", "bad")
    assert "free for results" in finding.found
    assert not finding.stops


def test_results_that_cannot_be_written_stop_everything(here: Surroundings, monkeypatch: pytest.MonkeyPatch) -> None:
    """No run could store its rows. (A root user may write anywhere, so that the system's answer is planted.)"""
    monkeypatch.setattr(os, "access", lambda path, mode: False)

    finding = only(look_at_disk, here)

    assert ("bad", True) == (finding.status, finding.stops)


def test_folders_that_may_not_be_entered_are_told(here: Surroundings, monkeypatch: pytest.MonkeyPatch) -> None:
    """The nearest folder that shows is named; data within is not there. (The system's refusal of a root user is planted.)"""
    hidden = here.project / "hidden"
    hidden.mkdir()
    stat, access = os.stat, os.access

    def refuse(path: str | Path, **options: Any) -> os.stat_result:
        if str(path).startswith(f"{hidden}/"):
            raise PermissionError(13, "Permission denied", str(path))
        return stat(path, **options)

    def listing(path: str | Path) -> list[str]:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(os, "stat", refuse)
    monkeypatch.setattr(os, "listdir", listing)
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path) != hidden and access(path, mode))

    room = only(look_at_disk, replace(here, results=hidden / "results"))
    data = only(look_at_data, replace(here, downloads={"mnist": hidden / "mnist", "trec": hidden}))

    assert (room.status, room.found, room.stops) == ("bad", f"{hidden} cannot be written", True)
    assert (data.status, data.found.partition("; ")[2]) == ("warn", "not there: mnist, trec")


def test_torch_is_described_without_being_imported(here: Surroundings) -> None:
    """Version, devices and CPU kernels are those that torch itself tells, in a process that did not load it."""
    finding = only(look_at_torch, replace(here, root=Path("/")))

    assert f"torch {torch.__version__}, {f'CUDA {torch.version.cuda}' if torch.version.cuda else 'CPU only'}" in finding.found
    capability = torch.backends.cpu.get_cpu_capability()
    assert capability in finding.found or capability not in ("AVX2", "AVX512")


def test_a_limit_of_the_kernels_is_told(here: Surroundings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever has limited the instruction set measures another machine."""
    monkeypatch.setenv("ATEN_CPU_CAPABILITY", "avx2")

    finding = only(look_at_torch, here)

    assert finding.status == "warn"
    assert "ATEN_CPU_CAPABILITY=avx2 is set" in finding.found


def test_another_allocator_is_told(here: Surroundings, monkeypatch: pytest.MonkeyPatch) -> None:
    """The harness's settings are glibc's, and say nothing to what is loaded before it."""
    monkeypatch.setenv("LD_PRELOAD", "/usr/lib/libjemalloc.so.2")

    finding = only(look_at_allocator, here)

    assert (finding.status, finding.found) == ("warn", "jemalloc by LD_PRELOAD: the harness's settings do not act")


def test_peaks_that_cannot_be_reset_are_told(here: Surroundings) -> None:
    """Without /proc/self/clear_refs, or where it cannot be written, peaks hold too much."""
    assert (only(look_at_peaks, here).status, only(look_at_peaks, replace(here, root=Path("/"))).status) == ("warn", "ok")


def test_a_compiler_is_looked_for_where_torch_does(here: Surroundings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """CXX names it, else it is g++ (macOS: clang++), and another that is there does not help a compiled run."""
    usual, other = ("clang++", "g++") if sys.platform == "darwin" else ("g++", "clang++")
    for name in (other, "my-c++"):
        write(tmp_path, f"bin/{name}", "#!/bin/sh\n")
        (tmp_path / "bin" / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.delenv("CXX", raising=False)
    missing = only(look_at_compiler, here)
    assert (missing.status, missing.found) == ("warn", f"'{usual}' is not on PATH")
    with pytest.raises(MeasuringError, match="is not on PATH"):
        check_compilable(torch.device("cpu"), "compile")

    monkeypatch.setenv("CXX", "my-c++")
    check_compilable(torch.device("cpu"), "compile")
    assert (only(look_at_compiler, here).status, only(look_at_compiler, here).found) == ("ok", "my-c++")


def test_data_that_is_not_there_is_named(here: Surroundings) -> None:
    """An empty folder is not data."""
    write(here.data, "mnist/images", "x")
    (here.data / "trec").mkdir()
    folders = {name: here.data / name for name in ("mnist", "trec", "sst2")}

    finding = only(look_at_data, replace(here, downloads=folders))

    assert finding.status == "warn"
    assert finding.found == f"1 of 3 data sets are in {here.data}; not there: sst2, trec"
    assert only(look_at_data, replace(here, downloads={"mnist": folders["mnist"]})).status == "ok"


def test_the_state_of_git(here: Surroundings) -> None:
    """No checkout, an edited one, a clean one."""
    git = ["git", "-C", str(here.project), "-c", "user.name=t", "-c", "user.email=t@example.org"]
    assert only(look_at_git, here).status == "warn"
    write(here.project, "model.py", "1\n")
    for command in (["init", "-q"], ["add", "model.py"], ["commit", "-qm", "first"]):
        subprocess.run([*git, *command], check=True)
    commit = subprocess.run([*git, "rev-parse", "HEAD"], capture_output=True, text=True, check=True).stdout.strip()

    assert (only(look_at_git, here).status, only(look_at_git, here).found) == ("ok", commit[:12])
    write(here.project, "model.py", "2\n")
    assert (only(look_at_git, here).status, commit[:12] in only(look_at_git, here).found) == ("warn", True)


LOOK = """
import json, sys
from dataclasses import asdict
from pathlib import Path
from harness.probes.readiness import Surroundings, _gpu
from harness.probes.readiness._gpu import look_at_gpus
_gpu.torch_build = lambda: {"cuda": sys.argv[1] or None}
here = Surroundings(*[Path()] * 3, {})
print(json.dumps({finding.topic: [finding.status, finding.found] for finding in look_at_gpus(here)}))
assert "torch" not in sys.modules
"""


@pytest.fixture
def gpus(scripted: Callable[[str], None]) -> Callable[..., dict[str, list[str]]]:
    """Return a function that gives what is found with a stand-in driver that follows a script, and torch built for a CUDA."""

    def look(script: str, cuda: str = "13.0") -> dict[str, list[str]]:
        scripted(script)
        done = subprocess.run([sys.executable, "-P", "-c", LOOK, cuda], capture_output=True, text=True, check=True)
        found: dict[str, list[str]] = json.loads(done.stdout)
        return found

    return look


def test_a_quiet_gpu_is_well(gpus: Callable[[str], dict[str, list[str]]]) -> None:
    """Name, UUID, clocks; nobody on it; what this driver does not tell is left out or unknown."""
    assert gpus("gpu H1 GPU-1 1e9\nat GPU-1 0 util=0 sm=1.5e9 throttle=1\n") == {
        "GPU driver": ["ok", "NVIDIA driver 999.1, GPUs: 1"],
        "GPU 0": ["ok", "H1, GPU-1"],
        "GPU 0 users": ["ok", "0 processes, 0 % busy"],
        "GPU 0 clocks": ["ok", "SM clock 1.50 GHz of unknown at most"],
        "GPU 0 MIG": ["ok", "off"],
    }


def test_gpus_that_torch_cannot_use_are_told(gpus: Callable[..., dict[str, list[str]]]) -> None:
    """With torch built for the CPU alone, runs would use the CPU of a machine whose GPUs are all well."""
    found = gpus("gpu H1 GPU-1 1e9\n", cuda="")

    assert found["GPU torch"] == ["warn", "torch is not built for CUDA: runs leave the GPUs alone"]
    assert "GPU torch" not in gpus("gpu H1 GPU-1 1e9\n")


def test_other_users_heat_and_mig_are_told_of_the_right_gpu(gpus: Callable[[str], dict[str, list[str]]]) -> None:
    """Of three GPUs the first is busy with another's process, the second is hot and short of power, the third is split."""
    found = gpus(
        "gpu H1 GPU-1 1e9\ngpu H2 GPU-2 1e9\ngpu H3 GPU-3 1e9 mig\n"
        "at GPU-1 0 util=80 sm=1e9 throttle=0\nproc GPU-1 123 1000\n"
        "at GPU-2 0 util=0 sm=1e9 throttle=100\n"
    )

    assert found["GPU 0 users"] == ["bad", "1 process, 80 % busy"]
    assert (found["GPU 0 clocks"][0], found["GPU 0 MIG"][0]) == ("ok", "ok")
    assert found["GPU 1 users"][0] == "ok"
    assert found["GPU 1 clocks"] == [
        "warn",
        "SM clock 1.00 GHz of unknown at most; held down by power cap, heat, heat, by hardware",
    ]
    assert found["GPU 1 MIG"] == ["ok", "off"]
    assert (found["GPU 2 MIG"], found["GPU 2 users"]) == (["warn", "on"], ["ok", "0 processes, utilisation unknown"])


def test_a_driver_that_fails_is_bad_and_what_it_refuses_is_unknown(gpus: Callable[[str], dict[str, list[str]]]) -> None:
    """Errors of single calls leave their reading unknown; a driver that cannot count its GPUs is broken."""
    refused = gpus("gpu H1 GPU-1 1e9\nerr nvmlDeviceGetName 3\nerr nvmlDeviceGetComputeRunningProcesses_v3 4\n")

    assert refused["GPU 0"] == ["ok", "of unknown name, GPU-1"]
    assert refused["GPU 0 users"] == ["ok", "processes unknown, utilisation unknown"]
    assert gpus("gpu H1 GPU-1 1e9\nerr nvmlDeviceGetCount_v2 18\n")["GPU driver"][0] == "bad"


def test_no_driver_is_no_fault(gpus: Callable[[str], dict[str, list[str]]]) -> None:
    """A driver that does not start, like none, means that runs use the CPU."""
    [(status, found)] = gpus("gpu H1 GPU-1 1e9\nerr nvmlInitWithFlags 9\n").values()

    assert status == "ok"
    assert "runs use the CPU" in found
