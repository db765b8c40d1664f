"""What a calibration holds: the changes between equal arms, restart by restart, and what they say. As JSON, fit for review."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from harness.digests import short_digest

SCHEMA_VERSION: Final = 1
"""Schema history:
    1  first version
"""

Text = Annotated[str, Field(min_length=1)]
Clock = Annotated[str, Field(pattern="^(cpu|wall|device)$")]
Share = Annotated[float, Field(ge=0.0, le=1.0)]


class _Strict(BaseModel):
    """Unknown keys are errors; values never change after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class CalibratedClock(_Strict):
    """What one clock said of two equal arms."""

    margin: float
    """The case's, when it was calibrated."""
    changes: Annotated[tuple[float, ...], Field(min_length=2)]
    """Head against base in each restart, as logarithms."""
    sd: float
    """Their standard deviation."""
    detectable_effect: float
    """Smallest change for the worse, relative, that is found with 90 % power where no margin stands in its way."""
    false_worse: Share
    """Share of relabelled comparisons that were called worse."""
    verdict: Text
    """Of the comparison as it was measured."""
    note: str = ""
    """What spoke against trusting it."""


class CalibratedCase(_Strict):
    """One case compared with itself."""

    case_digest: Text
    seed: int
    recorded_on: Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$")]
    """UTC date."""
    commit: str
    dirty: bool
    """Whether a tracked file differed from it."""
    family: Annotated[int, Field(ge=1)]
    """Times judged in a comparison of the whole suite, which share its chance of error."""
    relabellings: Annotated[int, Field(ge=1)]
    clocks: Annotated[dict[Clock, CalibratedClock], Field(min_length=1)]


class Calibration(_Strict):
    """A suite's cases, each compared with itself on one machine class."""

    schema_version: Literal[1] = SCHEMA_VERSION
    suite: Text
    machine_class: Text
    machine: dict[str, str]
    cases: dict[str, CalibratedCase]

    @model_validator(mode="after")
    def _check_class(self) -> Self:
        if short_digest(self.machine) != self.machine_class:
            raise ValueError("machine_class is not that of the machine's fields: one of them was edited by hand")
        return self

    @property
    def machine_words(self) -> str:
        """The machine, for messages."""
        told = [self.machine.get("cpu", ""), f"{self.machine['cpus_usable']} CPUs" if "cpus_usable" in self.machine else ""]
        gpu = self.machine.get("gpu", "none")
        return ", ".join([*filter(None, told), *([gpu] if gpu != "none" else [])]) or self.machine_class


def to_text(calibration: Calibration) -> str:
    """Return the calibration as JSON: keys sorted, one a line, lists on one line, so that a diff shows what moved."""
    return _indented(calibration.model_dump(mode="json"), "") + "\n"


def _indented(value: Any, margin: str) -> str:
    if not isinstance(value, Mapping) or not value:
        return json.dumps(value, ensure_ascii=False, allow_nan=False)
    inner = margin + " "
    lines = [f"{inner}{json.dumps(key)}: {_indented(value[key], inner)}" for key in sorted(value)]
    return "{\n" + ",\n".join(lines) + f"\n{margin}}}"
