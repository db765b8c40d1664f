"""What is stored about a run's surroundings, and what must never be."""

from __future__ import annotations

import getpass
import os
import platform
import re
import socket
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
