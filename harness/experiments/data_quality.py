"""Accuracy against the quality of the training data: wrong labels, and noise in the pixels.

A multilayer perceptron (`p003_mlp`) learns from digits of which a share is spoiled, and is tested on digits that are not.

- `labels_<percent>`: test accuracy after learning with exactly so many per cent of the labels wrong; a wrong label is one of
  the nine others, drawn uniformly. Fewer wrong labels are a part of the more.
- `pixels_<percent>`: test accuracy after learning with Gaussian noise added to every training pixel, its standard deviation
  so many per cent of the distance from black to white. The noise of two levels differs by a factor alone.

Source: articles 001 (2.1): the quality of the data matters; label noise as in Zhang et al., "Understanding deep learning
requires rethinking generalization", 2017.
"""

from __future__ import annotations

from dataclasses import replace

import torch

from harness.data import Split, Splits
from harness.experiments import Experiment, Setting
from harness.options import check_count

LABELS = (0, 5, 10, 20, 40)
PIXELS = (0, 10, 20, 40, 80)
CLASSES = 10


def run(setting: Setting, *, epochs: int = 15, lr: float = 2e-3) -> dict[str, float | None]:
    """Return the test accuracy at each level of either kind of noise.

    Args:
        setting: draws weights, batches, and what is spoiled.
        epochs: of batches of 64.
        lr: learning rate of Adam.

    Raises:
        UsageError: an option that is not allowed.
    """
    check_count("epochs", epochs, 1, 100_000)
    splits = setting.data("digits", scale="unit")
    spoiled = {f"labels_{percent}": wrong_labels(splits.train, percent, setting.generator("labels")) for percent in LABELS}
    spoiled |= {f"pixels_{percent}": noisy(splits.train, percent, setting.generator("pixels")) for percent in PIXELS}
    found: dict[str, float | None] = {}
    for name, train in spoiled.items():
        data = Splits(train, splits.test, splits.classes)
        seen = setting.train(setting.model("p003_mlp", setting.spec(data)), data, epochs=epochs, lr=lr)
        found[name] = seen.evaluations[-1].scores["accuracy"]
        setting.report(len(found), len(spoiled))
    return found


def wrong_labels(split: Split, percent: int, stream: torch.Generator) -> Split:
    """Return a split of which so many per cent of the labels, rounded, are another class."""
    count = round(len(split) * percent / 100)
    chosen = torch.randperm(len(split), generator=stream)[:count]
    steps = torch.randint(1, CLASSES, (len(split),), generator=stream)[:count]
    labels = split.labels.clone()
    labels[chosen] = (labels[chosen] + steps) % CLASSES
    return replace(split, labels=labels)


def noisy(split: Split, percent: int, stream: torch.Generator) -> Split:
    """Return a split with Gaussian noise in every pixel, its standard deviation in per cent of the range."""
    return replace(split, inputs=split.inputs + percent / 100 * torch.randn(split.inputs.shape, generator=stream))


EXPERIMENT = Experiment(
    run=run,
    title="Accuracy against the quality of the training data",
    outcomes={
        "labels_0": "1",
        "labels_5": "1",
        "labels_10": "1",
        "labels_20": "1",
        "labels_40": "1",
        "pixels_0": "1",
        "pixels_10": "1",
        "pixels_20": "1",
        "pixels_40": "1",
        "pixels_80": "1",
    },
    source="Zhang et al. 2017, Understanding deep learning requires rethinking generalization",
)
