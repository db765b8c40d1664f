"""Whether a network that has learned five digits learns the other five better from few labels.

A network of two convolutions learns the digits 0 to 4 of 8x8 pixels. Its last layer then gets back its first weights, and
all of it learns the digits 5 to 9 from n labelled samples, as many of each class, in FINE_STEPS steps with Adam. Beside it
the same network learns them from its first weights, in as many steps of the same batches. Both take the learning rate of
RATES that does best on VALIDATION further samples of the digits 5 to 9, which no training sees.

- `pretrained_<n>`, `scratch_<n>`: accuracy on the test split's digits 5 to 9.
- `first_accuracy`: on the test split's digits 0 to 4, of the network that learned those.

Source: articles 002 (section 8) and 001 (section 1.4); Yosinski, Clune, Bengio and Lipson, "How transferable are features in
deep neural networks?", 2014.
"""

from __future__ import annotations

import copy

import torch

from harness.data import Split, Splits
from harness.experiments import Experiment, Setting
from harness.experiments._few_labels import accuracy_from, few_labels
from harness.models._two_conv import TwoConv
from harness.options import check_count

LABELS = (10, 50, 100)
CLASSES = 5
MAPS = 16
RATES = (1e-3, 3e-3, 1e-2)
FIRST_RATE = 3e-3
FINE_STEPS, BATCH = 100, 16
VALIDATION = 150


def run(setting: Setting, *, first_steps: int = 200) -> dict[str, float | None]:
    """Return the accuracies that the module's docstring defines.

    Args:
        setting: weights, batches and labelled samples are drawn from it.
        first_steps: of the training on the digits 0 to 4.

    Raises:
        UsageError: an option that is not allowed.
    """
    check_count("first_steps", first_steps, 1, 100_000)
    digits = setting.data("digits", scale="unit")
    low = Splits(of_classes(digits.train, 0), of_classes(digits.test, 0), digits.classes[:CLASSES])
    high = Splits(of_classes(digits.train, CLASSES), of_classes(digits.test, CLASSES), digits.classes[CLASSES:])
    fresh, learned = network(setting), network(setting)
    setting.train(learned, low, steps=first_steps, lr=FIRST_RATE)
    found: dict[str, float | None] = {"first_accuracy": setting.score(learned, low.test)["accuracy"]}
    for count in LABELS:
        few = few_labels(setting, high, count, VALIDATION)
        for name, start in starts(learned, fresh).items():
            found[f"{name}_{count}"] = accuracy_from(setting, start, few, RATES, steps=FINE_STEPS, batch_size=BATCH)
    return found


def network(setting: Setting) -> TwoConv:
    """Return the network with the first weights of the setting's seed."""
    setting.seed_globals()
    return TwoConv(1, MAPS, 2 * MAPS * 2 * 2, CLASSES).to(setting.device)


def starts(learned: TwoConv, fresh: TwoConv) -> dict[str, TwoConv]:
    """Return what both arms start from: they have the last layer's weights in common, which know neither set of classes."""
    start = copy.deepcopy(learned)
    start.fc2.load_state_dict(fresh.fc2.state_dict())
    return {"pretrained": start, "scratch": fresh}


def of_classes(split: Split, first: int) -> Split:
    """Return the samples of the five classes from `first` on, numbered from 0."""
    chosen = split.take(torch.nonzero((split.labels >= first) & (split.labels < first + CLASSES))[:, 0])
    return Split(chosen.inputs, chosen.labels - first)


EXPERIMENT = Experiment(
    run=run,
    title="Pre-training on other digits",
    outcomes={
        "first_accuracy": "1",
        "pretrained_10": "1",
        "scratch_10": "1",
        "pretrained_50": "1",
        "scratch_50": "1",
        "pretrained_100": "1",
        "scratch_100": "1",
    },
    metric_class="quality",
    source="Yosinski et al. 2014",
)
