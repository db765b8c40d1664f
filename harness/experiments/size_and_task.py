"""How much a wider network gains on an easy task and on harder ones.

Multilayer perceptrons with one hidden layer of WIDTHS learn three tasks on digits of 8x8 pixels: `two` (which of 0 and 1),
`ten` (all ten) and `turned` (all ten, each image turned by up to 60 degrees either way, in training and in testing alike).
All train for the same number of steps of 64 samples with Adam; the learning rate of RATES that does best on a fifth of the
training split, held out, is taken.

- `<task>_<width>`: test accuracy.
- `gain_<task>`: test accuracy at the largest width − at the smallest.

Source: article 004, section 6.
"""

from __future__ import annotations

from dataclasses import replace

import torch

from harness.data import Split, Splits
from harness.experiments import Experiment, Setting
from harness.experiments._distortions import rotated
from harness.experiments._rates import best, train_at
from harness.options import check_count

TASKS = ("two", "ten", "turned")
WIDTHS = (4, 8, 16, 32, 128)
RATES = (3e-3, 1e-2)
DEGREES = 60.0


def run(setting: Setting, *, steps: int = 250) -> dict[str, float | None]:
    """Return the accuracies and gains that the module's docstring defines.

    Args:
        setting: first weights, batches, held-out samples and angles are drawn from it.
        steps: of each training.

    Raises:
        UsageError: an option that is not allowed.
    """
    check_count("steps", steps, 1, 1_000_000)
    found: dict[str, float | None] = {}
    for task in TASKS:
        splits = samples(setting, task)
        accuracies = [accuracy(setting, splits, width, steps) for width in WIDTHS]
        found |= {f"{task}_{width}": value for width, value in zip(WIDTHS, accuracies, strict=True)}
        found[f"gain_{task}"] = accuracies[-1] - accuracies[0]
        setting.report(TASKS.index(task) + 1, len(TASKS))
    return found


def samples(setting: Setting, task: str) -> Splits:
    """Return what a task learns from and is tested on."""
    digits = setting.data("digits", scale="unit")
    match task:
        case "two":
            return replace(digits, train=zeros_and_ones(digits.train), test=zeros_and_ones(digits.test), classes=("0", "1"))
        case "turned":
            stream = setting.generator("angles")
            train, test = (Split(rotated(split.inputs, DEGREES, stream), split.labels) for split in (digits.train, digits.test))
            return replace(digits, train=train, test=test)
        case _:
            return digits


def zeros_and_ones(split: Split) -> Split:
    """Return the samples of classes 0 and 1."""
    return split.take(torch.nonzero(split.labels < 2)[:, 0])


def accuracy(setting: Setting, splits: Splits, width: int, steps: int) -> float:
    """Return the test accuracy of a network at its best learning rate."""
    spec = setting.spec(splits)
    trained = train_at(setting, lambda: setting.model("p003_mlp", spec, hidden=width), splits, RATES, steps=steps)
    return setting.score(best(trained.values()).model, splits.test)["accuracy"]


EXPERIMENT = Experiment(
    run=run,
    title="Size of a network and difficulty of its task",
    outcomes={
        "two_4": "1",
        "two_8": "1",
        "two_16": "1",
        "two_32": "1",
        "two_128": "1",
        "gain_two": "1",
        "ten_4": "1",
        "ten_8": "1",
        "ten_16": "1",
        "ten_32": "1",
        "ten_128": "1",
        "gain_ten": "1",
        "turned_4": "1",
        "turned_8": "1",
        "turned_16": "1",
        "turned_32": "1",
        "turned_128": "1",
        "gain_turned": "1",
    },
    metric_class="quality",
    source="article 004, section 6",
)
