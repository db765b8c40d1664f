"""The self-test: nothing planted, then one fault after the other, each judged by the commands that a person would use."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.errors import ExitCode
from harness.selftest._faults import FAULTS, Fault
from harness.selftest._project import TEMPLATE, OwnProject, Told

NOTHING = "nothing"
Tell = Callable[[str], None]


@dataclass(frozen=True)
class Finding:
    """What came of one trial."""

    planted: str
    """Name of the fault; NOTHING for none."""
    judged_by: str
    expected: str
    found: str
    metric: str
    """Which got the verdict that is told."""
    right: bool
    why: str = ""


@dataclass(frozen=True)
class Outcome:
    """What came of all trials."""

    findings: tuple[Finding, ...]

    @property
    def passed(self) -> bool:
        """Whether each fault was caught, and nothing else was called worse."""
        return all(finding.right for finding in self.findings)

    def paired(self, fault: bool) -> tuple[int, int]:
        """Return how many paired comparisons were called worse, and of how many: with a fault, or with nothing planted."""
        trials = [finding for finding in self.findings if finding.judged_by == "ab" and (finding.planted != NOTHING) == fault]
        return sum(finding.found == "worse" for finding in trials), len(trials)


def run_selftest(
    folder: Path, repeats: int, seconds: float, tell: Tell, template: Path = TEMPLATE, faults: Sequence[Fault] = FAULTS
) -> Outcome:
    """Make a project in a folder, plant faults in it one after the other, and return whether each was caught.

    Args:
        folder: empty; the project, its results and the commands' output stay there.
        repeats: paired comparisons with nothing planted, and with each fault that they are to find.
        seconds: time for the restarts of a paired comparison.
        tell: given a line before each trial.
        template: the project.
        faults: what is planted.

    Raises:
        UsageError: the template is no project, or does not hold what a fault edits.
        MeasuringError: git is not there, or a command of the harness did not do what it was asked to.
    """
    project = OwnProject(folder, template)
    by_gate, by_ab = ([fault for fault in faults if fault.judged_by == command] for command in ("gate", "ab"))
    findings = [*_gated(project, by_gate, tell)] if by_gate else []
    for number in range(repeats if by_ab else 0):
        findings += _compared(project, by_ab, seconds, tell, f", {number + 1} of {repeats}" if repeats > 1 else "")
    return Outcome(tuple(findings))


def _gated(project: OwnProject, faults: Sequence[Fault], tell: Tell) -> Iterator[Finding]:
    tell("a project of its own: its baseline")
    project.record_baseline()
    tell("nothing planted, judged by gate")
    yield unchanged("gate", *project.gate())
    for fault in faults:
        tell(f"{fault.name}: {fault.what}")
        with project.edited(fault.file, fault.old, fault.new):
            yield caught(fault, *project.gate())


def _compared(project: OwnProject, faults: Sequence[Fault], seconds: float, tell: Tell, which: str) -> Iterator[Finding]:
    tell(f"nothing planted, judged by ab{which}")
    yield unchanged("ab", *project.ab(seconds))
    for fault in faults:
        tell(f"{fault.name}: {fault.what}{which}")
        with project.edited(fault.file, fault.old, fault.new):
            yield caught(fault, *project.ab(seconds))


def unchanged(judged_by: str, code: ExitCode, verdicts: Sequence[Told]) -> Finding:
    """Return what came of judging an unchanged project: nothing may be worse or missing."""
    hard = [told for told in verdicts if told.level == "hard"]
    wrong = [told for told in hard if told.verdict in ("worse", "missing")]
    if wrong or code != ExitCode.PASS or not hard:
        told = wrong[0] if wrong else Told("", "", f"exit code {code.value}", "", "")
        return Finding(NOTHING, judged_by, "not worse", told.verdict, told.metric, False, told.why)
    open_ = next((told for told in hard if told.verdict != "same"), hard[0])
    return Finding(NOTHING, judged_by, "not worse", open_.verdict, "" if open_.verdict == "same" else open_.metric, True)


def caught(fault: Fault, code: ExitCode, verdicts: Sequence[Told]) -> Finding:
    """Return whether a fault was caught: one of its metrics has the verdict, at level hard, and the command failed."""
    of_fault = [told for told in verdicts if told.metric in fault.metrics and told.level == "hard"]
    hits = [told for told in of_fault if told.verdict == fault.verdict]
    if hits and code in (ExitCode.WORSE, ExitCode.MEASURING):
        return Finding(fault.name, fault.judged_by, fault.verdict, fault.verdict, hits[0].metric, True)
    told = next(iter(of_fault), Told("", ", ".join(fault.metrics), "not judged", "", f"exit code {code.value}"))
    return Finding(fault.name, fault.judged_by, fault.verdict, told.verdict, told.metric, False, told.why)
