"""Readings of a GPU over the unmodified NVML bindings, the compiled stand-in driver, and a clock that stands still."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

Read = Callable[..., dict[str, Any]]
UUID, OTHER = "GPU-11111111-2222-3333-4444-555555555555", "GPU-99999999-8888-7777-6666-555555555555"
GPU = f"gpu H200 {UUID} 150000000000\n"
ABSENT = 2**22 + 1
"""A process id above Linux's largest."""
LOAD = GPU + "\n".join(
    f"at {UUID} {seconds} util={util} used={used} reserved=700 power={watts} temp={celsius} sm={sm} mem=3201e6 throttle={bits}"
    for seconds, util, used, watts, celsius, sm, bits in [
        (0, 0, 2**30, 100, 40, 1980e6, 1),
        (10, 100, 3 * 2**30, 700, 60, 1380e6, 1),
        (20, 50, 3 * 2**30, 300, 50, 1980e6, 1),
    ]
)


@pytest.fixture
def run() -> Iterator[tuple[int, int]]:
    """Process ids of a run's first process and of one that it started."""
    command = ["sh", "-c", "sleep 600 & echo $!; wait"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True) as first:
        assert first.stdout is not None
        yield first.pid, int(first.stdout.readline())
        os.killpg(first.pid, 9)


def test_readings_come_in_base_units(read: Read) -> None:
    """Percent, bytes, watts, joules, hertz, degrees Celsius and the driver's own bits; memory without what it reserves."""
    seen = read(LOAD, UUID, moments=[10.0])["samples"][0]

    expected = {
        "utilization": 100.0,
        "memory_used_bytes": 3.0 * 2**30,
        "power_watts": 700.0,
        "energy_joules": 4000.0,
        "sm_clock_hertz": 1.38e9,
        "memory_clock_hertz": 3.201e9,
        "temperature_celsius": 60.0,
        "throttle_reasons": 1,
    }
    assert expected == {name: seen[name] for name in expected}


def test_a_load_curve_is_recovered(read: Read) -> None:
    """Each sample is the curve at its moment, so that means over them are the curve's."""
    moments = np.arange(0, 20.5, 0.5)
    samples = read(LOAD, UUID, moments=moments)["samples"]

    assert len(moments) == len(samples)
    for name, heights in {"power_watts": (100, 700, 300), "memory_used_bytes": (2**30, 3 * 2**30, 3 * 2**30)}.items():
        curve = np.interp(moments, [0, 10, 20], heights)
        assert curve == pytest.approx(np.array([sample[name] for sample in samples]), abs=1)


def test_the_energy_counter_is_the_integral_of_power(read: Read) -> None:
    """Counter and power tell one story: 100 to 700 W in ten seconds, then down to 300 W in ten more."""
    moments = np.arange(0, 20.25, 0.25)
    samples = read(LOAD, UUID, moments=moments)["samples"]

    rising, falling = np.minimum(moments, 10), np.maximum(moments - 10, 0)
    closed_form = 100 * rising + 30 * rising**2 + 700 * falling - 20 * falling**2
    assert closed_form == pytest.approx(np.array([sample["energy_joules"] for sample in samples]), abs=1e-3)


@pytest.mark.parametrize("visible", ["", "0", "1", OTHER, UUID])
@pytest.mark.parametrize("order", [(UUID, OTHER), (OTHER, UUID)])
def test_the_order_of_devices_does_not_matter(
    read: Read, monkeypatch: pytest.MonkeyPatch, order: tuple[str, str], visible: str
) -> None:
    """The GPU read is the one with the UUID, whatever its number is to NVML or to CUDA."""
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    script = "".join(f"gpu H200 {uuid} 1000\nat {uuid} 0 util={7 if uuid == UUID else 93}\n" for uuid in order)
    seen = read(script, UUID)

    assert (UUID, 7.0) == (seen["uuid"], seen["samples"][0]["utilization"])


def test_a_mig_instance_has_memory_and_no_utilisation(read: Read) -> None:
    """Found though torch's name for it lacks the kind; what the driver does not tell of an instance is null, in its words."""
    instance = UUID.replace("GPU-", "MIG-")
    seen = read(LOAD.replace(UUID, instance).replace("150000000000", "150000000000 mig"), UUID)
    sample = seen["samples"][0]

    refused = ("utilization", "power_watts", "energy_joules", "sm_clock_hertz", "temperature_celsius", "throttle_reasons")
    assert (instance, 2.0**30) == (seen["uuid"], sample["memory_used_bytes"])
    assert [None] * 6 == [sample[name] for name in refused]
    assert ["unsupported: Not Supported"] * 6 == [seen["refused"][name] for name in refused]


def test_an_old_driver_reports_memory_in_the_first_form(read: Read) -> None:
    """Without the second form of the call, the first one answers; any other refusal is no reason to take its figure."""
    unknown = read(f"{LOAD}\nerr nvmlDeviceGetMemoryInfo_v2 13", UUID)
    forbidden = read(f"{LOAD}\nerr nvmlDeviceGetMemoryInfo_v2 4", UUID)

    assert 2.0**30 + 700 == unknown["samples"][0]["memory_used_bytes"]
    assert forbidden["samples"][0]["memory_used_bytes"] is None
    assert "unsupported: Insufficient Permissions" == forbidden["refused"]["memory_used_bytes"]


@pytest.mark.parametrize("newer", ["nvmlDeviceGetTemperatureV", "nvmlDeviceGetCurrentClocksEventReasons"])
def test_an_old_driver_is_asked_by_the_old_names(read: Read, newer: str) -> None:
    """What was renamed is read under its former name."""
    seen = read(f"{LOAD}\nerr {newer} 13", UUID)["samples"][0]

    assert (40.0, 1) == (seen["temperature_celsius"], seen["throttle_reasons"])


def test_the_first_reason_is_kept(read: Read) -> None:
    """Of several refusals of one reading the first is told; the reading comes back when the driver gives it again."""
    errors = "err nvmlDeviceGetPowerUsage 4 from=1 to=1\nerr nvmlDeviceGetPowerUsage 999 from=2 to=2"
    seen = read(f"{LOAD}\n{errors}", UUID, moments=[1.0, 2.0, 10.0])

    assert [None, None, 700.0] == [sample["power_watts"] for sample in seen["samples"]]
    assert "unsupported: Insufficient Permissions" == seen["refused"]["power_watts"]


def test_the_memory_of_the_run_is_that_of_its_processes(read: Read, run: tuple[int, int]) -> None:
    """The first process and what it started, each once though it be on two lists; of others, those that compute are counted."""
    first, child = run
    listed = [
        (first, 1000, ""),
        (child, 200, ""),
        (child, 200, "graphics"),
        (os.getpid(), 50, ""),
        (os.getppid(), 9, "graphics"),
    ]
    lines = [f"proc {UUID} {pid} {held} {kind}" for pid, held, kind in listed]
    sample = read("\n".join([LOAD, *lines]), UUID, first)["samples"][0]

    assert (1200.0, 1) == (sample["process_memory_bytes"], sample["foreign_processes"])


def test_processes_come_and_go(read: Read, run: tuple[int, int]) -> None:
    """A foreign process counts while it is there; alone, the run shares with no one."""
    first, _ = run
    script = f"{LOAD}\nproc {UUID} {first} 1000 to=3\nproc {UUID} {os.getpid()} 50 from=1 to=2"
    seen = read(script, UUID, first, moments=[0.0, 1.5, 2.5, 4.0])

    assert [0, 1, 0, None] == [sample["foreign_processes"] for sample in seen["samples"]]
    assert [1000.0, 1000.0, 1000.0, None] == [sample["process_memory_bytes"] for sample in seen["samples"]]


def test_memory_that_the_driver_hides_is_null(read: Read, run: tuple[int, int]) -> None:
    """A process whose memory is not told has none to report, and with it the run; that it is there is known."""
    first, child = run
    seen = read(f"{LOAD}\nproc {UUID} {first} 1000\nproc {UUID} {child} hidden", UUID, first)
    sample = seen["samples"][0]

    assert (None, 0) == (sample["process_memory_bytes"], sample["foreign_processes"])
    assert "unsupported: the driver does not tell the memory of a process" == seen["refused"]["process_memory_bytes"]


@pytest.mark.parametrize(
    ("listed", "reason"),
    [
        ((ABSENT,), "unsupported: the driver's process ids are not those of this system"),
        ((os.getpid(),), "unsupported: the driver lists no process of the run"),
        ((), "unsupported: the driver lists no process of the run"),
    ],
)
def test_process_ids_of_another_namespace_tell_nothing(
    read: Read, run: tuple[int, int], listed: tuple[int, ...], reason: str
) -> None:
    """In a container the driver's process ids are not ours, or hidden: unknown, never 0 and never the device's figure."""
    seen = read("\n".join([LOAD, *(f"proc {UUID} {pid} 1000" for pid in listed)]), UUID, run[0])
    sample = seen["samples"][0]

    assert (None, None) == (sample["process_memory_bytes"], sample["foreign_processes"])
    assert {"process_memory_bytes": reason, "foreign_processes": reason} == seen["refused"]


def test_a_listed_process_that_is_not_here_leaves_the_others_open(read: Read, run: tuple[int, int]) -> None:
    """The run's own memory is known by its own process id; who else is there is not."""
    seen = read(f"{LOAD}\nproc {UUID} {run[0]} 1000\nproc {UUID} {ABSENT} 50", UUID, run[0])["samples"][0]

    assert (1000.0, None) == (seen["process_memory_bytes"], seen["foreign_processes"])
