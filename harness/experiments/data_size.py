"""Accuracy against the size of the training split: two networks learn from 5, 10, 25, 50 and 100 % of the digits.

Every network takes the same number of steps, so that more data is not also more training. Which samples a smaller share
holds is drawn by the seed, and each share is part of the next. The test split is whole and the same for all.

- `mlp_<percent>`: accuracy of the multilayer perceptron with one hidden layer (`p003_mlp`).
- `cnn_<percent>`: accuracy of a LeNet (`a000_lenet_gray28`) on MNIST; on the small digits of a network of two stages with
  max pooling, which takes 8x8 pixels as they are.

Source: the articles' own claim; learning curves at equal steps as in Nakkiran et al., "The Deep Bootstrap Framework", 2021.
"""

from __future__ import annotations

from torch import nn

from harness.data import Splits
from harness.experiments import Experiment, Setting
from harness.experiments._digit_nets import lenet_or_small
from harness.experiments._digit_pictures import drawn
from harness.options import check_choice, check_count

PERCENT = (5, 10, 25, 50, 100)
TRAIN_LIMIT = 8000
"""Samples of MNIST that 100 % stands for."""


def run(setting: Setting, *, pictures: str = "digits", steps: int = 300, lr: float = 2e-3) -> dict[str, float | None]:
    """Return the test accuracy of both networks at each share.

    Args:
        setting: draws weights, batches and which samples a share holds.
        pictures: digits (1,437 of 8x8 pixels for training) or mnist (8,000 of 28x28).
        steps: of 64 samples, or of all where there are fewer.
        lr: learning rate of Adam.

    Raises:
        UsageError: an option that is not allowed.
    """
    check_choice("pictures", pictures, ("digits", "mnist"))
    check_count("steps", steps, 1, 1_000_000)
    splits = load(setting, pictures)
    found: dict[str, float | None] = {}
    for done, percent in enumerate(PERCENT):
        count = round(len(splits.train) * percent / 100)
        share = Splits(drawn(splits.train, count, setting.generator("subset")), splits.test, splits.classes)
        for name, network in (("mlp", mlp), ("cnn", lenet_or_small)):
            seen = setting.train(network(setting, share), share, steps=steps, lr=lr)
            found[f"{name}_{percent}"] = seen.evaluations[-1].scores["accuracy"]
        setting.report(done + 1, len(PERCENT))
    return found


def load(setting: Setting, pictures: str) -> Splits:
    """Return the pictures, standardised."""
    if pictures == "mnist":
        return setting.data("mnist", shape=(1, 28, 28), train_limit=TRAIN_LIMIT)
    return setting.data("digits")


def mlp(setting: Setting, splits: Splits) -> nn.Module:
    """Return the multilayer perceptron with fresh weights."""
    return setting.model("p003_mlp", setting.spec(splits))


EXPERIMENT = Experiment(
    run=run,
    title="Accuracy against the size of the training split",
    outcomes={
        "mlp_5": "1",
        "mlp_10": "1",
        "mlp_25": "1",
        "mlp_50": "1",
        "mlp_100": "1",
        "cnn_5": "1",
        "cnn_10": "1",
        "cnn_25": "1",
        "cnn_50": "1",
        "cnn_100": "1",
    },
    source="articles 001 (1.1), 002 (7) and 003 (10.2): more training data generalises better",
)
