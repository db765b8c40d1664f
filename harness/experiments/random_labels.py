"""How many random labels a network of some width learns by heart: its capacity.

Six hundred digits of 8x8 pixels get labels drawn at random, so that nothing but memory helps. A multilayer perceptron with
one hidden layer trains for `steps` steps of 64 samples with Adam; `fitted_<width>` is the share of the labels that it then
gives back, at the better of RATES (what a network can fit is asked, not what it generalises to, so that no sample is held
out). Chance is about 0.1, the commonest label a little more.

Source: Zhang, Bengio, Hardt, Recht and Vinyals, "Understanding deep learning requires rethinking generalization", 2017.
"""

from __future__ import annotations

import torch

from harness.data import Split, Splits
from harness.experiments import Experiment, Setting
from harness.options import check_count

WIDTHS = (4, 16, 64, 256)
RATES = (3e-3, 1e-2)
SAMPLES = 600


def run(setting: Setting, *, steps: int = 400) -> dict[str, float | None]:
    """Return the share of random labels learned, by width.

    Args:
        setting: first weights, batches and labels are drawn from it.
        steps: of each training.

    Raises:
        UsageError: an option that is not allowed.
    """
    check_count("steps", steps, 1, 1_000_000)
    splits = relabelled(setting)
    return {f"fitted_{width}": max(fitted(setting, splits, width, rate, steps) for rate in RATES) for width in WIDTHS}


def relabelled(setting: Setting) -> Splits:
    """Return digits with random labels; test and training split are the same."""
    digits = setting.data("digits", scale="unit", train_limit=SAMPLES)
    labels = torch.randint(len(digits.classes), (SAMPLES,), generator=setting.generator("labels"))
    split = Split(digits.train.inputs, labels)
    return Splits(split, split, digits.classes)


def fitted(setting: Setting, splits: Splits, width: int, rate: float, steps: int) -> float:
    """Return the share of the labels that a fresh network gives back after training."""
    model = setting.model("p003_mlp", setting.spec(splits), hidden=width)
    setting.train(model, splits, steps=steps, lr=rate)
    return setting.score(model, splits.train)["accuracy"]


EXPERIMENT = Experiment(
    run=run,
    title="Random labels learned by heart",
    outcomes={"fitted_4": "1", "fitted_16": "1", "fitted_64": "1", "fitted_256": "1"},
    metric_class="quality",
    directions={"fitted_4": "higher", "fitted_16": "higher", "fitted_64": "higher", "fitted_256": "higher"},
    source="Zhang et al. 2017",
)
