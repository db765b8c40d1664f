"""Propose, promote, show and compare baselines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli._base import Command
from harness.errors import ExitCode, UsageError, among

if TYPE_CHECKING:
    from harness.baseline import Baseline
    from harness.project import Project
    from harness.results import RunSet

Suite = Annotated[str, typer.Argument(metavar="SUITE", help="Suite name.")]
Reason = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why the baseline is set or moved; reviewers read it.")]
From = Annotated[
    list[str] | None,
    typer.Option(
        "--from", metavar="RUN_SET", help="Take this run set (repeatable, samples are merged); default the last complete one."
    ),
]
AllowDirty = Annotated[
    bool, typer.Option("--allow-dirty", help="Take runs of uncommitted code too; the baseline then says that they were.")
]
Revision = Annotated[
    str | None,
    typer.Argument(
        metavar="[REV]",
        help="Compare with this commit. Default: the merge base with HARNESS_BASE_REF or GITHUB_BASE_REF if set, else HEAD.",
    ),
]
Cases = Annotated[list[str] | None, typer.Argument(metavar="[CASE]...", help="Only these cases.")]
OneCase = Annotated[str | None, typer.Argument(metavar="[CASE]", help="Only this case.")]


def propose_baselines(suite: Suite, reason: Reason, sources: From = None, allow_dirty: AllowDirty = False) -> ExitCode:
    """Make proposals from run sets, beside the last of them, and show what they would change.

    Refused are runs that are not ok, absent or of uncommitted code, exact numbers that do not repeat, fewer than three seeds.

    Examples: harness baseline propose articles --reason "first baseline of the GPU runner"
    · harness baseline propose articles --reason "two days" --from 20260102T030405Z --from 20260103T030405Z
    """
    from harness.baseline import changes, propose, read_baselines, write_proposals
    from harness.cli._table import print_table
    from harness.project import find_project

    project = find_project()
    run_sets = _sources(project, suite, sources or [])
    proposal = propose(run_sets, reason, allow_dirty)
    current = read_baselines(project.baselines / suite)
    folder = write_proposals(run_sets[-1], proposal.baselines)
    rows = [row for new in proposal.baselines for row in changes(current.get(new.case), new)]
    print_table(("case", "metric", "n", "before: mean ± sd", "after: mean ± sd"), rows)
    for warning in proposal.warnings:
        print(f"warning: {warning}")
    print(f"{_count(proposal.baselines)} proposed in {folder}; accept with `harness baseline promote {suite}`")
    return ExitCode.PASS


def _sources(project: Project, suite: str, names: list[str]) -> list[RunSet]:
    from harness.gate import find_suite_run_set
    from harness.results import run_sets

    if names:
        found = {found.path: found for name in names for found in [find_suite_run_set(project, suite, name)]}
        return list(found.values())
    complete = [run_set for run_set in run_sets(project.results, suite) if run_set.manifest.complete]
    if not complete:
        raise UsageError(f"no complete run set of suite {suite!r} in {project.results}; make one with `harness run {suite}`")
    return complete[-1:]


def promote_baselines(suite: Suite, cases: Cases = None) -> ExitCode:
    """Move proposals into results/baselines, where git sees them.

    Example: harness baseline promote articles
    """
    from harness.baseline import find_proposals, promote
    from harness.project import find_project

    project = find_project()
    for path in promote(find_proposals(project.results, suite), project.baselines / suite, cases or ()):
        print(path)
    return ExitCode.PASS


def show_baselines(suite: Suite, case: OneCase = None) -> ExitCode:
    """Show what a suite's baselines hold.

    Example: harness baseline show articles
    """
    from harness.baseline import contents, read_baselines
    from harness.cli._table import print_table
    from harness.project import find_project

    folder = find_project().baselines / suite
    held = read_baselines(folder)
    if not held:
        raise UsageError(f"no baselines in {folder}; make them with `harness baseline propose {suite} --reason TEXT`")
    if case is not None and case not in held:
        known = among(case, held, f"harness baseline show {suite}", word="held")
        raise UsageError(f"no baseline of case {case!r} in {folder}{known}")
    for baseline in [held[case]] if case else held.values():
        print("\n".join(_about(baseline)))
        print_table(("metric", "class", "n", "mean ± sd"), list(contents(baseline)), right=("n",))
    return ExitCode.PASS


def diff_baselines(revision: Revision = None) -> ExitCode:
    """Show the baselines of all suites that differ from a commit's: why, and each metric before and after.

    Examples: harness baseline diff · harness baseline diff main
    """
    from harness.baseline import base_commit, changes, committed_suites, edits, find_commit, read_baselines, read_committed
    from harness.cli._table import print_table
    from harness.project import find_project

    project = find_project()
    root, folder = project.root, project.baselines
    commit = find_commit(root, revision) if revision is not None else base_commit(root) or find_commit(root, "HEAD")
    present = [path.name for path in folder.iterdir() if path.is_dir()] if folder.is_dir() else []
    rows = []
    for suite in sorted({*present, *committed_suites(root, commit, folder)}):
        now = read_baselines(folder / suite, suite)
        for edit in edits(read_committed(root, commit, folder / suite), now):
            print(f"{suite}: {edit}" + (f"; {edit.surroundings}" if edit.surroundings else ""))
            rows += [(suite, *row) for row in changes(edit.before, edit.now) if row.metric in edit.metrics]
    if rows:
        print_table(("suite", "case", "metric", "n", "before: mean ± sd", "after: mean ± sd"), rows)
    else:
        print(f"every baseline holds what it does in {commit[:12]}")
    return ExitCode.PASS


def _about(baseline: Baseline) -> list[str]:
    sources = ", ".join(f"{source.name} ({source.recorded_on})" for source in baseline.run_sets)
    commits = sorted({commit[:12] for source in baseline.run_sets for commit in source.commits})
    return [
        f"{baseline.case}: {baseline.reason}",
        f"recorded {baseline.recorded_on} from {sources}, commit {', '.join(commits) or 'unknown'}, {baseline.version_key}",
        f"machine {baseline.machine_class}: {_fields(baseline.machine)}",
    ]


def _fields(fields: dict[str, str]) -> str:
    return ", ".join(f"{key} {value}" for key, value in sorted(fields.items()))


def _count(baselines: tuple[Baseline, ...]) -> str:
    return f"{len(baselines)} baseline{'s' if len(baselines) != 1 else ''}"


COMMAND = Command(
    group={"propose": propose_baselines, "promote": promote_baselines, "show": show_baselines, "diff": diff_baselines}, order=50
)
