"""The stand-in for NVIDIA's driver library: compiled once, and told by a script what to answer (see nvml_stub.c)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

READ = """
import json, sys
from pathlib import Path
import pynvml
from harness.probes._nvml_read import Gpu
pynvml.nvmlInit()
uuid, pid, clock, *moments = sys.argv[1:]
gpu, samples = Gpu(uuid, int(pid)), []
for moment in moments:
    Path(clock).write_text(moment)
    samples.append(gpu.read())
print(json.dumps({"uuid": gpu.uuid, "samples": samples, "refused": gpu.refused}))
"""


@pytest.fixture(scope="session")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the compiled stand-in."""
    folder = tmp_path_factory.mktemp("driver")
    library, source = folder / "libnvidia-ml.so.1", Path(__file__).with_name("nvml_stub.c")
    command = ["cc", "-O2", "-shared", "-fPIC", "-Wl,-soname,libnvidia-ml.so.1", "-o", str(library), str(source)]
    subprocess.run(command, check=True)
    return folder


@pytest.fixture
def scripted(driver: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Gives the processes that are started from now on a driver that does what a script says."""

    def use(script: str) -> None:
        file = tmp_path / "script.txt"
        file.write_text(script)
        monkeypatch.setenv("LD_LIBRARY_PATH", str(driver))
        monkeypatch.setenv("NVML_STUB_SCRIPT", str(file))

    return use


@pytest.fixture
def read(scripted: Callable[[str], None], tmp_path: Path) -> Callable[..., dict[str, Any]]:
    """Reads a GPU at moments of the script's clock, which stands still in between."""

    def at(script: str, uuid: str, pid: int = 1, moments: Iterable[float] = (0.0,)) -> dict[str, Any]:
        scripted(script)
        clock = tmp_path / "clock.txt"
        clock.write_text("0")
        command = [sys.executable, "-P", "-c", READ, uuid, str(pid), str(clock), *map(str, moments)]
        environment = os.environ | {"NVML_STUB_CLOCK": str(clock)}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        seen: dict[str, Any] = json.loads(done.stdout)
        return seen

    return at
