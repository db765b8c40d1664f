"""Turns one run's outcome and observations into rows of the tables."""

from __future__ import annotations

import base64
import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
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
from harness.runner.taint import tainted
from harness.runner.targets import target_rows
from harness.suite import Suite
from harness.units import show

Rows = dict[str, list[dict[str, Any]] | pa.Table]


@dataclass(frozen=True)
class Identity:
    """What names a run beyond its case and seed."""

    run_id: str
    run_key: str
    commit: str
    dirty: bool
    diff_digest: str
    code_digest: str
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
    outcome, values, rows = ended.outcome, dict[str, Value](), Rows()
    of_training: dict[str, Any] = {"resumed": None, "data_digest": None}
    if outcome.status == "ok":
        seen = observe(job, ended)
        own = {name: metric for name, metric in metrics.items() if metric.measured_in == job.measures}
        values, failure = measure(own, seen)
        if failure:
            outcome = replace(outcome, status="failed", reason=failure)
        else:
            if disturbance := tainted(seen):
                outcome = replace(outcome, status="tainted", reason=disturbance)
            rows |= _rows(identity.run_id, seen, metrics, values)
            if job.measures == "train":
                rows |= _training_rows(identity.run_id, seen)
                of_training = {"resumed": seen.resumed_at_step, "data_digest": seen.digests.get("data")}
    digest = digest_of(outcome.environment)
    rows["environments"] = [
        {"environment_digest": digest, "key": key, "value": value} for key, value in sorted(outcome.environment.items())
    ]
    told = {"reason": job.project.without_folders(outcome.reason)}
    rows["runs"] = [_run(suite, planned, identity, outcome, ended.seconds, digest) | of_training | told]
    return outcome, values, rows


def _rows(run_id: str, seen: Observations, metrics: Mapping[str, Metric], values: Mapping[str, Value]) -> Rows:
    """Return the rows that a run of any pass has."""
    return {
        "measurements": [_measurement(run_id, name, metrics[name], value) for name, value in values.items()],
        "samples": [{"run_id": run_id} | _sample(sample.__dict__) for sample in seen.gpu_samples],
        "host_samples": list(_host_samples(run_id, seen)),
    }


def _training_rows(run_id: str, seen: Observations) -> Rows:
    """Return the rows of a training alone."""
    return {
        "steps": _steps(run_id, seen),
        "evaluations": list(_evaluations(run_id, seen)),
        "episodes": _episodes(run_id, seen),
        "images": list(_images(run_id, seen)),
        "confusions": list(_confusions(run_id, seen)),
        "targets": [{"run_id": run_id} | row for row in target_rows(seen)],
        "digests": [{"run_id": run_id} | asdict(mark) for mark in seen.tensor_marks],
        "data_samples": _data_samples(seen),
    }


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
    seen.peak_flops_per_second = ended.peak_flops_per_second
    seen.gpu_samples, seen.host_samples = ended.gpu_samples, ended.host_samples
    seen.gpu_period_seconds = ended.gpu_period_seconds
    seen.nulls |= ended.host_nulls | {f"gpu.{reading}": reason for reading, reason in ended.gpu_refused.items()}
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
        "pass": planned.measures,
        "device": numeric.get("device_type", case.execution.device),
        "precision": case.execution.precision,
        "mode": case.execution.mode,
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
    count = len(seen.step_samples)
    columns = {
        "run_id": np.full(count, run_id),
        "step": np.arange(1, count + 1),
        "epoch": seen.step_epochs,
        "samples": seen.step_samples,
        "loss": seen.losses if len(seen.losses) else [None] * count,
        "seconds": seen.step_seconds,
        "cpu_seconds": seen.step_cpu_seconds,
        "loader_seconds": seen.loader_seconds,
        "learning_rate": [None if math.isnan(rate) else rate for rate in seen.learning_rates] or [None] * count,
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


def _confusions(run_id: str, seen: Observations) -> Iterator[dict[str, Any]]:
    """Yield how often each class of the test samples was taken for which; pairs that do not occur have no row."""
    pairs, counts = np.unique(np.stack([seen.labels, seen.predictions]), axis=1, return_counts=True)
    for (label, predicted), count in zip(pairs.T.tolist(), counts.tolist(), strict=True):
        yield {"run_id": run_id, "label": label, "predicted": predicted, "count": count}


def _sample(sample: Mapping[str, Any]) -> dict[str, Any]:
    return {name: sample[name] for name in TABLES["samples"].names if name != "run_id"}


def _host_samples(run_id: str, seen: Observations) -> Iterator[dict[str, Any]]:
    for sample in seen.host_samples:
        readings = {name: value for name, value in asdict(sample).items() if name != "monotonic"}
        yield {"run_id": run_id, "seconds": sample.monotonic - seen.host_samples[0].monotonic} | readings


def _data_samples(seen: Observations) -> pa.Table:
    """Return a hash of each sample; none for a script, whose data nobody else sees."""
    sizes = seen.split_sizes
    columns = {
        "data_digest": np.full(len(seen.sample_hashes), seen.digests.get("data", "")),
        "split": np.repeat(list(sizes), list(sizes.values())) if sizes else np.empty(0, str),
        "sample": np.concatenate([np.empty(0, np.int64), *(np.arange(size) for size in sizes.values())]),
        "hash": seen.sample_hashes,
    }
    return pa.table({name: pa.array(columns[name]) for name in TABLES["data_samples"].names})


SHOWN = ("train_throughput", "tensor_peak_memory", "aten_operations_per_step", "normalised_throughput")
"""Metrics shown as a run ends, one a pass, beside the task's primary score."""
OUTCOMES_SHOWN = 3
"""Outcomes of an experiment shown as its run ends; the tables hold all."""


def headline(values: Mapping[str, Value], metrics: Mapping[str, Metric], primary: str) -> list[str]:
    """Return the few numbers shown as a run ends, in words."""
    found = {name: value.value for name, value in values.items() if value.value is not None}
    outcomes = [name for name in found if metrics[name].measured_in == "experiment"][:OUTCOMES_SHOWN]
    if outcomes:
        return [f"{name} {show(found[name], metrics[name].unit)}" for name in outcomes]
    score = [f"{primary} {show(found[primary], '1')}"] if primary in found else []
    return score + [show(found[name], metrics[name].unit) for name in SHOWN if name in found]
