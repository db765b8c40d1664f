"""What is stored about a run's surroundings, and what must never be."""

from __future__ import annotations

import getpass
import os
import platform
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from harness import environment

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def described() -> dict[str, str]:
    """Everything stored for a run on this machine's CPU."""
    return environment.describe(CPU, "fp32", "speed", "eager")


def test_the_fields_that_decide_are_there(described: dict[str, str]) -> None:
    """Machine class, numeric fingerprint, flags and versions have their fields, none of them empty of a meaning."""
    machine = {"cpu", "cpu_count", "memory_gib", "system", "architecture", "gpu"}
    numeric = {"torch", "mkl", "onednn", "instruction_set", "device", "device_type", "precision", "lane", "mode"}

    assert machine <= set(environment.group(described, "machine"))
    assert numeric <= set(environment.group(described, "numeric"))
    assert {"torch", "numpy", "python", "kernel"} <= set(environment.group(described, "version"))
    assert all(described[f"machine.{name}"] for name in machine)
    assert described["version.torch"] == torch.__version__


def test_every_installed_distribution_is_there(described: dict[str, str]) -> None:
    """They are those that pip lists, by the names and versions that pip takes."""
    listed = subprocess.run(
        [sys.executable, "-P", "-m", "pip", "freeze", "--all", "--exclude-editable"], capture_output=True, text=True, check=True
    ).stdout
    pins = dict(line.split("==") for line in listed.splitlines() if "==" in line)

    known = environment.group(described, "version")
    assert len(pins) > 20
    assert pins == {name: known[re.sub(r"[-_.]+", "-", name).lower()] for name in pins}


def test_of_two_distributions_of_one_name_the_imported_one_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Names are spelled one way; the first on Python's path wins; what was half removed is left out."""
    held = {
        "first/Some_Package.One-2.0.dist-info": "Name: Some_Package.One\nVersion: 2.0\n",
        "second/some_package_one-1.0.dist-info": "Name: some-package-one\nVersion: 1.0\n",
        "second/broken-1.0.dist-info": "",
    }
    for folder, lines in held.items():
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "METADATA").write_text(f"Metadata-Version: 2.1\n{lines}")
    monkeypatch.syspath_prepend(str(tmp_path / "second"))
    monkeypatch.syspath_prepend(str(tmp_path / "first"))

    found = environment.installed()

    assert "2.0" == found["some-package-one"]
    assert not {"broken", ""} & set(found)


def test_the_usable_cpus_are_those_of_the_process(described: dict[str, str]) -> None:
    """A container or taskset that leaves fewer CPUs makes another machine class."""
    usable = str(len(os.sched_getaffinity(0))) if hasattr(os, "sched_getaffinity") else None

    assert described.get("machine.cpus_usable") == usable


def test_nothing_names_the_host_the_user_or_a_folder(described: dict[str, str]) -> None:
    """Run sets and reports can be shown to anyone."""
    names = [socket.gethostname(), getpass.getuser(), str(Path.home()), str(Path.cwd())]

    found = [
        (key, name)
        for key, value in described.items()
        for name in names
        if re.search(rf"(?<!\w){re.escape(name)}(?!\w)", value)
    ]

    assert found == []


def test_a_group_is_taken_by_its_first_name() -> None:
    """Fields of one group come without its name; those of others stay away."""
    described = {"machine.cpu": "A", "machine.gpu.memory": "B", "machinery.x": "C", "numeric.cpu": "D"}

    assert environment.group(described, "machine") == {"cpu": "A", "gpu.memory": "B"}


def test_the_version_key_is_minor_python_and_torch_without_its_build() -> None:
    """Builds for CPU and CUDA count the same; another Python or torch may not."""
    python = ".".join(platform.python_version().split(".")[:2])

    assert environment.version_key() == f"python {python} torch {torch.__version__.partition('+')[0]}"


@pytest.mark.parametrize(
    ("cpuinfo", "name"),
    [
        ("processor\t: 0\nmodel name\t: Example CPU @ 2 GHz\nmodel\t\t: 1\n", "Example CPU @ 2 GHz"),
        (
            "processor\t: 0\nBogoMIPS\t: 50.00\nCPU implementer\t: 0x41\nCPU variant\t: 0x3\nCPU part\t: 0xd0c\n",
            "CPU implementer 0x41, CPU part 0xd0c",
        ),
        ("", ""),
    ],
)
def test_a_cpu_is_named_by_its_model_or_by_arms_numbers(cpuinfo: str, name: str) -> None:
    """Two Arm machines of different make are not one machine class."""
    assert environment.cpu_named_in(cpuinfo) == name
