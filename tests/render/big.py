"""Run sets of the size that reports meet, filled with made-up numbers from a seeded stream, written table by table."""

from __future__ import annotations

import io
import math
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from harness.catalog import Catalog
from harness.metrics import Metric
from harness.results import RUN_TABLES, TABLES, RunSet
from harness.suite import Case, Suite, load_suite

ROOT = Path(__file__).parents[2]
STEPS = 230
"""Of a training of the articles, about."""
PASSES = ("memory", "counters")


def articles() -> Suite:
    """Return the suite of the articles' models, as it is shipped."""
    return load_suite(ROOT / "suites" / "articles.toml", Catalog())


def filled(results: Path, suite: Suite, steps: int = STEPS, hour: int = 0, drift: float = 1.0) -> RunSet:
    """Store a run set in which every run of a suite succeeded, with every metric, verdicts, pictures and readings.

    Args:
        results: the folder of run sets.
        suite: its cases decide how many runs there are.
        steps: training steps of each run.
        hour: of the day at which it was run.
        drift: times by which every machine metric differs from what it would be.
    """
    run_set = RunSet.create(results, suite)
    stream = np.random.default_rng(len(suite.cases))
    metrics: dict[str, Metric] = {name: part.load() for name, part in Catalog().parts("metrics").items()}
    rows: dict[str, list[dict[str, Any]]] = {name: [] for name in RUN_TABLES}
    for place, (case, measures, seed) in enumerate(_runs(suite)):
        run_id = f"{case.name}-s{seed}-{measures}"
        rows["runs"].append(
            _run(run_set, case, measures, seed, run_id, f"2026-01-02T{hour:02d}:{place // 60 % 60:02d}:{place % 60:02d}")
        )
        rows["measurements"] += _measurements(run_id, case, measures, metrics, stream, drift)
        rows["host_samples"] += _readings(run_id, stream)
        if measures == "train":
            rows["steps"] += _steps(run_id, steps, stream)
            rows["evaluations"] += _evaluations(run_id, stream)
        if measures == "train" and seed == 1 and case.task.name == "adversarial":
            rows["images"].append({"run_id": run_id, "title": "samples", "png": picture(stream)})
    first = rows["runs"][0]["run_id"]
    rows["samples"] = list(_gpu(first, stream))
    rows["environments"] = [_row("environments", environment_digest="e", key="machine.cpu", value="Example CPU")]
    for name, found in rows.items():
        run_set.put(name, found)
    run_set.put("verdicts", list(_verdicts(suite, metrics, stream)))
    run_set.update(complete=True)
    return run_set


def _runs(suite: Suite) -> Iterator[tuple[Case, str, int]]:
    for case in suite.cases:
        for measures, seed, _ in case.runs():
            yield case, measures, seed


def _row(table: str, **given: Any) -> dict[str, Any]:
    return {name: given.get(name) for name in TABLES[table].names}


def _run(run_set: RunSet, case: Case, measures: str, seed: int, run_id: str, started: str) -> dict[str, Any]:
    return _row(
        "runs",
        run_id=run_id,
        run_key="c0ffee" * 10,
        suite=run_set.path.parent.name,
        case=case.name,
        case_digest=case.digest,
        model=case.model.name,
        data=case.data.name,
        task=case.task.name,
        seed=seed,
        repeat=1,
        arm="solo",
        block=0,
        restart=0,
        lane="speed",
        **{"pass": measures},
        device="cpu",
        status="ok",
        reason="",
        commit="0123456789abcdef0123456789abcdef01234567",
        dirty=False,
        started_utc=f"{started}+00:00",
        seconds=1.5,
        machine_class="m",
        environment_digest="e",
    )


def _measurements(
    run_id: str, case: Case, measures: str, metrics: dict[str, Metric], stream: np.random.Generator, drift: float
) -> Iterator[dict[str, Any]]:
    for name, metric in metrics.items():
        if metric.measured_in != measures:
            continue
        value = _value(name, metric, case, stream) * (drift if metric.metric_class == "machine" else 1.0)
        lacking, is_text = name.startswith(("cuda", "gpu")), name.endswith(("_digest", "_signature"))
        yield _row(
            "measurements",
            run_id=run_id,
            metric=name,
            phase=metric.phase,
            value=None if lacking or is_text else value,
            value_text="c0ffee" if is_text else None,
            unit=metric.unit,
            direction=metric.direction,
            **{"class": metric.metric_class},
            scope=metric.scope,
            n=1,
            null_reason="no_gpu" if lacking else None,
        )


def _value(name: str, metric: Metric, case: Case, stream: np.random.Generator) -> float:
    """Return a number of a likely size, the same for all runs of a case where it is exact, else one per cent around it."""
    base = 1 + sum(map(ord, case.name + name)) % 97 / 10
    scale = {"s": 1e-3, "By": 2.0**22, "{sample}/s": 1e3, "1": 0.09}.get(metric.unit, 10.0)
    return scale * base * (1 if metric.metric_class == "exact" else 1 + 0.01 * float(stream.standard_normal()))


def _steps(run_id: str, count: int, stream: np.random.Generator) -> Iterator[dict[str, Any]]:
    losses = 2.3 * np.exp(-np.arange(count) / 60) + 0.05 * stream.random(count)
    seconds = 0.01 * np.exp(0.1 * stream.standard_normal(count))
    for step in range(count):
        yield _row(
            "steps",
            run_id=run_id,
            step=step + 1,
            epoch=step // 23 + 1,
            samples=64,
            loss=float(losses[step]),
            seconds=float(seconds[step]),
            loader_seconds=0.001,
        )


def _evaluations(run_id: str, stream: np.random.Generator) -> Iterator[dict[str, Any]]:
    for epoch in range(1, 11):
        for metric in ("accuracy", "bleu", "mean_return", "ndcg_at_10", "frechet_distance"):
            value = 1 - math.exp(-epoch / 3) + 0.01 * float(stream.standard_normal())
            yield _row(
                "evaluations", run_id=run_id, epoch=epoch, step=23 * epoch, split="validation", metric=metric, value=value
            )


def _readings(run_id: str, stream: np.random.Generator) -> list[dict[str, Any]]:
    return [
        _row(
            "host_samples", run_id=run_id, seconds=seconds, load=1 + float(stream.random()), foreign_cpus=float(stream.random())
        )
        for seconds in (0.0, 1.0)
    ]


def _gpu(run_id: str, stream: np.random.Generator) -> Iterator[dict[str, Any]]:
    for moment in range(50):
        used = 1e9 + moment * 1e7
        busy = 90 + 5 * float(stream.random())
        yield _row("samples", run_id=run_id, seconds=moment / 10, device_uuid="GPU-0", utilization=busy, memory_used_bytes=used)


def picture(stream: np.random.Generator, side: int = 160) -> bytes:
    """Return a PNG of noise, as large as a grid of samples is."""
    file = io.BytesIO()
    Image.fromarray(stream.integers(0, 255, (side, side), dtype=np.uint8)).save(file, "PNG")
    return file.getvalue()


def _verdicts(suite: Suite, metrics: dict[str, Metric], stream: np.random.Generator) -> Iterator[dict[str, Any]]:
    """Yield about as many verdicts of each class and level as the articles' gates give."""
    judged = _first(metrics, "exact", 16) + _first(metrics, "quality", 3) + _first(metrics, "machine", 9)
    for case in suite.cases:
        for name in judged:
            metric = metrics[name]
            exact, level = metric.metric_class == "exact", "info" if metric.metric_class == "machine" else "hard"
            change = 0.0 if exact else 0.02 * float(stream.standard_normal())
            yield _row(
                "verdicts",
                case=case.name,
                metric=name,
                base=1.0,
                head=1.0 + change,
                n_base=10,
                n_head=3,
                estimate=change,
                low=None if exact else change - 0.02,
                high=None if exact else change + 0.02,
                margin=0.0 if exact else 0.03,
                mde=None if exact else 0.05,
                verdict="same" if abs(change) < 0.03 else "inconclusive",
                level=level,
                method="equality" if exact else "t prediction bound",
                method_version=2,
                **{"class": metric.metric_class},
                unit=metric.unit,
                direction=metric.direction,
                note="" if abs(change) < 0.03 else "no change for the worse beyond the margin is shown, nor its absence",
            )


def _first(metrics: dict[str, Metric], kind: str, count: int) -> list[str]:
    return [name for name, metric in metrics.items() if metric.metric_class == kind][:count]


def wide(cases: int, seeds: Sequence[int]) -> Suite:
    """Return a suite of many small cases that train alone."""
    shipped = articles()
    pattern = next(case for case in shipped.cases if case.task.name == "classification")
    made: Iterable[Case] = (
        pattern.model_copy(update={"name": f"case-{number:03d}", "seeds": tuple(seeds), "passes": ()})
        for number in range(cases)
    )
    return shipped.model_copy(update={"name": "wide", "cases": tuple(made)})
