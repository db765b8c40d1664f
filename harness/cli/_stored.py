"""What a stored run set, or one of its runs, holds, in words and tables for a terminal."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from harness.cli._sparkline import sparkline
from harness.cli._table import print_table

if TYPE_CHECKING:
    from harness.report import ReportData, Sample
    from harness.suite import Case

COST = ("train_throughput", "host_peak_memory")
SETTINGS = ("model", "data", "task", "device", "lane", "precision", "mode", "threads")
"""Columns of the runs table that say what a run was of."""
NAMED = 3
"""Metrics that a line on nulls names, of those that share a reason."""
LAST_LINES = 12
"""Lines of a failed run's log that are shown."""
LONGEST = 12
"""Characters of a text, such as a digest, that are shown."""
PLACES = {"machine": ("machine.cpu", "machine.gpu"), "versions": ("version.python", "version.torch")}
"""What is told of where a run ran -> the fields that tell it."""


def print_run_set(data: ReportData) -> None:
    """Print what a run set is, each case's numbers and losses, what failed, and what is null."""
    ok, state = int((data.runs["status"] == "ok").sum()), "complete" if data.manifest.complete else "unfinished"
    suite = data.manifest.suite
    print(f"{data.name}: {state}, {ok} of {len(data.runs)} runs ok")
    print(suite.why)
    print_facts(
        ("made", data.manifest.created_utc),
        ("suite version", str(suite.version)),
        ("left out", ", ".join(data.manifest.left_out)),
        *_surroundings(data, data.records),
        ("judged", _verdicts(data)),
    )
    if data.cases:
        print()
        columns = ("case", "seeds ok", "score", "mean", "95 % interval", *(data.title(name).lower() for name in COST), "loss")
        print_table(columns, (_case_row(data, case) for case in data.cases), right=columns[3:-1])
    _print_failed(data)
    print_nulls(data, [run["run_id"] for run in data.records])


def print_run(data: ReportData, run_id: str) -> None:
    """Print what one run is, how it ended, its losses and scores, its numbers, and what is null."""
    run = next(run for run in data.records if run["run_id"] == run_id)
    reason = f": {run['reason']}" if run["reason"] else ""
    seconds = "" if run["seconds"] is None else f" after {_show(run['seconds'], 's')}"
    print(f"{run_id}: {run['status']}{seconds}{reason}")
    case = next((case for case in data.cases if case.name == run["case"]), None)
    if case is not None and case.why:
        print(case.why)
    of_pass = "" if run["pass"] in (None, "train") else f", {run['pass']} pass"
    repeat = f", repeat {run['repeat']}" if case is not None and case.repeats > 1 else ""
    print_facts(
        ("run", f"{data.name}, {run['case']}, seed {run['seed']}{repeat}{of_pass}"),
        ("of", ", ".join(f"{name} {run[name]}" for name in SETTINGS if run[name])),
        ("started", run["started_utc"] or ""),
        *_surroundings(data, [run]),
        ("resumed", f"from a checkpoint at step {run['resumed']}" if run["resumed"] else ""),
        *_progress(data, run),
    )
    _print_log(data, run)
    rows = list(_numbers(data, run_id))
    if rows:
        print()
        print_table(("metric", "value", "class", "beware"), rows, right=("value",))
    print_nulls(data, [run_id])
    if run["status"] == "ok" and run["pass"] in (None, "train", "experiment"):
        print(f"\nto run it again and compare: harness reproduce {run_id}")


def print_facts(*facts: tuple[str, str]) -> None:
    """Print keys and values, a line each; those without a value are left out."""
    for key, value in facts:
        if value:
            print(f"{key}: {value}")


def print_nulls(data: ReportData, run_ids: Iterable[str]) -> None:
    """Print which metrics have no value in these runs, and why; those that share a reason are one line."""
    from harness.report import explain

    rows = data.measurements[data.measurements["run_id"].isin(list(run_ids))]
    lacking = rows[rows["value"].isna() & rows["value_text"].isna()]
    by_reason: dict[str, dict[str, None]] = {}
    for metric, reason in zip(lacking["metric"].tolist(), lacking["null_reason"].tolist(), strict=True):
        by_reason.setdefault(explain(reason if isinstance(reason, str) else ""), {})[metric] = None
    if by_reason:
        print(f"\nnull: {lacking['metric'].nunique()} of {rows['metric'].nunique()} metrics")
        ordered = sorted(by_reason.items(), key=lambda item: (-len(item[1]), item[0]))
        print_table(("metrics", "why"), ((_listed(list(metrics)), reason) for reason, metrics in ordered), words=("metrics",))


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(sorted(names)[:NAMED]) + more


def _show(value: float | None, unit: str) -> str:
    from harness.units import show

    return show(value, unit)


def _surroundings(data: ReportData, runs: Sequence[dict[str, Any]]) -> Iterator[tuple[str, str]]:
    """Yield the commits, machines and versions that runs were made with."""
    commits = {(run["commit"] or "")[:12] + ("+ (uncommitted changes)" if run["dirty"] else "") for run in runs}
    yield "commit", ", ".join(sorted(commits - {""}))
    digests = {run["environment_digest"] for run in runs}
    held = data.environments[data.environments["environment_digest"].isin(digests)]
    for title, keys in PLACES.items():
        found = {key.split(".")[1]: sorted(set(held["value"][held["key"] == key])) for key in keys}
        yield title, ", ".join(f"{name} {' or '.join(values)}" for name, values in found.items() if values)


def _verdicts(data: ReportData) -> str:
    from harness.verdicts import count_verdicts

    return count_verdicts(data.judgements) if data.judged else ""


def _case_row(data: ReportData, case: Case) -> tuple[str, ...]:
    metric = data.primary(case)
    sample = data.sample(case.name, metric)
    runs = [run for run in data.runs_of(case.name) if run["status"] == "ok"]
    return (
        case.name,
        f"{data.seeds_ok(case)}/{len(case.seeds)}",
        metric,
        _show(sample.mean, sample.unit),
        _interval(sample),
        *(_show(data.sample(case.name, name).mean, data.unit(name)) for name in COST),
        _losses(data, runs[0]["run_id"]) if runs else "",
    )


def _interval(sample: Sample) -> str:
    if sample.interval is None:
        return ""
    return " to ".join(_show(end, sample.unit) for end in sample.interval)


def _losses(data: ReportData, run_id: str) -> str:
    """Return a run's losses as a line of bars with the first and the last; '' without any."""
    losses = _loss_values(data, run_id)
    return f"{sparkline(losses)} {_show(losses[0], '1')} → {_show(losses[-1], '1')}" if losses else ""


def _loss_values(data: ReportData, run_id: str) -> list[float]:
    steps = data.steps_of(run_id)
    if steps is None or steps["loss"].isna().all():
        return []
    return [float(loss) for loss in steps["loss"]]


def _progress(data: ReportData, run: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield a run's losses, and how each score went while it trained."""
    losses = _loss_values(data, run["run_id"])
    yield "loss", f"{_losses(data, run['run_id'])}, {len(losses)} steps" if losses else ""
    broken = next((step for step, loss in enumerate(losses, start=1) if not math.isfinite(loss)), None)
    yield "not finite", f"from step {broken} on" if broken else ""
    rows = data.evaluations[data.evaluations["run_id"] == run["run_id"]].sort_values(["step"])
    for (split, metric), found in rows.groupby(["split", "metric"]):
        values = [float(value) for value in found["value"]]
        ends = f"{_show(values[0], '1')} → {_show(values[-1], '1')}"
        yield f"{split} {metric}", f"{sparkline(values)} {ends}, {len(values)} evaluations"


def _numbers(data: ReportData, run_id: str) -> Iterator[tuple[str, ...]]:
    rows = data.measurements[data.measurements["run_id"] == run_id].to_dict("records")
    for row in sorted(rows, key=lambda row: str(row["metric"])):
        text, flag = row["value_text"], row["quality_flag"]
        if isinstance(text, str):
            shown = text if len(text) <= LONGEST else f"{text[:LONGEST]}…"
        elif isinstance(row["value"], float) and math.isnan(row["value"]):
            continue
        else:
            shown = _show(row["value"], row["unit"])
        yield row["metric"], shown, row["class"], flag.replace("_", " ") if isinstance(flag, str) else ""


def _print_failed(data: ReportData) -> None:
    failed = [run for run in data.records if run["status"] != "ok"]
    if failed:
        print(f"\nnot ok: {len(failed)} of {len(data.runs)} runs")
        columns = ("run", "case", "seed", "pass", "status", "reason")
        rows = [(run["run_id"], *(run[name] or "" for name in columns[1:])) for run in failed]
        print_table(columns, rows, right=("seed",))
    for case in data.cases:
        if absent := data.absent_runs(case):
            print(f"not there: {absent} runs of {case.name}")


def _print_log(data: ReportData, run: dict[str, Any]) -> None:
    """Print the end of what a failed run wrote, if it was kept."""
    file = data.path / "logs" / f"{run['run_id']}.txt"
    if run["status"] == "ok" or not file.is_file():
        return
    lines = file.read_text(encoding="utf-8", errors="replace").rstrip().splitlines()
    print(f"log: {file}")
    for line in lines[-LAST_LINES:]:
        print(f"  {line}")
