"""A calibration of any size, for tests."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.calibration import CalibratedCase, CalibratedClock, Calibration
from harness.digests import short_digest
from harness.suite import Case

MACHINE = {"cpu": "Example CPU", "cpus_usable": "4", "gpu": "none"}


def make_clock(effect: float = 0.01, **changed: Any) -> CalibratedClock:
    """Return what a clock said."""
    fields: dict[str, Any] = {
        "margin": 0.015,
        "changes": (0.001, -0.002, 0.0005),
        "sd": 0.0015,
        "detectable_effect": effect,
        "false_worse": 0.0,
        "verdict": "same",
    }
    return CalibratedClock(**(fields | changed))


def make_calibrated(case: Case, **clocks: CalibratedClock) -> CalibratedCase:
    """Return a case compared with itself."""
    return CalibratedCase(
        case_digest=case.digest,
        seed=1,
        recorded_on="2026-01-02",
        commit="0123456789abcdef0123456789abcdef01234567",
        dirty=False,
        family=2,
        relabellings=2000,
        clocks=clocks or {"cpu": make_clock()},
    )


def make_calibration(cases: Mapping[str, CalibratedCase], suite: str = "demo") -> Calibration:
    """Return a calibration on the example machine."""
    return Calibration(suite=suite, machine_class=short_digest(MACHINE), machine=MACHINE, cases=dict(cases))
