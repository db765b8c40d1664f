"""Margins that promise more than can be told: below what was seen to be detectable, a verdict can only be inconclusive.

Two kinds. A `paired` margin below the detectable effect of a calibration is refused: `harness ab` could never tell a change
of that size on that machine. A hard quality gate's margin below the detectable effect of its baseline is a warning: the data
may still show a larger change, and more seeds would show a smaller one.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from harness.baseline import Baseline, read_baselines
from harness.calibration._files import read_calibrations
from harness.calibration._model import Calibration
from harness.project import Project
from harness.results import Series
from harness.stats import detectable_effect, summarise
from harness.suite import Case, Gate, Suite
from harness.verdicts import ALPHA

MIN_BASE = 3
"""Samples of a base below which every verdict is inconclusive (harness.verdicts)."""
DIGITS = 3
"""Decimals of a margin that is proposed."""


@dataclass(frozen=True)
class Finding:
    """One margin that cannot be held to."""

    message: str
    refused: bool
    """Whether it is an error; else a warning."""


@dataclass(frozen=True)
class _QualityGate:
    case: Case
    metric: str
    gate: Gate
    held: Series
    """The baseline's samples."""


def margin_findings(project: Project, suite: Suite) -> Iterator[Finding]:
    """Yield what the stored calibrations and baselines of a suite say against its margins.

    Raises:
        ResultsError: one of them cannot be read.
    """
    for path, calibration in read_calibrations(project.results, suite.name).items():
        shown = str(path.relative_to(project.root)) if path.is_relative_to(project.root) else str(path)
        yield from paired_findings(suite, calibration, shown)
    yield from quality_findings(suite, read_baselines(project.baselines / suite.name, suite.name))


def paired_findings(suite: Suite, calibration: Calibration, file: str) -> Iterator[Finding]:
    """Yield the margins of `harness ab` that are below what a calibration found detectable."""
    for case in suite.cases:
        found = calibration.cases.get(case.name)
        if found is None:
            continue
        again = f"`harness calibrate {suite.name} -k {case.name}`"
        if found.case_digest != case.digest:
            yield Finding(f"case {case.name!r}: has changed since {file} was recorded: {again}", refused=False)
            continue
        for clock, told in found.clocks.items():
            margin, effect = getattr(case.paired, clock), told.detectable_effect
            if margin < effect:
                yield Finding(
                    f"case {case.name!r}: paired.{clock}: margin {_percent(margin)} is below {_percent(effect)}, the smallest "
                    f"change that can be told on {calibration.machine_words} ({file}, {len(told.changes)} restarts on "
                    f"{found.recorded_on}); write paired.{clock} = {_raised(effect):g} or more, or calibrate again on a "
                    f"quieter machine: {again}",
                    refused=True,
                )


def quality_findings(suite: Suite, baselines: Mapping[str, Baseline]) -> Iterator[Finding]:
    """Yield the margins of hard quality gates that are below what seeds can tell from the baseline."""
    gates = list(_quality_gates(suite, baselines))
    for entry in gates:
        case, sample = entry.case, summarise(entry.held.seed_means)
        place = f"case {case.name!r}: gates.{entry.metric}"
        if sample.n < MIN_BASE:
            message = f"{place}: its baseline holds {_count(sample.n)}, and any change is inconclusive below {MIN_BASE}"
            yield Finding(f"{message}; renew it: harness run {suite.name} --seeds 10", refused=False)
            continue
        new = len(case.seeds) + case.more_seeds
        effect = detectable_effect(sample.sd, sample.n, new, ALPHA / len(gates) / len(case.looks))
        if entry.gate.margin < effect:
            yield Finding(
                f"{place}: margin {entry.gate.margin:g} is below {effect:.4g}, the smallest change that {_count(new)} can tell "
                f"from a baseline of {sample.n} (sd {sample.sd:.3g}); widen it, or give the case or its baseline more seeds",
                refused=False,
            )


def _quality_gates(suite: Suite, baselines: Mapping[str, Baseline]) -> Iterator[_QualityGate]:
    """Yield the gates that share the error rate of quality: hard ones with a baseline of the case as it is declared."""
    for case in suite.cases:
        baseline = baselines.get(case.name)
        if baseline is None or baseline.suite_version != suite.version:
            continue
        side = baseline.side()
        if side.case_digest != case.digest:
            continue
        for metric, gate in case.gates.items():
            held = side.metrics.get(metric)
            if held and held.by_seed and gate.level == "hard" and (gate.metric_class or held.metric_class) == "quality":
                yield _QualityGate(case, metric, gate, held)


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %"


def _raised(share: float) -> float:
    step: float = 10.0**-DIGITS
    return math.ceil(share / step) * step


def _count(seeds: int) -> str:
    return f"{seeds} seed{'s' if seeds != 1 else ''}"
