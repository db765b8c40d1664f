"""MLPerf training logs (`:::MLLOG`): a file for each training, as `<case>/result_<number>.txt`.

Hyperparameters, epochs, evaluations and how the run ended. Times are on the training clock from the run's start: evaluating is
off it, and takes no time here. What only a submission has (organisation, division, platform) is not made up: the parser reads
the logs, and the compliance checker asks for the rest.

Source: mlcommons/logging, mlperf_logging/mllog: the line of mllog.py, the keys of constants.py.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

from harness.exporters._base import Exporter, Source, Training

TOKEN = ":::MLLOG"


def _folder(source: Source, folder: Path) -> None:
    for name, trainings in groupby(source.trainings(), key=lambda training: training.case.name):
        (folder / name).mkdir()
        for number, training in enumerate(trainings):
            text = "".join(f"{line}\n" for line in _lines(training))
            (folder / name / f"result_{number}.txt").write_text(text, encoding="utf-8")


def _lines(training: Training) -> Iterator[str]:
    began = 1000 * training.began
    built = began + 1000 * training.values.get("build_time", 0.0)
    yield _line(began, "INTERVAL_START", "init_start")
    for key, value in _settings(training).items():
        yield _line(began, "POINT_IN_TIME", key, value)
    yield _line(built, "INTERVAL_END", "init_stop")
    yield _line(built, "INTERVAL_START", "run_start")
    yield from _epochs(training, built)
    ended = built + 1000 * float(training.steps["clock"].max() if len(training.steps) else 0)
    stats = {key: training.values[key] for key in ("train_throughput", "step_time_median") if key in training.values}
    if stats:
        yield _line(ended, "POINT_IN_TIME", "tracked_stats", stats)
    status = "success" if training.row["status"] == "ok" else "aborted"
    yield _line(ended, "INTERVAL_END", "run_stop", None, {"status": status})


def _settings(training: Training) -> dict[str, Any]:
    """Return what is known of how the training was set up."""
    known: dict[str, Any] = {"seed": training.seed}
    if len(training.steps):
        known["global_batch_size"] = int(training.steps["samples"].max())
    if recipe := training.specification.get("recipe"):
        known["gradient_accumulation_steps"] = recipe["accumulate"]
        known["opt_name"] = recipe["optimizer"]["name"]
        known["opt_base_learning_rate"] = recipe["optimizer"]["lr"]
    return known


def _epochs(training: Training, began: float) -> Iterator[str]:
    clock = began
    for epoch, steps in training.steps.groupby("epoch"):
        about = {"epoch_num": int(str(epoch))}
        yield _line(clock, "INTERVAL_START", "epoch_start", None, about)
        clock = began + 1000 * float(steps["clock"].max())
        yield _line(clock, "INTERVAL_END", "epoch_stop", None, about)
        yield from _evaluation(training, int(str(epoch)), clock)


def _evaluation(training: Training, epoch: int, clock: float) -> Iterator[str]:
    """Yield an evaluation; the score of the case's target, or else the first that is no loss, is MLPerf's eval_accuracy."""
    rows = training.evaluations[training.evaluations["epoch"] == epoch].to_dict("records")
    names = [str(row["metric"]) for row in rows]
    chosen = next((name for name in (*training.case.targets, *names) if name in names and "loss" not in name), "")
    if not rows:
        return
    yield _line(clock, "INTERVAL_START", "eval_start", None, {"epoch_num": epoch})
    for row in rows:
        key = "eval_accuracy" if row["metric"] == chosen else f"eval_{row['metric']}"
        about = {"epoch_num": epoch, "metric": row["metric"], "split": row["split"]}
        yield _line(clock, "POINT_IN_TIME", key, row["value"], about)
    yield _line(clock, "INTERVAL_END", "eval_stop", None, {"epoch_num": epoch})


def _line(milliseconds: float, kind: str, key: str, value: Any = None, about: dict[str, Any] | None = None) -> str:
    content = {
        "namespace": "",
        "time_ms": round(milliseconds),
        "event_type": kind,
        "key": key,
        "value": value,
        "metadata": {"file": "", "lineno": 0, **(about or {})},
    }
    return f"{TOKEN} {json.dumps(content)}"


EXPORTER = Exporter(reads="mlperf_logging's parser", folder=_folder)
