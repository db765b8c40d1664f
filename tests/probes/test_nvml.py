"""The GPU sampler, a process of its own, over the unmodified NVML bindings and the compiled stand-in driver."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from statistics import fmean

import psutil
import pytest

from harness.probes import nvml
from harness.probes.nvml import SAMPLES, GpuSampler

Use = Callable[[str], None]
UUID, OTHER = "GPU-11111111-2222-3333-4444-555555555555", "GPU-99999999-8888-7777-6666-555555555555"
GPU = f"gpu H200 {UUID} 150000000000\n"
FIRST_CALL = "nvmlDeviceGetTotalEnergyConsumption"
RAMP = f"{GPU}tick {FIRST_CALL} 0.1\nat {UUID} 0 util=0 power=0\nat {UUID} 10 util=100 power=500\n"
"""Full load after ten seconds of the script, of which each sample takes a tenth."""
PATIENCE = 60.0


def until(condition: Callable[[], bool]) -> None:
    """Wait until something holds; a test that waits for what never comes fails."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        threading.Event().wait(0.005)


def said(folder: Path, word: str) -> int:
    """How often the sampler of a folder has said a word."""
    return (folder / SAMPLES).read_text().count(f'"{word}"')


def gone(pid: int) -> bool:
    """Whether a process has ended, though perhaps no one has asked for its exit code."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


@pytest.fixture
def started(tmp_path: Path) -> Iterator[Callable[..., GpuSampler]]:
    """Starts samplers that end with the test."""
    samplers: list[GpuSampler] = []

    def start(uuid: str = UUID, period: float = 0.005) -> GpuSampler:
        samplers.append(GpuSampler(uuid, os.getpid(), tmp_path, period))
        return samplers[-1]

    yield start
    for sampler in samplers:
        sampler.stop()


def sampler_pid() -> int:
    """Process id of the only sampler that this process has started."""
    [pid] = [child.pid for child in psutil.Process().children() if "harness.probes._nvml_sampler" in child.cmdline()]
    return pid


@pytest.mark.parametrize("order", [(UUID, OTHER), (OTHER, UUID)])
def test_a_load_curve_is_recovered(
    scripted: Use, started: Callable[..., GpuSampler], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, order: tuple[str, str]
) -> None:
    """Mean, number and device are those of the script, whatever number the device has and CUDA makes visible."""
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    scripted("".join(f"gpu H200 {uuid} 1000\n" for uuid in order) + f"at {OTHER} 0 util=99\n" + RAMP.removeprefix(GPU))
    sampler = started()
    until(lambda: said(tmp_path, "sample") >= 41)
    sampler.stop()

    curve = [sample.utilization for sample in sampler.samples][:40]
    assert list(range(1, 41)) == curve
    assert 20.5 == fmean(value for value in curve if value is not None)
    assert {UUID} == {sample.device_uuid for sample in sampler.samples}
    assert (None, 0.005) == (sampler.null_reason, sampler.period_seconds)


def test_samples_are_placed_on_the_clock_that_all_processes_share(
    scripted: Use, started: Callable[..., GpuSampler], tmp_path: Path
) -> None:
    """A reading was taken between its sample's moment and the next one's, on the clock of the process that scripted it."""
    start = time.monotonic()
    scripted(f"{GPU}start {start!r}\nat {UUID} 0 used=0\nat {UUID} 1000 used=1e12\n")
    sampler = started()
    until(lambda: said(tmp_path, "sample") >= 20)
    sampler.stop()
    end = time.monotonic()

    moments = [sample.monotonic - start for sample in sampler.samples]
    bytes_read = [sample.memory_used_bytes or 0.0 for sample in sampler.samples]
    for used, (before, after) in zip(bytes_read, pairwise([*moments, end - start]), strict=True):
        assert 1e9 * before - 1 <= used <= 1e9 * after
    since = [sample.seconds for sample in sampler.samples]
    assert [first - since[0] for first in since] == pytest.approx([first - moments[0] for first in moments], abs=1e-6)


def test_a_slow_call_is_not_made_up_for(scripted: Use, started: Callable[..., GpuSampler], tmp_path: Path) -> None:
    """After 40 periods in one driver call the schedule goes on where it would be; no sample is taken twice as fast."""
    period, slow = 0.01, 0.4
    scripted(f"{GPU}at {UUID} 0 util=5\nslow nvmlDeviceGetUtilizationRates {slow} calls=3-3\n")
    sampler = started(period=period)
    until(lambda: said(tmp_path, "sample") >= 40)
    sampler.stop()

    moments = [sample.monotonic for sample in sampler.samples][:-1]  # the last one is taken at the end, off the schedule
    assert max(after - before for before, after in pairwise(moments)) >= slow
    assert len(moments) <= (moments[-1] - moments[0] - slow) / period + 4


def test_a_sample_at_the_end_bounds_what_went_before(scripted: Use, started: Callable[..., GpuSampler], tmp_path: Path) -> None:
    """However long the period, the energy up to the end is known."""
    scripted(f"{GPU}at {UUID} 0 power=100\n")
    sampler = started(period=1000.0)
    until(lambda: said(tmp_path, "sample") == 1)
    asked = time.monotonic()
    sampler.stop()

    first, last = sampler.samples
    assert first.monotonic < asked <= last.monotonic


def test_a_refused_reading_keeps_the_first_reason(scripted: Use, started: Callable[..., GpuSampler], tmp_path: Path) -> None:
    """What the driver does not offer is None with its words; one call that fails later leaves the others' readings."""
    errors = "err nvmlDeviceGetUtilizationRates 999 calls=3-3\nerr nvmlDeviceGetUtilizationRates 4 calls=4-4\n"
    scripted(f"{GPU}at {UUID} 0 util=5\n{errors}")
    sampler = started()
    until(lambda: said(tmp_path, "sample") >= 6)
    sampler.stop()

    assert [5.0, 5.0, None, None, 5.0] == [sample.utilization for sample in sampler.samples][:5]
    assert "unsupported: Unknown Error" == sampler.refused["utilization"]
    assert "unsupported: Not Supported" == sampler.refused["power_watts"]
    assert sampler.null_reason is None


def test_a_lost_gpu_ends_sampling_and_keeps_what_was_seen(
    scripted: Use, started: Callable[..., GpuSampler], tmp_path: Path
) -> None:
    """A GPU that falls off the bus is a reason, not a row of zeros, and takes back no sample."""
    scripted(f"{RAMP}err * 15 gpu={UUID} from=1.05")
    sampler = started()
    until(lambda: said(tmp_path, "reason") == 1)
    sampler.stop()

    assert "unsupported: GPU is lost" == sampler.null_reason
    assert list(range(1, 11)) == [sample.utilization for sample in sampler.samples]


@pytest.mark.parametrize(
    ("script", "uuid", "reason"),
    [
        ("err nvmlInitWithFlags 9", UUID, "no_driver: Driver Not Loaded"),
        ("", "GPU-other", "unsupported: Not Found"),
        ("err nvmlDeviceGetHandleByUUID 4", UUID, "unsupported: Insufficient"),
        (f"err * 15 gpu={UUID}", UUID, "unsupported: GPU is lost"),
    ],
)
def test_what_cannot_be_sampled_has_a_reason(
    scripted: Use, started: Callable[..., GpuSampler], tmp_path: Path, script: str, uuid: str, reason: str
) -> None:
    """A driver that does not start, or does not know or give the GPU: no samples of another one."""
    scripted(GPU + script)
    sampler = started(uuid)
    until(lambda: said(tmp_path, "reason") == 1)
    sampler.stop()

    assert [] == sampler.samples
    assert sampler.null_reason is not None
    assert sampler.null_reason.startswith(reason)


def test_no_driver_is_a_reason(started: Callable[..., GpuSampler], tmp_path: Path) -> None:
    """Without a driver library there is no sample, and the reason names the library."""
    code = "import pynvml\ntry: pynvml.nvmlInit()\nexcept pynvml.NVMLError_LibraryNotFound: print('absent')"
    probe = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, check=False)
    sampler = started("GPU-none")
    until(lambda: said(tmp_path, "reason") == 1)
    sampler.stop()

    expected = "no_driver: NVML Shared Library Not Found" if probe.stdout == "absent\n" else ""
    assert [] == sampler.samples
    assert sampler.null_reason is not None
    assert sampler.null_reason.startswith(expected)


PARENT = """
import os, sys, threading
from pathlib import Path
from harness.probes.nvml import GpuSampler
GpuSampler(sys.argv[1], os.getpid(), Path(sys.argv[2]), 0.005)
threading.Event().wait()
"""


@pytest.mark.parametrize("trouble", ["", "hang nvmlDeviceGetUtilizationRates from=0.55\n"])
def test_the_sampler_dies_with_its_parent(scripted: Use, tmp_path: Path, trouble: str) -> None:
    """A harness that is killed leaves no process behind, not even one that is held up in the driver."""
    scripted(RAMP + trouble)
    with subprocess.Popen([sys.executable, "-P", "-c", PARENT, UUID, str(tmp_path)]) as parent:
        until(lambda: (tmp_path / SAMPLES).exists() and said(tmp_path, "sample") >= 5)
        [child] = psutil.Process(parent.pid).children()
        parent.send_signal(signal.SIGKILL)

    until(lambda: gone(child.pid))


def test_a_driver_that_hangs_does_not_hang_the_harness(
    scripted: Use, started: Callable[..., GpuSampler], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was seen before stays, and that no more came is said."""
    monkeypatch.setattr(nvml, "SILENT_SECONDS", 0.05)
    scripted(f"{RAMP}hang nvmlDeviceGetUtilizationRates from=0.55\n")
    sampler = started(period=0.001)
    until(lambda: said(tmp_path, "sample") == 5)
    pid = sampler_pid()
    threading.Event().wait(0.1)
    sampler.stop()

    assert gone(pid)
    assert list(range(1, 6)) == [sample.utilization for sample in sampler.samples]
    assert sampler.null_reason is not None
    assert sampler.null_reason.startswith("not_measured: no reading of the GPU came in the last")


def test_a_sampler_that_does_not_end_is_killed(
    scripted: Use, started: Callable[..., GpuSampler], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stopped process does not see that it is to end."""
    monkeypatch.setattr(nvml, "STOP_SECONDS", 0.2)
    scripted(RAMP)
    sampler = started()
    until(lambda: said(tmp_path, "sample") >= 1)
    os.kill(pid := sampler_pid(), signal.SIGSTOP)
    sampler.stop()

    assert len(sampler.samples) >= 1
    until(lambda: gone(pid))


def test_a_sampler_that_was_killed_is_a_reason(scripted: Use, started: Callable[..., GpuSampler], tmp_path: Path) -> None:
    """Samples that end before the run does say so."""
    scripted(RAMP)
    sampler = started()
    until(lambda: said(tmp_path, "sample") >= 3)
    os.kill(pid := sampler_pid(), signal.SIGKILL)
    until(lambda: gone(pid))
    sampler.stop()

    assert list(range(1, 4)) == [sample.utilization for sample in sampler.samples][:3]
    assert "not_measured: the GPU sampler ended with exit code -9" == sampler.null_reason


def test_a_sampler_that_cannot_start_is_a_reason(tmp_path: Path) -> None:
    """The run goes on without one."""
    sampler = GpuSampler(UUID, os.getpid(), tmp_path / "absent")
    sampler.stop()

    assert sampler.null_reason == "not_measured: the GPU sampler could not be started: No such file or directory"


def test_the_sampler_is_light() -> None:
    """Neither torch nor NumPy nor anything else that takes long to import."""
    heavy = ("torch", "numpy", "pandas", "scipy")
    code = f"import sys, harness.probes._nvml_sampler; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True)

    assert "[]\n" == done.stdout
