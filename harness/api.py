"""What the commands do, for Python: `harness.run`, `harness.load`, `harness.compare`."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from harness.project import Project, find_project
from harness.suite import Overrides, load_suite, narrow

if TYPE_CHECKING:
    import pandas as pd

    from harness.results import RunSet
    from harness.runner.execute import Ran


def run(
    suite: str | Path,
    *,
    keyword: str | None = None,
    tags: Sequence[str] = (),
    seeds: Iterable[int] | None = None,
    device: str | None = None,
    threads: int | None = None,
    fresh: bool = False,
    until_decided: bool = False,
    catalogues: Iterable[Path] = (),
) -> RunSet:
    """Train and measure a suite, as `harness run` does, and return its run set.

    Args:
        suite: name of one of the project's suites, or a suite file.
        keyword: only cases whose name contains it.
        tags: only cases with one of these tags.
        seeds: seeds to run instead of the suite's.
        device: cpu, cuda, cuda:1 or auto, instead of the suite's.
        threads: threads of each run, instead of the suite's.
        fresh: start a new run set even if the last is unfinished.
        until_decided: draw seeds from the cases' `more_seeds` while the verdict on a hard quality metric is inconclusive.
        catalogues: folders of your own parts, besides those that the project declares.

    Raises:
        SuiteError: the suite file has problems; lists every one.
        ResultsError: the results folder cannot be written.
    """
    overrides = Overrides(keyword, tuple(tags), tuple(seeds) if seeds is not None else None, device, threads)
    return run_suite(find_project(catalogues=catalogues), str(suite), overrides, fresh, until_decided).run_set


def run_suite(
    project: Project,
    suite: str,
    overrides: Overrides,
    fresh: bool = False,
    until_decided: bool = False,
    accept_renewed: bool = False,
) -> Ran:
    """Run a suite of `project` and return the run set with its statuses.

    `until_decided` draws seeds as verdicts need them, and `accept_renewed` is of these (`harness.gate.judge_suite`). What would
    keep them from being judged is an error before anything is measured.
    """
    from harness.baseline import find_standard
    from harness.gate import undecided
    from harness.runner.execute import execute

    file = project.suite_file(suite)
    declared = load_suite(file, project.catalog())
    narrowed, left_out = narrow(declared, overrides)
    asked = f"{os.path.relpath(file, project.root)} {overrides}".strip()
    if not until_decided:
        return execute(project, narrowed, left_out, fresh, asked)
    find_standard(project.root, project.baselines / declared.name, accept_renewed=accept_renewed)
    return execute(project, narrowed, left_out, fresh, asked, partial(undecided, project, declared, accept_renewed))


def load(run_set: str | Path) -> dict[str, pd.DataFrame]:
    """Return the tables of a run set (a path, `<suite>/<run set>`, or a suite's last by its name) as DataFrames.

    Raises:
        UsageError: there is no such run set.
        ResultsError: a table is damaged.
    """
    from harness.results import RUN_TABLES, find_run_set

    found = find_run_set(find_project().results, str(run_set))
    return {name: found.table(name) for name in (*RUN_TABLES, "verdicts", "claims")}


def compare(head: str | Path, base: str | Path | None = None, *, catalogues: Iterable[Path] = ()) -> pd.DataFrame:
    """Judge results and return one row a verdict, with the columns of the verdicts table.

    Args:
        head: what is judged: a suite's name for its last run set, `<suite>/<run set>`, or a path.
        base: what it is judged against, likewise; None takes the baselines of the head's suite, as `harness gate` does, and the
            gates of its file in the project, where there is one, else those that the head was run with.
        catalogues: folders of your own parts, besides those that the project declares.

    Raises:
        UsageError: one of them does not exist.
        ResultsError: a table or a baseline is damaged.
        ComparisonError: nothing is gated.
    """
    from harness.gate import judge_declared, judge_run_sets
    from harness.results import find_run_set
    from harness.verdicts import compare_frame

    project = find_project(catalogues=catalogues)
    if base is not None:
        return compare_frame(judge_run_sets(project, str(base), str(head)).verdicts)
    run_set = find_run_set(project.results, str(head))
    suite = run_set.manifest.suite
    file = project.suite_files().get(suite.name)
    return compare_frame(judge_declared(project, load_suite(file, project.catalog()) if file else suite, run_set).verdicts)
