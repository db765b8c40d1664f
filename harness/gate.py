"""Judging stored results: a run set against its suite's baselines, or against another run set."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from harness.baseline import Baseline, find_standard, read_baselines
from harness.errors import ComparisonError, ResultsError, UsageError
from harness.project import Project
from harness.results import Manifest, RunSet, find_run_set, run_sets, sides
from harness.suite import Case, Suite, load_suite
from harness.verdicts import Holder, Verdict, judge, more_seeds_may_tell


@dataclass(frozen=True)
class Judged:
    """What came of judging one run set."""

    head: RunSet
    base: str
    """What it was judged against, in words."""
    verdicts: tuple[Verdict, ...]
    notice: str = ""
    """Which baselines the change that is judged has edited, in one line; '' where it has edited none."""


def judge_suite(
    project: Project, name: str, run_set: str | None = None, baselines_from: str | None = None, accept_renewed: bool = False
) -> Judged:
    """Judge a suite's run set against its baselines, as the suite file declares now, and store the verdicts.

    What no suite file declares, such as the runs of a script, is judged by the gates that it was run with.

    Args:
        project: where suite, results and baselines are.
        name: a suite, or its file.
        run_set: the run set's name or path; None takes the suite's last.
        baselines_from: the commit whose baselines count; None as in `judge_declared`.
        accept_renewed: whether baselines that the change renews with a new reason count all the same.

    Raises:
        SuiteError: the suite file has problems.
        UsageError: there is no such run set or commit, or it is another suite's.
        ResultsError: a table or a baseline cannot be read.
        ComparisonError: the suite gates nothing.
    """
    if name not in project.suite_files() and run_sets(project.results, name):
        head = find_suite_run_set(project, name, run_set)
        return judge_declared(project, head.manifest.suite, head, baselines_from, accept_renewed)
    declared = load_suite(project.suite_file(name), project.catalog())
    head = find_suite_run_set(project, declared.name, run_set)
    return judge_declared(project, declared, head, baselines_from, accept_renewed)


def judge_declared(
    project: Project, declared: Suite, head: RunSet, baselines_from: str | None = None, accept_renewed: bool = False
) -> Judged:
    """Judge a run set of a suite against the suite's baselines and store the verdicts.

    In CI, where HARNESS_BASE_REF or GITHUB_BASE_REF names the branch that a change is for, the baselines are those of the
    merge base with it: a change does not bring its own judge. Elsewhere they are the working tree's.

    Where verdicts cannot be stored, a line on stderr says so: judging does not depend on it.

    Raises:
        UsageError: there is no such commit.
        ResultsError: a table or a baseline cannot be read.
        ComparisonError: the suite gates nothing.
    """
    folder = project.baselines / declared.name
    manifest = head.manifest
    standard = find_standard(project.root, folder, baselines_from, accept_renewed)
    base = {case: baseline.side() for case, baseline in standard.baselines.items()}
    verdicts = [
        _noted(verdict, standard.note(verdict.case, verdict.metric))
        for verdict in judge(as_run(declared, manifest), sides(head), base, manifest.left_out)
    ]
    if not verdicts:
        raise ComparisonError(_nothing(declared, "add [gates] to the suite (a script gives `gates` to harness.measure)"))
    try:
        head.put("verdicts", [verdict.row() for verdict in verdicts])
    except ResultsError as error:
        print(f"warning: the verdicts are not stored: {error}", file=sys.stderr)
    words = _relative(folder, project) + (f" of {standard.commit[:12]}" if standard.commit else "")
    return Judged(head, words, tuple(verdicts), str(standard))


def _noted(verdict: Verdict, note: str) -> Verdict:
    return replace(verdict, note="; ".join(part for part in (verdict.note, note) if part)) if note else verdict


def undecided(project: Project, declared: Suite, accept_renewed: bool, head: RunSet) -> frozenset[str]:
    """Return the cases of a run set, judged as by `judge_declared`, on which more seeds might tell: a hard quality metric is
    inconclusive, all runs are there, and the base is large enough.

    Raises:
        ResultsError: a table or a baseline cannot be read.
        UsageError: as `judge_declared`.
    """
    try:
        verdicts = judge_declared(project, declared, head, accept_renewed=accept_renewed).verdicts
    except ComparisonError:
        return frozenset()
    hopeless = {verdict.case for verdict in verdicts if verdict.verdict == "missing" and verdict.level == "hard"}
    return frozenset(verdict.case for verdict in verdicts if more_seeds_may_tell(verdict)) - hopeless


def judge_run_sets(project: Project, base: str, head: str) -> Judged:
    """Judge one run set against another, or against a folder of baselines, by the gates that the head was run with.

    Raises:
        UsageError: one of them does not exist.
        ResultsError: a table or a baseline cannot be read.
        ComparisonError: nothing is gated.
    """
    new = find_run_set(project.results, head)
    manifest = new.manifest
    old = find_holder(project, base)
    verdicts = judge(manifest.suite, sides(new), old.sides, {*manifest.left_out, *old.left_out})
    if not verdicts:
        shown = f"`harness compare {base} {head} --metric NAME` shows numbers beside one another"
        raise ComparisonError(_nothing(manifest.suite, f"the head is judged by the gates that it was run with; {shown}"))
    return Judged(new, old.name, tuple(verdicts))


def find_suite_run_set(project: Project, suite: str, name: str | None) -> RunSet:
    """Return a suite's run set by its own name, `<suite>/<run set>` or path; the last one for None.

    Raises:
        UsageError: there is none, or it is another suite's.
    """
    own = [run_set for run_set in run_sets(project.results, suite) if run_set.path.name == name]
    found = own[0] if own else find_run_set(project.results, name or suite)
    if found.manifest.suite.name != suite:
        raise UsageError(f"{found.name} is a run set of suite {found.manifest.suite.name!r}, not of {suite!r}")
    return found


def as_run(declared: Suite, manifest: Manifest) -> Suite:
    """Return what a run set should hold: the declared suite, narrowed and overridden as the run set was.

    Only what a command line can override (cases, seeds, device, threads) is taken from the run set, and the budget of seeds,
    which counts as it was declared before the first look; all else, gates above all, is what the suite file says now.
    """
    ran = {case.name: case for case in manifest.suite.cases}
    cases = tuple(_overridden(case, ran) for case in declared.cases if case.name not in manifest.left_out)
    return declared.model_copy(update={"cases": cases})


def _overridden(case: Case, ran: Mapping[str, Case]) -> Case:
    if case.name not in ran:
        return case
    other = ran[case.name]
    execution = case.execution.model_copy(update={"device": other.execution.device, "threads": other.execution.threads})
    seeds = {key: getattr(other, key) for key in ("seeds", "more_seeds", "drawn_seeds")}
    return case.model_copy(update={**seeds, "execution": execution})


def find_holder(project: Project, name: str) -> Holder:
    """Return what a run set (a path, `<suite>/<run set>`, or a suite's last by its name) or a folder of baselines holds.

    Raises:
        UsageError: there is neither.
        ResultsError: a table or a baseline cannot be read.
    """
    if (folder := _baselines(name)) is not None:
        return _recorded(read_baselines(folder), _relative(folder, project))
    run_set = find_run_set(project.results, name)
    manifest, held = run_set.manifest, sides(run_set)
    runs = [run for side in held.values() for run in side.runs]
    commits = tuple(sorted({run.commit for run in runs if run.commit}))
    suite, dirty = manifest.suite, any(run.dirty for run in runs)
    made = manifest.created_utc, commits, dirty
    return Holder(run_set.name, suite.name, suite.version, held, *made, manifest.left_out)


def _recorded(baselines: Mapping[str, Baseline], words: str) -> Holder:
    """Return what baselines hold; there is at least one."""
    first, *_ = baselines.values()
    origins = [origin for baseline in baselines.values() for origin in baseline.run_sets]
    return Holder(
        name=words,
        suite=first.suite,
        version=max(baseline.suite_version for baseline in baselines.values()),
        sides={case: baseline.side() for case, baseline in baselines.items()},
        made_utc=max(baseline.recorded_on for baseline in baselines.values()),
        commits=tuple(sorted({commit for origin in origins for commit in origin.commits})),
        dirty=any(origin.dirty for origin in origins),
        is_run_set=False,
    )


def _baselines(name: str) -> Path | None:
    """Return the folder of baselines that a name is the path of; None for any other."""
    folder = Path(name)
    return folder if folder.is_dir() and any(folder.glob("*.json")) and not (folder / "manifest.json").exists() else None


def _nothing(suite: Suite, instead: str) -> str:
    """Return why nothing is judged, and what to do: the claims, where there are some, and `instead` where gates are of use."""
    claims = f"`harness claims {suite.name}` judges "
    if suite.cases and all(case.experiment for case in suite.cases):
        what = "runs experiments alone, which no gate judges"
        advice = [claims + ("what it claims of them" if suite.claims else "[[claim]]s of their outcomes, once it has some")]
    else:
        what = "gates no metric of these cases: nothing is judged"
        advice = [instead, *([claims + "what it claims"] if suite.claims else [])]
    return "; ".join([f"suite {suite.name!r} {what}", *advice])


def _relative(folder: Path, project: Project) -> str:
    real = folder.resolve()
    return str(real.relative_to(project.root)) if real.is_relative_to(project.root) else str(folder)
