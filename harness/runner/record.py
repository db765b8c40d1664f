"""Turns one run's outcome and observations into rows of the tables."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa

from harness.catalog import Catalog
from harness.digests import digest_of, short_digest
from harness.metrics import Metric
from harness.observations import Observations, Value
from harness.results import TABLES
from harness.runner.jobs import Job, Outcome
from harness.runner.plan import PlannedRun
from harness.runner.supervise import Ended
from harness.suite import Suite

Rows = dict[str, list[dict[str, Any]] | pa.Table]


@dataclass(frozen=True)
class Identity:
    """What names a run beyond its case and seed."""

    run_id: str
    run_key: str
    commit: str
    dirty: bool
    started_utc: str
    synthetic: bool
    """Whether the case's data is generated."""


def load_metrics(catalog: Catalog) -> dict[str, Metric]:
    """Return every metric of the catalogue by name."""
    return {name: part.load() for name, part in catalog.parts("metrics").items()}


def record(
    suite: Suite, planned: PlannedRun, identity: Identity, job: Job, ended: Ended, metrics: Mapping[str, Metric]
) -> tuple[Outcome, dict[str, Value], Rows]:
    """Return the run's final outcome, its values by metric and its rows.

    A metric that raises makes the run fail: a number that cannot be trusted is not stored.
    """
    outcome, values, rows, resumed = ended.outcome, dict[str, Value](), Rows(), None
    if outcome.status == "ok":
        seen = observe(job, ended)
        values, failure = measure(metrics, seen)
        if failure:
            outcome = replace(outcome, status="failed", reason=failure)
        else:
            rows |= {
                "measurements": [_measurement(identity.run_id, name, metrics[name], value) for name, value in values.items()],
                "steps": _steps(identity.run_id, seen),
                "evaluations": list(_evaluations(identity.run_id, seen)),
                "episodes": _episodes(identity.run_id, seen),
                "images": list(_images(identity.run_id, seen)),
                "samples": [{"run_id": identity.run_id} | _sample(sample.__dict__) for sample in seen.gpu_samples],
                "digests": list(_digests(identity.run_id, len(seen.losses), outcome)),
            }
            resumed = seen.resumed_at_step
    digest = digest_of(outcome.environment)
    rows["environments"] = [
        {"environment_digest": digest, "key": key, "value": value} for key, value in sorted(outcome.environment.items())
    ]
    rows["runs"] = [_run(suite, planned, identity, outcome, ended.seconds, digest) | {"resumed": resumed}]
    return outcome, values, rows


def measure(metrics: Mapping[str, Metric], seen: Observations) -> tuple[dict[str, Value], str]:
    """Return every metric's value and '', or nothing and which metric failed, when one raises."""
    values: dict[str, Value] = {}
    for name, metric in metrics.items():
        try:
            value: object = metric.measure(seen)
        except Exception as error:  # a user's own code: its fault is a failed run, not ours
            return {}, f"metric {name!r} failed: {type(error).__name__}: {error}"
        if not isinstance(value, Value):
            found = f"{type(value).__name__} {value!r}"
            return {}, f"metric {name!r} returned {found}; allowed: number(x), text(x) or null(reason) of harness.observations"
        values[name] = value
    return values, ""


def observe(job: Job, ended: Ended) -> Observations:
    """Return what the run saw of itself, with what was seen from outside."""
    seen = Observations.load(job.folder)
    for held in vars(seen).values():
        if isinstance(held, np.ndarray):
            held.flags.writeable = False  # a metric reads; what it changed, the next one would see
    if ended.tree_peak_bytes is not None:
        seen.host_peak_bytes = max(seen.host_peak_bytes or 0, ended.tree_peak_bytes)
    seen.gpu_samples = ended.gpu_samples
    if ended.gpu_null_reason:
        seen.nulls["gpu_samples"] = ended.gpu_null_reason
    return seen


def _run(
    suite: Suite, planned: PlannedRun, identity: Identity, outcome: Outcome, seconds: float, environment: str
) -> dict[str, Any]:
    case, machine, numeric = planned.case, _group(outcome, "machine"), _group(outcome, "numeric")
    return {
        **identity.__dict__,
        "suite": suite.name,
        "suite_digest": suite.digest,
        "case": case.name,
        "case_digest": case.digest,
        "model": case.model.name,
        "data": case.data.name,
        "task": case.task.name,
        "seed": planned.seed,
        "repeat": planned.repeat,
        "arm": "solo",
        "block": 0,
        "restart": 0,
        "lane": case.execution.lane,
        "pass": "train",
        "device": numeric.get("device_type", case.execution.device),
        "precision": case.execution.precision,
        "mode": "eager",
        "threads": case.execution.threads,
        "world_size": 1,
        "status": outcome.status,
        "reason": outcome.reason,
        "seconds": seconds,
        "overhead_seconds": seconds - outcome.work_seconds if outcome.work_seconds else None,
        "machine_class": short_digest(machine) if machine else None,
        "numeric_fingerprint": short_digest(numeric) if numeric else None,
        "version_key": outcome.version_key or None,
        "environment_digest": environment,
    }


def _group(outcome: Outcome, name: str) -> dict[str, str]:
    head = f"{name}."
    return {key.removeprefix(head): value for key, value in outcome.environment.items() if key.startswith(head)}


def fingerprint(outcome: Outcome) -> str:
    """Return the numeric fingerprint of an outcome's environment."""
    return short_digest(_group(outcome, "numeric"))


def _measurement(run_id: str, name: str, metric: Metric, value: Value) -> dict[str, Any]:
    return {
        "run_id": run_id,
        "metric": name,
        "phase": metric.phase,
        "value": value.value,
        "value_text": value.text,
        "unit": metric.unit,
        "direction": metric.direction,
        "class": metric.metric_class,
        "scope": metric.scope,
        "n": value.n,
        "quality_flag": value.quality_flag,
        "null_reason": value.null_reason,
    }


def _steps(run_id: str, seen: Observations) -> pa.Table:
    count = len(seen.losses)
    columns = {
        "run_id": np.full(count, run_id),
        "step": np.arange(1, count + 1),
        "epoch": seen.step_epochs,
        "samples": seen.step_samples,
        "loss": seen.losses,
        "seconds": seen.step_seconds,
        "cpu_seconds": seen.step_cpu_seconds,
        "loader_seconds": seen.loader_seconds,
    }
    return pa.table({name: pa.array(columns[name]) for name in TABLES["steps"].names})


def _evaluations(run_id: str, seen: Observations) -> Iterator[dict[str, Any]]:
    for evaluation in seen.evaluations:
        for metric, value in sorted(evaluation.scores.items()):
            yield {
                "run_id": run_id,
                "epoch": evaluation.epoch,
                "step": evaluation.step,
                "train_seconds": evaluation.train_seconds,
                "split": evaluation.split,
                "metric": metric,
                "value": value,
            }


def _episodes(run_id: str, seen: Observations) -> pa.Table:
    """Return the training episodes in the order they were played, then those of the test, which follow the last step."""
    counts, values = (len(seen.episode_returns), len(seen.test_returns)), (seen.episode_returns, seen.test_returns)
    columns = {
        "run_id": np.full(sum(counts), run_id),
        "phase": np.repeat(["train", "test"], counts),
        "step": np.concatenate([seen.episode_steps, np.full(counts[1], len(seen.losses))]),
        "episode": np.concatenate([np.arange(1, count + 1) for count in counts]),
        "value": np.concatenate(values),
    }
    return pa.table({name: pa.array(columns[name]) for name in TABLES["episodes"].names})


def _images(run_id: str, seen: Observations) -> Iterator[dict[str, Any]]:
    for title, image in seen.images.items():
        yield {"run_id": run_id, "title": title, "png": base64.b64decode(image)}


def _sample(sample: Mapping[str, Any]) -> dict[str, Any]:
    return {name: sample[name] for name in TABLES["samples"].names if name != "run_id"}


def _digests(run_id: str, steps: int, outcome: Outcome) -> Iterator[dict[str, Any]]:
    for tensor, (initial, final) in outcome.tensors.items():
        yield {"run_id": run_id, "step": 0, "tensor": tensor, "sha256": initial}
        yield {"run_id": run_id, "step": steps, "tensor": tensor, "sha256": final}


def headline(values: Mapping[str, Value], primary: str) -> dict[str, float]:
    """Return the few numbers shown as a run ends: its primary score and throughput."""
    shown = {name: values[name].value for name in (primary, "train_throughput") if name in values}
    return {name: value for name, value in shown.items() if value is not None}
