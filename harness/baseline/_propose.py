"""Makes baselines from run sets, or refuses and says everything that speaks against it."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from harness.baseline._model import Baseline, Null, StoredMetric, StoredRunSet, StoredValue
from harness.errors import MeasuringError, UsageError
from harness.results import MIXED, RunSet, RunState, Sample, Series, Side, absent_runs, agree, differing, sides
from harness.suite import Case

MIN_SEEDS = 3
"""Seeds below which the gate finds every quality metric inconclusive: two say nothing of the spread."""
WANTED_SEEDS = 10
"""Seeds that the quality gate wants: with 10 a drop of 3 standard deviations is significant, with 5 one of 4.1."""

LONG, CONTEXT = 64, 16
"""Characters of a text that a message shows, and how many of them before the first that differs."""


@dataclass(frozen=True)
class Proposal:
    """Baselines that may be promoted, and what a reviewer should know."""

    suite: str
    baselines: tuple[Baseline, ...]
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class _Source:
    """One case as one run set holds it."""

    run_set: RunSet
    case: Case
    side: Side


def propose(run_sets: Sequence[RunSet], reason: str, allow_dirty: bool = False) -> Proposal:
    """Return a baseline for each case that the run sets hold, their samples merged.

    Args:
        run_sets: of one suite.
        reason: why the baseline is set or moved; it is stored.
        allow_dirty: whether runs of uncommitted code are taken.

    Raises:
        UsageError: no reason, no run set, or run sets of several suites.
        MeasuringError: a run set is incomplete, a run is absent or not ok, an exact metric does not repeat, run sets
            are of different definitions, machines or versions, code was not committed, or a quality metric has fewer than
            three seeds; lists everything.
    """
    if not reason.strip():
        raise UsageError("--reason: a baseline needs one; a reviewer reads it")
    names = sorted({run_set.manifest.suite.name for run_set in run_sets})
    if len(names) != 1:
        raise UsageError(f"a baseline is made from run sets of one suite; found {', '.join(names) or 'none'}")
    problems = [
        f"{run_set.name}: incomplete; go on with `harness run {names[0]}`"
        for run_set in run_sets
        if not run_set.manifest.complete
    ]
    cases: dict[str, list[_Source]] = {}
    for run_set in run_sets:
        held = sides(run_set)
        for case in run_set.manifest.suite.cases:
            if case.name in held:
                cases.setdefault(case.name, []).append(_Source(run_set, case, held[case.name]))
            else:
                problems.append(f"{case.name}: no run in {run_set.name}")
    for sources in cases.values():
        problems += _problems(sources)
        problems += [] if allow_dirty else _uncommitted(sources)
    if problems:
        raise MeasuringError("\n  ".join(["no baseline can be made of this:", *dict.fromkeys(problems)]))
    baselines = tuple(_baseline(sources, reason.strip()) for sources in cases.values())
    return Proposal(names[0], baselines, (*_warnings(baselines), *_disturbed(run_sets)))


def _problems(sources: list[_Source]) -> Iterator[str]:
    """Yield what speaks against a baseline of one case."""
    case = sources[0].case.name
    for source in sources:
        yield from (f"{case}: {problem} in {source.run_set.name}" for problem in _run_problems(source))
    for source in sources[1:]:
        yield from (f"{case}: {problem}" for problem in _mismatches(sources[0], source))
    merged = _merged(sources)
    seeds = _quality_seeds(merged.values())
    if 0 < seeds < MIN_SEEDS:
        count = f"{seeds} seed{'s' if seeds > 1 else ''}"
        yield f"{case}: {count}, and a baseline of quality metrics needs {MIN_SEEDS}: run it with --seeds {WANTED_SEEDS}"
    for series in merged.values():
        yield from (f"{case}: {series.metric}: {problem}" for problem in _value_problems(series))


def _uncommitted(sources: list[_Source]) -> Iterator[str]:
    for source in sources:
        if any(run.dirty for run in source.side.runs):
            yield (
                f"{source.run_set.name}: measured with uncommitted changes, so that no commit holds the code: commit and run "
                "again, or insist with --allow-dirty"
            )


def _quality_seeds(metrics: Iterable[Series]) -> int:
    """Return the number of seeds that quality metrics have values of; 0 where there are no such metrics."""
    return max((len(metric.by_seed) for metric in metrics if metric.metric_class == "quality"), default=0)


def _run_problems(source: _Source) -> Iterator[str]:
    yield from absent_runs(source.case, source.side.runs)
    for run in source.side.runs:
        if run.status != "ok":
            yield str(run)
    yield from source.side.problems
    for name in ("machine_class", "numeric_fingerprint", "version_key"):
        if (found := getattr(source.side, name)).startswith(MIXED):
            yield f"runs disagree on {name.replace('_', ' ')}: {found.removeprefix(MIXED)}"


def _mismatches(first: _Source, other: _Source) -> Iterator[str]:
    """Yield why two run sets' samples cannot be merged."""
    one, two = first.side, other.side
    between = f"{first.run_set.name} and {other.run_set.name} differ in"
    if one.suite_version != two.suite_version:
        yield f"{between} suite version: {one.suite_version} → {two.suite_version}"
    if one.case_digest != two.case_digest:
        yield f"{between} definition: {differing(one.specification, two.specification)}"
    if one.version_key != two.version_key:
        yield f"{between} versions: {one.version_key} → {two.version_key}"
    if not agree(one.machine_class, two.machine_class):
        fields = differing(one.machine, two.machine) or f"{one.machine_class} → {two.machine_class}"
        yield f"{between} machine class: {fields}"
    if not agree(one.numeric_fingerprint, two.numeric_fingerprint):
        fields = differing(one.numeric, two.numeric) or f"{one.numeric_fingerprint} → {two.numeric_fingerprint}"
        yield f"{between} numeric fingerprint: {fields}"


def _value_problems(series: Series) -> Iterator[str]:
    yield from series.problems
    for sample in series.samples:
        if isinstance(sample.value, float) and not math.isfinite(sample.value):
            yield f"seed {sample.seed}: not finite ({sample.value})"
    if series.metric_class == "exact":
        for seed, values in series.by_seed.items():
            if len(set(values)) > 1:
                yield f"seed {seed}: not reproducible: {_where_apart([str(value) for value in dict.fromkeys(values)])}"


def _where_apart(texts: list[str]) -> str:
    """Return different texts, long ones cut to where they part."""
    parted = next((place for place, letters in enumerate(zip(*texts, strict=False)) if len(set(letters)) > 1), 0)
    start = max(0, parted - CONTEXT)
    return " and ".join(text if len(text) <= LONG else f"…{text[start : start + LONG]}…" for text in texts)


def _merged(sources: list[_Source]) -> dict[str, Series]:
    """Return each metric with the samples of all run sets, in their order."""
    merged: dict[str, Series] = {}
    for source in sources:
        for name, series in source.side.metrics.items():
            merged[name] = _joined(merged[name], series) if name in merged else series
    return merged


def _joined(one: Series, two: Series) -> Series:
    changed = [
        f"{name} {getattr(one, name)} → {getattr(two, name)}"
        for name in ("unit", "direction", "metric_class", "scope")
        if getattr(one, name) != getattr(two, name)
    ]
    return replace(
        one,
        samples=(*one.samples, *two.samples),
        passes=tuple(sorted({*one.passes, *two.passes})),
        problems=(*one.problems, *two.problems, *changed),
    )


def _baseline(sources: list[_Source], reason: str) -> Baseline:
    first = sources[0].side
    return Baseline(
        suite=sources[0].run_set.manifest.suite.name,
        suite_version=first.suite_version,
        case=sources[0].case.name,
        case_digest=first.case_digest,
        specification=dict(first.specification),
        reason=reason,
        run_sets=tuple(_origin(source.run_set.path.name, source.side.runs) for source in sources),
        version_key=first.version_key,
        machine_class=first.machine_class,
        machine=dict(first.machine),
        numeric_fingerprint=first.numeric_fingerprint,
        numeric=dict(first.numeric),
        metrics={name: _stored(series) for name, series in sorted(_merged(sources).items())},
    )


def _origin(name: str, runs: Sequence[RunState]) -> StoredRunSet:
    return StoredRunSet(
        name=name,
        recorded_on=max(run.started_utc for run in runs)[:10],
        commits=tuple(sorted({run.commit for run in runs if run.commit})),
        dirty=any(run.dirty for run in runs),
    )


def _stored(series: Series) -> StoredMetric:
    samples: dict[int, tuple[StoredValue, ...]] = {}
    for sample in series.samples:
        samples[sample.seed] = (*samples.get(sample.seed, ()), _value(sample))
    return StoredMetric.model_validate(
        {
            "class": series.metric_class,
            "unit": series.unit,
            "direction": series.direction,
            "scope": series.scope,
            "n": len(series.samples),
            "samples": samples,
        }
    )


def _value(sample: Sample) -> StoredValue:
    return Null(null=sample.null_reason) if sample.value is None else sample.value


def _warnings(baselines: Sequence[Baseline]) -> Iterator[str]:
    few = {case.case: seeds for case in baselines if 0 < (seeds := _quality_seeds(case.side().metrics.values())) < WANTED_SEEDS}
    if few:
        counts = ", ".join(f"{case} {seeds}" for case, seeds in few.items())
        yield f"few seeds ({counts}): the gate wants at least {WANTED_SEEDS} seeds; run with --seeds {WANTED_SEEDS}"
    if once := [baseline.case for baseline in baselines if not _repeated(baseline)]:
        yield (
            f"no seed ran twice ({', '.join(once)}): nothing shows that exact numbers repeat; run the suite again with "
            "--seeds 1 and name both run sets with --from"
        )
    if any(len({run_set.recorded_on for run_set in baseline.run_sets}) < 2 for baseline in baselines):
        yield "all runs are of one day: speed drifts between days; merge run sets of several with --from"
    if any(run_set.dirty for baseline in baselines for run_set in baseline.run_sets):
        yield "runs were made with uncommitted changes: no commit holds the code that they measured"


def _disturbed(run_sets: Sequence[RunSet]) -> Iterator[str]:
    """Yield how many machine numbers were flagged as they were measured, and as what."""
    flags: Counter[str] = Counter()
    for run_set in run_sets:
        rows = run_set.table("measurements", ["class", "quality_flag"])
        flags.update(rows.loc[rows["class"] == "machine", "quality_flag"].dropna())
    if flags:
        counts = ", ".join(f"{flag} {count}" for flag, count in sorted(flags.items()))
        yield f"{flags.total()} machine numbers are flagged ({counts}): what disturbed them is in the spread that judges others"


def _repeated(baseline: Baseline) -> bool:
    """Whether some seed ran twice, or nothing in the baseline is exact."""
    exact = [metric for metric in baseline.metrics.values() if metric.metric_class == "exact"]
    return not exact or any(len(values) > 1 for metric in exact for values in metric.samples.values())
