"""Where the numbers come from: machines, versions and flags, the command behind each run, and what failed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from harness.observations import MAIN_PASSES
from harness.report._base import Block, Cell, Column, Details, Facts, Heading, Paragraph, Row, Section, Table
from harness.report._cells import number_cell, status_cell
from harness.report._data import ReportData
from harness.report._sample import text_of

GROUPS = {
    "machine": "Machine",
    "version": "Versions",
    "numeric": "Numeric fingerprint",
    "flag": "Flags",
    "setting": "Settings",
    "distribution": "Installed distributions",
}
"""Group of fields -> its heading; any other follows under its own name."""

FOLDED = ("numeric", "flag", "setting", "distribution")
"""Groups that open on demand."""

VERSIONS = ("python", "torch", "numpy", "benchmark-harness", "kernel", "gpu_driver")
"""The versions that are shown; the others are distributions that were installed beside."""


def _build(data: ReportData) -> Sequence[Block]:
    if not len(data.runs):
        return [Paragraph("No run is stored, so no environment is known.", "muted")]
    return [*_failed(data), *_environments(data), *_reproduce(data)]


def _failed(data: ReportData) -> list[Block]:
    failed = [run for run in data.records if run["status"] != "ok"]
    if not failed:
        return [Paragraph(f"Every stored run succeeded: {len(data.runs)}.", "good")]
    columns = (
        Column("Case"),
        Column("Seed", "number"),
        Column("Pass"),
        Column("Status"),
        Column("Reason"),
        Column("Ran for", "number"),
        Column("To run it again", "code"),
    )
    rows = tuple(
        Row(
            (
                Cell(run["case"]),
                Cell(str(run["seed"]), sort=run["seed"]),
                Cell(run["pass"] or "train"),
                status_cell(run["status"]),
                Cell(run["reason"] or "no reason stored"),
                number_cell(run["seconds"], "s"),
                Cell(command(run)),
            ),
            run["case"],
        )
        for run in failed
    )
    return [Table(columns, rows, f"Runs that did not succeed: {len(failed)} of {len(data.runs)}")]


def command(run: dict[str, Any]) -> str:
    """Return the command that makes a run again. The comma makes `--seeds 3` one seed rather than three."""
    return f"harness run {run['suite']} -k {run['case']} --seeds {run['seed']},"


def _environments(data: ReportData) -> list[Block]:
    """The environment of most runs in full; of each other one what differs from it."""
    counts = Counter(text_of(digest) for digest in data.runs["environment_digest"])
    blocks: list[Block] = []
    first: dict[str, str] | None = None
    for digest, count in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
        rows = data.environments[data.environments["environment_digest"] == digest]
        described = dict(zip(rows["key"], rows["value"], strict=True))
        if len(counts) > 1:
            blocks.append(Heading(f"Environment {digest[:12] or 'unknown'}: {count} of {len(data.runs)} runs"))
        blocks += _facts(described) if first is None or not described else [_difference(first, described)]
        first = described if first is None else first
    return blocks


def _difference(first: dict[str, str], other: dict[str, str]) -> Facts:
    """Return what an environment has otherwise than the first one."""
    keys = sorted(key for key in first.keys() | other.keys() if first.get(key) != other.get(key))
    items = tuple((key.replace(".", " ").replace("_", " "), _instead(other.get(key), first.get(key))) for key in keys)
    return Facts(items, "As the first, but for")


def _instead(value: str | None, first: str | None) -> str:
    return f"{value or 'none'} in place of {first or 'none'}"


def _facts(described: dict[str, str]) -> list[Block]:
    if not described:
        return [Paragraph("Nothing is stored about it: the runs ended before they could look.", "warn")]
    groups: dict[str, list[tuple[str, str]]] = {}
    for key, value in sorted(described.items()):
        group, _, name = key.partition(".")
        group = "distribution" if group == "version" and name not in VERSIONS else group
        groups.setdefault(group if name else "", []).append((name.replace("_", " ") or key, value or "none"))
    names = [*(name for name in GROUPS if name in groups), *sorted(set(groups) - set(GROUPS))]
    facts = {name: Facts(tuple(groups[name]), GROUPS.get(name, name)) for name in names}
    shown = [facts[name] for name in names if name not in FOLDED]
    folded = tuple(facts[name] for name in names if name in FOLDED)
    summary = "Numeric fingerprint, flags, settings and installed distributions"
    return [*shown, *([Details(summary, folded)] if folded else [])]


def _reproduce(data: ReportData) -> list[Block]:
    """How to get each row again: all numbers of a row come from the runs of its case."""
    commits = sorted({(run["commit"] or "no commit", bool(run["dirty"]), run["diff_digest"] or "") for run in data.records})
    listed = [f"{commit}{_changes(diff) if dirty else ''}" for commit, dirty, diff in commits]
    suite = data.manifest.suite.name
    facts = (
        ("Commit", ", ".join(listed)),
        ("Everything", f"`harness bench {suite}`"),
        ("One case", f"`harness run {suite} -k CASE --fresh`"),
        ("One run", "`harness reproduce RUN`: trains it again and compares losses, scores and digests; each run's is below"),
    )
    columns = (
        Column("Case"),
        Column("Seed", "number"),
        Column("To reproduce it", "code"),
        Column("Commit", "code"),
        Column("Key", "code", "The run's key: a digest of its case, code, data and numeric fingerprint"),
    )
    rows = tuple(
        Row(
            (
                Cell(run["case"]),
                Cell(str(run["seed"]), sort=run["seed"]),
                Cell(f"harness reproduce {run['run_id']}"),
                Cell((run["commit"] or "none")[:12], badge="uncommitted changes" if run["dirty"] else ""),
                Cell((run["run_key"] or "none")[:12]),
            ),
            run["case"],
        )
        for run in data.records
        if run["pass"] in MAIN_PASSES and run["status"] == "ok"
    )
    table = Table(columns, rows, empty="No run succeeded.")
    return [Facts(facts, "Reproduce"), Details(f"The command behind each of {len(rows)} runs", (table,), html_only=True)]


def _changes(diff: str) -> str:
    return f" with uncommitted changes{f' (SHA-256 of git diff HEAD: {diff[:12]})' if diff else ''}"


SECTION = Section("Environment", 70, _build, markdown="folded")
