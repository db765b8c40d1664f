"""Every error of the driver in every reading: a null with the driver's words, and the other readings stay."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pynvml
import pytest

UUID = "GPU-1"
FUNCTIONS = {
    "energy_joules": ["nvmlDeviceGetTotalEnergyConsumption"],
    "power_watts": ["nvmlDeviceGetPowerUsage"],
    "utilization": ["nvmlDeviceGetUtilizationRates"],
    "memory_used_bytes": ["nvmlDeviceGetMemoryInfo_v2", "nvmlDeviceGetMemoryInfo"],
    "sm_clock_hertz": ["nvmlDeviceGetClockInfo"],
    "memory_clock_hertz": ["nvmlDeviceGetClockInfo"],
    "temperature_celsius": ["nvmlDeviceGetTemperatureV", "nvmlDeviceGetTemperature"],
    "throttle_reasons": ["nvmlDeviceGetCurrentClocksEventReasons", "nvmlDeviceGetCurrentClocksThrottleReasons"],
    "process_memory_bytes": ["nvmlDeviceGetComputeRunningProcesses_v3"],
    "foreign_processes": ["nvmlDeviceGetComputeRunningProcesses_v3"],
}
"""Reading -> the calls that it rests on."""
TOGETHER = [{"sm_clock_hertz", "memory_clock_hertz"}, {"process_memory_bytes", "foreign_processes"}]
LOST, FUNCTION_NOT_FOUND = 15, 13
CODES = sorted({code for name, code in vars(pynvml).items() if name.startswith("NVML_ERROR_") and code != LOST} | {777})
"""All that the bindings name, and one that they do not."""
READ = """
import json, os, sys
import pynvml
from harness.probes._nvml_read import REFUSED, Gpu
pynvml.nvmlInit()
seen = {}
for reading, code in json.loads(sys.argv[1]):
    gpu = Gpu("GPU-1", os.getpid())
    open(os.environ["NVML_STUB_CLOCK"], "w").write(f"{code}.{list(json.loads(sys.argv[2])).index(reading):02d}")
    try:
        seen[f"{reading} {code}"] = [gpu.read(), gpu.refused]
    except REFUSED as error:
        seen[f"{reading} {code}"] = [None, str(error)]
print(json.dumps([os.getpid(), seen]))
"""


@pytest.fixture(scope="module")
def answers(driver: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What was read when one reading's calls fail with one code: the script's second names the pair, as CODE.NUMBER."""
    folder = tmp_path_factory.mktemp("errors")
    script, clock = folder / "script.txt", folder / "clock.txt"
    lines = [f"gpu H200 {UUID} 1000", f"at {UUID} 0 util=5 used=100 power=50 temp=30 sm=1e9 mem=2e9 throttle=0"]
    for number, functions in enumerate(FUNCTIONS.values()):
        for code in (*CODES, LOST):
            moment = f"from={code}.{number:02d} to={code}.{number:02d}"
            lines += [f"err {function} {code} {moment}" for function in functions]
    script.write_text("\n".join(lines))
    pairs = [(reading, code) for reading in FUNCTIONS for code in (*CODES, LOST)]
    environment = {"NVML_STUB_SCRIPT": str(script), "NVML_STUB_CLOCK": str(clock), "LD_LIBRARY_PATH": str(driver)}
    clock.write_text("0")
    command = [sys.executable, "-P", "-c", READ, json.dumps(pairs), json.dumps(FUNCTIONS)]
    done = subprocess.run(command, env=os.environ | environment, capture_output=True, text=True, check=True)
    _, seen = json.loads(done.stdout)
    return dict(seen)


def words(reading: str, code: int) -> str:
    """What the driver or its bindings call an error."""
    if code == FUNCTION_NOT_FOUND and reading in ("process_memory_bytes", "foreign_processes"):
        return "Unversioned function called and the pyNVML version does not match the NVML lib version"
    return str(pynvml.NVMLError._errcode_to_string.get(code, f"scripted error {code}"))


@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("reading", FUNCTIONS)
def test_an_error_is_a_null_with_its_reason(answers: dict[str, Any], reading: str, code: int) -> None:
    """The reading is None, its reason is the driver's, and what rests on other calls is there."""
    sample, refused = answers[f"{reading} {code}"]
    together = next((names for names in TOGETHER if reading in names), {reading})

    assert sample[reading] is None
    assert refused[reading].startswith(f"unsupported: {words(reading, code)}")
    others = FUNCTIONS.keys() - together - {"process_memory_bytes", "foreign_processes"}  # the script lists no process
    assert [] == [name for name in others if sample[name] is None]


@pytest.mark.parametrize("reading", FUNCTIONS)
def test_a_lost_gpu_is_no_sample(answers: dict[str, Any], reading: str) -> None:
    """Whichever call finds it gone, there is no sample of what is left."""
    assert [None, "GPU is lost"] == answers[f"{reading} {LOST}"]
