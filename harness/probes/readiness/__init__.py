"""What is wrong with this machine for measuring, and what to do about it.

Each check looks at one topic and yields findings; it changes nothing and imports no torch. What a check reads of the system
lies under `Surroundings.root`.
"""

from __future__ import annotations

from harness.probes.readiness._cpu import look_at_frequency, look_at_load, look_at_threads
from harness.probes.readiness._finding import Check as Check
from harness.probes.readiness._finding import Finding as Finding
from harness.probes.readiness._finding import Status as Status
from harness.probes.readiness._finding import Surroundings as Surroundings
from harness.probes.readiness._gpu import look_at_gpus
from harness.probes.readiness._project import look_at_data, look_at_disk, look_at_git
from harness.probes.readiness._system import look_at_allocator, look_at_compiler, look_at_memory, look_at_peaks, look_at_torch

CHECKS: tuple[Check, ...] = (
    look_at_load,
    look_at_frequency,
    look_at_threads,
    look_at_memory,
    look_at_disk,
    look_at_torch,
    look_at_allocator,
    look_at_peaks,
    look_at_compiler,
    look_at_gpus,
    look_at_data,
    look_at_git,
)
"""In the order in which they are told."""


def examine(here: Surroundings) -> list[Finding]:
    """Return what every check found."""
    return [finding for check in CHECKS for finding in check(here)]
