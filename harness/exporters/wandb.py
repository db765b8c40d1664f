"""For Weights & Biases: a folder for each training, with config.json, wandb-summary.json and history.jsonl.

The files of W&B's offline mode are its own business and change between versions. These are plain: the configuration, the
summary as W&B keeps it in a run's files, and the history as `wandb.Api` gives it, one line a step. Send them with W&B's client:

    import json, pathlib, wandb
    for folder in pathlib.Path("DIR").iterdir():
        with wandb.init(project="P", name=folder.name, config=json.loads((folder / "config.json").read_text())) as run:
            for line in (folder / "history.jsonl").read_text().splitlines():
                row = json.loads(line)
                run.log(row, step=row.pop("_step"))
            run.summary.update(json.loads((folder / "wandb-summary.json").read_text()))

Source: docs.wandb.ai, "Import and export data" and "wandb.Run.log".
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from harness.exporters._base import Exporter, Source, Training


def _folder(source: Source, folder: Path) -> None:
    for training in source.trainings():
        inner = folder / training.name
        inner.mkdir()
        _write(inner / "config.json", _config(source, training))
        _write(inner / "wandb-summary.json", _summary(training))
        lines = (json.dumps(row, allow_nan=False) for row in _history(training))
        (inner / "history.jsonl").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def _write(file: Path, content: dict[str, Any]) -> None:
    file.write_text(json.dumps(content, indent=2, allow_nan=False) + "\n", encoding="utf-8")


def _config(source: Source, training: Training) -> dict[str, Any]:
    facts = {"suite": source.run_set.manifest.suite.name, "run_set": source.run_set.path.name, "case": training.case.name}
    origin = {key: training.row[key] for key in ("commit", "machine_class", "numeric_fingerprint", "version_key")}
    return {**facts, "seed": training.seed, "repeat": training.repeat, **origin, **training.specification}


def _summary(training: Training) -> dict[str, Any]:
    seconds = training.row["seconds"]
    steps = int(training.steps["step"].max()) if len(training.steps) else 0
    times = {"_runtime": seconds, "_timestamp": training.began + seconds} if seconds and math.isfinite(seconds) else {}
    return {"_step": steps, **times, "status": training.row["status"], **training.values}


def _history(training: Training) -> Iterator[dict[str, Any]]:
    """Yield a row a step; the scores of an evaluation are on the row of the step after which it was."""
    scores: dict[int, dict[str, Any]] = {}
    for row in training.evaluations.to_dict("records"):
        scores.setdefault(int(row["step"]), {})[f"{row['split']}/{row['metric']}"] = _number(row["value"])
    for row in training.steps.to_dict("records"):
        step = int(row["step"])
        own = {f"train/{key}": _number(row[key]) for key in ("loss", "seconds") if row[key] is not None}
        own |= {"train/learning_rate": row["learning_rate"]} if math.isfinite(row["learning_rate"] or math.nan) else {}
        yield {"_step": step, "_runtime": row["clock"], "epoch": int(row["epoch"]), **own, **scores.pop(step, {})}
    for step, left in sorted(scores.items()):
        yield {"_step": step, **left}


def _number(value: float) -> float | str:
    """Return a number as W&B writes it: JSON has no NaN, so that it stands as a text."""
    if math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


EXPORTER = Exporter(reads="wandb.init and run.log, as the file's docstring shows", folder=_folder)
