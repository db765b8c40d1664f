"""TensorBoard event files: a folder for each training, with losses and times by step, scores by evaluation, and the results.

Scalars are written by the package `tensorboard` itself, which is optional: `pip install tensorboard`. It keeps them as float32.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from harness.exporters._base import Exporter, Source, Training

BY_STEP = {"loss": "train/loss", "seconds": "train/step_seconds", "learning_rate": "train/learning_rate"}
"""Column of the steps table -> tag."""


def _folder(source: Source, folder: Path) -> None:
    from tensorboard.summary import Writer

    for training in source.trainings():
        writer = Writer(str(folder / training.name))
        _write(writer, training)
        writer.close()


def _write(writer: Any, training: Training) -> None:
    began = training.began
    ended, last = began, 0
    for row in training.steps.to_dict("records"):
        ended, last = began + row["clock"], int(row["step"])
        for column, tag in BY_STEP.items():
            if row[column] is not None and not math.isnan(row[column]):
                writer.add_scalar(tag, row[column], last, wall_time=ended)
    for row in training.evaluations.to_dict("records"):
        writer.add_scalar(f"{row['split']}/{row['metric']}", row["value"], row["step"], wall_time=began + row["train_seconds"])
    for metric, value in training.values.items():
        writer.add_scalar(f"result/{metric}", value, last, wall_time=ended)


EXPORTER = Exporter(reads="tensorboard --logdir DIR", folder=_folder, needs="tensorboard")
