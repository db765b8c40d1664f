"""Learning from few labels: which samples have one, and what a network becomes on them at its best learning rate."""

from __future__ import annotations

import copy
from collections.abc import Sequence

import torch
from torch import nn

from harness.data import Splits
from harness.experiments._setting import Setting


def few_labels(setting: Setting, splits: Splits, count: int, validation: int) -> Splits:
    """Return a data set with `count` training samples, as many of each class, drawn by the seed, and a validation split.

    Args:
        setting: of the run.
        splits: whose training split the samples are of.
        count: a multiple of the number of classes.
        validation: samples of its own that the validation split gets, whatever `count` is.
    """
    order = torch.randperm(len(splits.train), generator=setting.generator("labels"))
    held_out, rest = splits.train.take(order[:validation]), splits.train.take(order[validation:])
    classes = len(splits.classes)
    chosen = [torch.nonzero(rest.labels == label)[: count // classes, 0] for label in range(classes)]
    return Splits(rest.take(torch.cat(chosen)), splits.test, splits.classes, held_out, splits.vocabularies)


def accuracy_from(
    setting: Setting, start: nn.Module, splits: Splits, rates: Sequence[float], *, steps: int, batch_size: int
) -> float:
    """Return the test accuracy of what `start` becomes, with Adam, at the learning rate that does best on the validation split.

    Best is the highest accuracy, and of equals the lowest loss. `start` itself stays as it is.
    """
    trained: dict[tuple[float, float], nn.Module] = {}
    for rate in rates:
        model = copy.deepcopy(start)
        scores = setting.train(model, splits, steps=steps, lr=rate, batch_size=batch_size).evaluations[-1].scores
        trained[scores["accuracy"], -scores["loss"]] = model
    return setting.score(trained[max(trained)], splits.test)["accuracy"]
