"""Compares each case of a suite with itself, restart by restart, and stores what that says of this machine."""

from __future__ import annotations

import json
import math
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime
from functools import lru_cache
from itertools import islice
from pathlib import Path

from harness.calibration._files import read_calibrations, store_case
from harness.calibration._model import CalibratedCase, CalibratedClock
from harness.calibration._relabel import RELABELLINGS, false_alarms, sequence
from harness.errors import MeasuringError
from harness.paired import (
    Arm,
    Question,
    Restart,
    arms_of_suites,
    clocks_of,
    decide,
    detectable_change,
    margins_of,
    measured,
    verdict_of,
)
from harness.project import Project
from harness.stats import summarise
from harness.suite import Suite

DIGITS = 6
"""Decimals of a stored change: a millionth of a step's time is below every clock's spread."""
MACHINE = """
import json, sys, torch
from harness.environment import machine_fields
name = sys.argv[1]
print(json.dumps(machine_fields(torch.device("cuda" if name == "auto" else name))))
"""

Tell = Callable[[str], None]


def calibrate_suite(
    project: Project, suite: Suite, cases: Sequence[str], restarts: int, tell: Tell
) -> Iterator[tuple[str, CalibratedCase, Path]]:
    """Compare cases with themselves; yield each one's name, what was found, and the file that now holds it.

    Args:
        project: whose working tree is both arms.
        suite: as declared, whole: all its cases share the error of a comparison.
        cases: names of the cases to be measured.
        restarts: pairs of processes a case.
        tell: given a line after each restart.

    Raises:
        MeasuringError: a case cannot be run, or its steps have no time.
        ResultsError: the calibration cannot be written, or the one that is there cannot be read.
    """
    arms = arms_of_suites(project, suite, suite)
    arm = arms["head"]
    family = sum(len(clocks_of(arm, name)) for name in arm.cases)
    read_calibrations(project.results, suite.name)  # one that is damaged is told before anything is measured
    for name in cases:
        machine, question = machine_of(arm.python, arm.cases[name].execution.device), question_of(arm, name, family)
        taken: list[Restart] = []
        with closing(measured(arms, question)) as fresh:
            for restart in islice(fresh, restarts):
                taken.append(restart)
                tell(_progress(name, taken, clocks_of(arm, name), restarts))
        found = calibrated(arm, question, taken)
        yield name, found, store_case(project.results, suite.name, machine, name, found)


def question_of(arm: Arm, name: str, family: int) -> Question:
    """Return what `harness ab` would ask of a case, without an end."""
    case = arm.cases[name]
    return Question(name, case.seeds[0], math.inf, margins_of(case, {}), family)


def _progress(case: str, taken: Sequence[Restart], clocks: Sequence[str], restarts: int) -> str:
    last = ", ".join(f"{clock} {100 * math.expm1(taken[-1].change(clock)):+.2f} %" for clock in clocks)
    return f"{case}: restart {len(taken)} of {restarts}: {last}"


def calibrated(arm: Arm, question: Question, taken: Sequence[Restart]) -> CalibratedCase:
    """Return what restarts of two equal arms say of a case.

    Raises:
        MeasuringError: a clock has no time.
    """
    case, margins, family = arm.cases[question.case], question.margins, question.family
    changes = {clock: [round(restart.change(clock), DIGITS) for restart in taken] for clock in clocks_of(arm, case.name)}
    for clock, values in changes.items():
        if not all(map(math.isfinite, values)):
            where = f"on device {case.execution.device!r}; name cpu or cuda"
            raise MeasuringError(f"{case.name}: its steps have no {clock} time {where}")
    rates, (count, _) = false_alarms(changes, margins, family), sequence(changes, margins, family)
    over = count == len(taken)
    verdicts = {
        clock: verdict_of(question, clock, decide(values[:count], margins[clock], family, over), taken[:count])
        for clock, values in changes.items()
    }
    return CalibratedCase(
        case_digest=case.digest,
        seed=case.seeds[0],
        recorded_on=datetime.now(UTC).date().isoformat(),
        commit=arm.commit,
        dirty=arm.dirty,
        family=family,
        relabellings=RELABELLINGS,
        clocks={
            clock: CalibratedClock(
                margin=margins[clock],
                changes=tuple(values),
                sd=summarise(values).sd,
                detectable_effect=detectable_change(values, 0.0, family),
                false_worse=rates[clock],
                verdict=verdicts[clock].verdict,
                note=verdicts[clock].note,
            )
            for clock, values in changes.items()
        },
    )


@lru_cache
def machine_of(python: Path, device: str) -> Mapping[str, str]:
    """Return the fields of the machine class, as a run on the device would tell them.

    A process of its own asks: a context on a GPU, kept in ours, would disturb what is measured there.

    Raises:
        MeasuringError: it cannot be told.
    """
    done = subprocess.run([str(python), "-P", "-c", MACHINE, device], capture_output=True, text=True, check=False)
    if done.returncode:
        said = done.stderr.strip().splitlines()[-1:]
        raise MeasuringError("\n".join([f"device {device!r}: the machine's class cannot be told:", *said]))
    fields: dict[str, str] = json.loads(done.stdout)
    return fields
