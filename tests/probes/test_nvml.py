"""The GPU sampler over the unmodified NVML bindings and a driver library that the tests compile."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

UUID = "GPU-11111111-2222-3333-4444-555555555555"
SAMPLE = """
import json, sys, threading
from harness.probes.nvml import GpuSampler
sampler = GpuSampler(sys.argv[1], 4242, period_seconds=0.001)
while len(sampler.samples) < 5 and sampler._thread.is_alive():
    threading.Event().wait(0.001)
sampler.stop()
print(json.dumps({"reason": sampler.null_reason, "samples": [sample.__dict__ for sample in sampler.samples]}))
"""


@pytest.fixture(scope="session")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a compiled stand-in for the driver library."""
    folder = tmp_path_factory.mktemp("driver")
    library, source = folder / "libnvidia-ml.so.1", Path(__file__).with_name("nvml_stub.c")
    command = ["cc", "-O2", "-shared", "-fPIC", "-Wl,-soname,libnvidia-ml.so.1", "-o", str(library), str(source)]
    subprocess.run(command, check=True)
    return folder


def sample(driver: Path | None, uuid: str = UUID, **readings: object) -> dict[str, Any]:
    """Return what a sampler in a process of its own saw, with the stand-in's readings set."""
    environment = os.environ | {f"NVML_STUB_{name}": str(value) for name, value in readings.items()}
    if driver:
        environment |= {"LD_LIBRARY_PATH": str(driver), "NVML_STUB_UUID": UUID}
    command = [sys.executable, "-P", "-c", SAMPLE, uuid]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    seen: dict[str, Any] = json.loads(done.stdout)
    return seen


def test_readings_come_in_base_units(driver: Path) -> None:
    """Percent, bytes and watts of the GPU with the given UUID, and the memory of the run's own process."""
    seen = sample(driver, UTILIZATION=87, MILLIWATTS=312500, USED=2**31, PID=4242, PROCESS_USED=2**30)

    assert seen["reason"] is None
    assert len(seen["samples"]) >= 5
    for one in seen["samples"]:
        expected = (UUID, 87.0, 2.0**31, 2.0**30, 312.5)
        names = ("device_uuid", "utilization", "memory_used_bytes", "process_memory_bytes", "power_watts")
        assert expected == tuple(one[name] for name in names)
    times = [one["seconds"] for one in seen["samples"]]
    assert times == sorted(times)


def test_samples_carry_the_clock_that_all_processes_share(driver: Path) -> None:
    """A sample of one process can be placed among the moments that another noted."""
    before = time.monotonic()
    samples = sample(driver, UTILIZATION=1)["samples"]
    after = time.monotonic()

    assert all(before < one["monotonic"] < after for one in samples)


def test_a_refused_reading_is_null_and_the_others_stay(driver: Path) -> None:
    """Power that the driver does not offer is None, not 0."""
    [first, *_] = sample(driver, UTILIZATION=5, USED=1000)["samples"]

    assert first["power_watts"] is None
    assert first["process_memory_bytes"] is None
    assert first["utilization"] == 5.0


def test_memory_of_another_process_is_not_taken_for_ours(driver: Path) -> None:
    """In a container the driver's process ids are not ours: unknown, and never the device's figure."""
    [first, *_] = sample(driver, USED=2**31, PID=1, PROCESS_USED=2**30)["samples"]

    assert first["process_memory_bytes"] is None
    assert first["memory_used_bytes"] == 2.0**31


def test_memory_that_the_driver_hides_is_null(driver: Path) -> None:
    """A process whose memory is 'not available' has none to report."""
    [first, *_] = sample(driver, USED=1, PID=4242)["samples"]

    assert first["process_memory_bytes"] is None


def test_an_old_driver_reports_memory_in_the_first_form(driver: Path) -> None:
    """Without the second form of the call, the first one answers."""
    [first, *_] = sample(driver, USED="!13", USED_V1=77)["samples"]

    assert first["memory_used_bytes"] == 77.0


def test_a_lost_gpu_ends_sampling_with_the_reason(driver: Path) -> None:
    """A GPU that has fallen off the bus is a reason, not a row of zeros."""
    seen = sample(driver, UTILIZATION="!15")

    assert seen == {"reason": "unsupported: GPU is lost", "samples": []}


def test_an_unknown_gpu_is_a_reason(driver: Path) -> None:
    """A UUID that the driver does not know gives no samples of another GPU."""
    seen = sample(driver, uuid="GPU-other", UTILIZATION=1)

    assert seen["samples"] == []
    assert seen["reason"].startswith("unsupported")


def test_a_driver_that_does_not_start_is_a_reason(driver: Path) -> None:
    """An error at initialisation says so."""
    assert sample(driver, INIT="!9")["reason"].startswith("no_driver")


def test_no_driver_is_a_reason(tmp_path: Path) -> None:
    """Without a driver library there is no sample, and the reason names the library."""
    code = (
        "import pynvml\ntry:\n    pynvml.nvmlInit(); print('there')\nexcept pynvml.NVMLError_LibraryNotFound: print('absent')"
    )
    probe = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True)
    seen = sample(None, uuid="GPU-none")

    assert seen["samples"] == []
    expected = "no_driver: NVML Shared Library Not Found" if probe.stdout == "absent\n" else "unsupported"
    assert seen["reason"].startswith(expected)
