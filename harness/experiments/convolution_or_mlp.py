"""Whether learned convolutions beat a multilayer perceptron and random filters, on centred and on moved digits.

Digits of 20x20 pixels lie on a field of 28x28, in the middle or moved by up to four pixels to each side, in training and in
testing alike. Three networks learn them for the same number of epochs, each at its own best learning rate of RATES, chosen on
a fifth of the training split that no training sees. A training that diverges takes no part; if all do, chance is scored.

- `cnn`: test accuracy of a LeNet (`a000_lenet_gray28`, 44,426 parameters);
- `mlp`: of a perceptron (`p003_mlp`) with one hidden layer of 56, 44,530 parameters, 0.2 % more;
- `random`: of the LeNet whose filters keep their random first weights while its linear layers learn;
- `cnn_moved`, `mlp_moved`, `random_moved`: the same on moved digits.

Source: articles 001 (1.3) and 004 (2, 3.2); LeCun et al. 1998; random filters: Saxe et al., "On Random Weights and
Unsupervised Feature Learning", 2011.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import torch
from torch import nn

from harness.data import Split, Splits
from harness.experiments import Experiment, Setting
from harness.experiments._digit_pictures import on_field, standardised
from harness.experiments._distortions import shifted
from harness.experiments._rates import best, train_at
from harness.options import check_choice, check_count

RATES = (1e-3, 3e-3, 1e-2)
MARGIN = 4
"""Pixels of background on each side of a centred digit."""
HIDDEN = 56
"""Width at which the perceptron has about as many parameters as the LeNet."""
TEST_SEED = 28
"""Draws where the test digits lie, so that they are the same for every seed."""
TRAIN_LIMIT = 8000


def run(setting: Setting, *, pictures: str = "digits", epochs: int = 8) -> dict[str, float | None]:
    """Return the test accuracies that the module's docstring defines.

    Args:
        setting: draws weights, batches, where training digits lie and which samples are held out.
        pictures: digits (1,437 for training, enlarged from 8x8 pixels) or mnist (8,000, which lie on such a field already).
        epochs: of batches of 32.

    Raises:
        UsageError: an option that is not allowed.
    """
    check_choice("pictures", pictures, ("digits", "mnist"))
    check_count("epochs", epochs, 1, 100_000)
    centred = load(setting, pictures)
    found: dict[str, float | None] = {}
    for ending, placed in (("", centred), ("_moved", scattered(centred, setting.generator("places")))):
        train, test = (standardised(split, placed.train.inputs) for split in (placed.train, placed.test))
        splits = Splits(train, test, placed.classes)
        for name, build in networks(setting, splits).items():
            trained = train_at(setting, build, splits, RATES, epochs=epochs, batch_size=32)
            found[name + ending] = setting.score(best(trained.values()).model, splits.test)["accuracy"]
            setting.report(len(found), 6)
    return found


def load(setting: Setting, pictures: str) -> Splits:
    """Return digits in the middle of 28x28 pixels, from 0 (background) to 1."""
    if pictures == "mnist":
        return setting.data("mnist", shape=(1, 28, 28), scale="unit", train_limit=TRAIN_LIMIT)
    return on_field(setting.data("digits", shape=(1, 20, 20), fit="resize", scale="unit"), MARGIN)


def scattered(splits: Splits, stream: torch.Generator) -> Splits:
    """Return both splits with every digit moved at random, as far as its field reaches."""

    def split(each: Split, places: torch.Generator) -> Split:
        return replace(each, inputs=shifted(each.inputs, MARGIN, places))

    fixed = torch.Generator().manual_seed(TEST_SEED)
    return replace(splits, train=split(splits.train, stream), test=split(splits.test, fixed))


def networks(setting: Setting, splits: Splits) -> dict[str, Callable[[], nn.Module]]:
    """Return what makes each network with fresh weights."""
    spec = setting.spec(splits)

    def random() -> nn.Module:
        model = setting.model("a000_lenet_gray28", spec)
        for name in ("conv1", "conv2"):
            model.get_submodule(name).requires_grad_(False)
        return model

    return {
        "cnn": lambda: setting.model("a000_lenet_gray28", spec),
        "mlp": lambda: setting.model("p003_mlp", spec, hidden=HIDDEN),
        "random": random,
    }


EXPERIMENT = Experiment(
    run=run,
    title="Convolution against a multilayer perceptron and random filters",
    outcomes={"cnn": "1", "mlp": "1", "random": "1", "cnn_moved": "1", "mlp_moved": "1", "random_moved": "1"},
    source="LeCun, Bottou, Bengio and Haffner 1998; Saxe et al. 2011",
)
