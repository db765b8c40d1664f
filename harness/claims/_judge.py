"""Judges a suite's claims by what is stored of each case, test by test, block by block."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from harness.claims._decide import ALPHA, Finding, decide
from harness.claims._ledger import JudgedClaim, JudgedTest, Ledger, Source, judgement_of
from harness.claims._samples import Measured, Samples, failures, in_words, measured
from harness.claims._statistics import benjamini_hochberg
from harness.claims._words import asked, found, p_words, seeds_words
from harness.digests import short_digest
from harness.errors import ComparisonError, ResultsError
from harness.results import MIXED, RunSet, Side, agree, run_sets, sides
from harness.suite import Case, Claim, Difference, Question, Slope, Suite


@dataclass(frozen=True)
class Held:
    """The measurements of one case, and the run set that they are of."""

    run_set: RunSet
    suite_version: int
    side: Side

    @property
    def seeds(self) -> set[int]:
        """The seeds that were run, whatever became of them."""
        return {run.seed for run in self.side.runs}

    def whole(self, case: Case) -> bool:
        """Whether every seed was run that the case declares."""
        return self.seeds >= set(case.seeds)


@dataclass(frozen=True)
class _Tried:
    """One test of a claim, before and after its p-value is adjusted."""

    question: Question
    samples: Samples
    finding: Finding
    adjusted: float | None = None


def judge_claims(results: Path, suite: Suite, tell: Callable[[str], None] = lambda _: None) -> Ledger:
    """Judge every claim of a suite by its stored run sets.

    Each case counts with the newest run set that holds the most seeds of it as it is declared now; what is not declared that
    way any more is passed over. Equal tables give an equal ledger.

    Args:
        results: the results folder.
        suite: as declared now.
        tell: is given a line about each run set that cannot be read, and each case whose last runs are passed over.

    Raises:
        ComparisonError: the suite claims nothing.
    """
    if not suite.claims:
        raise ComparisonError(f"suite {suite.name!r} claims nothing: there is nothing to judge; add [[claim]] to the suite")
    needed = {series.case for claim in suite.claims for question in claim.tests for series in question.series}
    held = newest(results, suite, needed, tell)
    tried = {claim.id: [_tried(question, held) for question in claim.tests] for claim in suite.claims}
    adjusted = _adjusted(suite.claims, tried)
    return Ledger(
        suite=suite.name,
        suite_version=suite.version,
        machines=_machines(held.values()),
        sources={case.name: _source(held[case.name]) for case in suite.cases if case.name in held},
        claims=tuple(_judged(claim, adjusted[claim.id]) for claim in suite.claims),
    )


def newest(results: Path, suite: Suite, needed: Iterable[str], tell: Callable[[str], None]) -> dict[str, Held]:
    """Return for each case that is needed the newest of its measurements with the most seeds, if there are any.

    A few seeds that were run later do not hide all of them: that they are passed over is told.
    """
    declared = {case.name: case for case in suite.cases if case.name in set(needed)}
    wanted = {name: case.digest for name, case in declared.items()}
    held: dict[str, Held] = {}
    passed: dict[str, Held] = {}
    for run_set in reversed(run_sets(results, suite.name)):
        if not wanted:
            break
        try:
            found = _of(run_set, wanted)
        except ResultsError as error:
            tell(f"left out: {error}")
            continue
        better = {name: one for name, one in found.items() if name not in held or len(one.seeds) > len(held[name].seeds)}
        passed = {name: held[name] for name in better if name in held} | passed
        held |= better
        wanted = {name: digest for name, digest in wanted.items() if name not in held or not held[name].whole(declared[name])}
    for name, one in sorted(passed.items()):
        count = f"{seeds_words(len(one.seeds))} of {name}, fewer than the {len(held[name].seeds)} of {held[name].run_set.name}"
        tell(f"passed over: {one.run_set.name} has {count}")
    return held


def _of(run_set: RunSet, wanted: Mapping[str, str]) -> dict[str, Held]:
    """Return what a run set holds of the wanted cases; its tables are read only if it holds some."""
    manifest = run_set.manifest
    if not any(wanted.get(case.name) == case.digest for case in manifest.suite.cases):
        return {}
    return {
        name: Held(run_set, manifest.suite.version, side)
        for name, side in sides(run_set).items()
        if name in wanted and agree(side.case_digest, wanted[name])
    }


def _tried(question: Question, held: Mapping[str, Held]) -> _Tried:
    series = [(ref.case, _measured(held, ref.case, ref.metric)) for ref in question.series]
    samples = Samples(tuple(one or Measured({}, "1", "quality") for _, one in series))
    if lacking := [case for case, one in series if one is None]:
        return _Tried(question, samples, Finding("not run", reason=_why_not(lacking, held)))
    if several := _machines_of(samples):
        return _Tried(question, samples, Finding("inconclusive", reason=several))
    return _Tried(question, samples, decide(question, samples))


def _measured(held: Mapping[str, Held], case: str, metric: str) -> Measured | None:
    return measured(held[case].side, metric) if case in held else None


def _why_not(cases: Sequence[str], held: Mapping[str, Held]) -> str:
    names = list(dict.fromkeys(cases))
    absent = [name for name in names if name not in held]
    failed = [f"no run of {name} succeeded ({failures(held[name].side)})" for name in names if name in held]
    return "; ".join([*([f"not stored: {in_words(absent, ', ')}"] if absent else []), *([in_words(failed)] if failed else [])])


def _machines_of(samples: Samples) -> str:
    """Return why times and memory cannot be compared; '' where they are all of one machine."""
    timed = [one.machine_class for one in samples.series if one.metric_class == "machine"]
    alike = len(set(timed)) <= 1 and not any(one.startswith(MIXED) for one in timed)
    return "" if alike else "measured on several machines, whose times and memory cannot be compared"


def _adjusted(claims: Sequence[Claim], tried: Mapping[str, Sequence[_Tried]]) -> dict[str, list[_Tried]]:
    """Return all tests with their p-values adjusted for those of the same block; a test that several claims share is one."""
    blocks: dict[str, dict[Question, float]] = {}
    for claim in claims:
        for one in tried[claim.id]:
            if one.finding.p is not None:
                blocks.setdefault(claim.block, {})[_bare(one.question)] = one.finding.p
    adjusted = {name: dict(zip(tests, benjamini_hochberg(list(tests.values())), strict=True)) for name, tests in blocks.items()}
    return {claim.id: [_demoted(one, adjusted.get(claim.block, {})) for one in tried[claim.id]] for claim in claims}


def _bare(question: Question) -> Question:
    """Return a test without the words that one claim shows with it."""
    return question.model_copy(update={"why": ""})


def _demoted(one: _Tried, block: Mapping[Question, float]) -> _Tried:
    """Return a test with its adjusted p-value; what rests on a p-value that is not small any more is inconclusive."""
    finding = one.finding
    if finding.p is None:
        return one
    adjusted = block[_bare(one.question)]
    if finding.by_p and finding.outcome in ("supported", "refuted") and adjusted >= ALPHA:
        reason = f"{p_words(finding.p)} alone, {p_words(adjusted)} among the {len(block)} tests of its block"
        finding = replace(finding, outcome="inconclusive", reason=reason)
    return replace(one, finding=finding, adjusted=adjusted)


def _judged(claim: Claim, tried: Sequence[_Tried]) -> JudgedClaim:
    tests = tuple(_judged_test(one) for one in tried)
    return JudgedClaim(
        **claim.model_dump(exclude={"tests"}),
        verdict=judgement_of(claim.need, [test.outcome for test in tests]),
        tests=tests,
    )


def _judged_test(one: _Tried) -> JudgedTest:
    question, samples, finding = one.question, one.samples, one.finding
    unit = next((series.unit for series in samples.series if series.values), "1")
    bare = isinstance(question, Slope) or (isinstance(question, Difference) and question.relative)
    numbers = found(question, finding, samples) if finding.outcome != "not run" else ""
    return JudgedTest(
        kind=question.kind,
        asked=asked(question, unit),
        found=", ".join(filter(None, [numbers, p_words(one.adjusted)])),
        outcome=finding.outcome,
        reason="; ".join(filter(None, [finding.reason, in_words(samples.lacking)])),
        why=question.why,
        cases=tuple(dict.fromkeys(series.case for series in question.series)),
        unit="1" if bare else unit,
        seeds=len(samples.seeds),
        means=samples.means,
        estimate=finding.estimate,
        low=finding.low,
        high=finding.high,
        confidence=finding.confidence if finding.low is not None else None,
        margin=getattr(question, "margin", None),
        p=finding.p,
        p_adjusted=one.adjusted,
    )


def _source(held: Held) -> Source:
    runs, side = held.side.runs, held.side
    return Source(
        run_set=held.run_set.name,
        suite_version=held.suite_version,
        recorded_on=min((run.started_utc for run in runs if run.started_utc), default="")[:10],
        commit=", ".join(sorted({run.commit[:12] for run in runs if run.commit})),
        dirty=any(run.dirty for run in runs),
        code=", ".join(sorted({run.code[:12] for run in runs if run.code})),
        versions=side.version_key,
        machine_class=side.machine_class,
    )


def _machines(held: Iterable[Held]) -> dict[str, dict[str, str]]:
    """Return the fields of each machine class; of one on which a case's runs differ there are none."""
    machines = {one.side.machine_class: dict(one.side.machine) for one in held}
    return {name: machines[name] for name in sorted(machines) if name == short_digest(machines[name])}
