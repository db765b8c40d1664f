"""How much data networks of different widths need: samples until 95 % of what the same width reaches with all of them.

A multilayer perceptron (`p003_mlp`) of each width in WIDTHS learns from each number of digits in SAMPLES, always for the same
number of steps. Which samples a smaller split holds is drawn by the seed, and each split is part of the next.

- `needed_<width>`: number of training samples at which the test accuracy first reaches 95 % of the width's own accuracy with
  all samples, interpolated between two sizes on a logarithmic scale; the smallest size where that is enough already.
- `accuracy_<width>_<samples>`: the accuracies at the smallest and the largest size.

Source: the articles' claim that large models need much data; the measure is that of a learning curve relative to its own
plateau, because a narrow network that never gets far is otherwise said to need all the data there is.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from harness.data import Splits
from harness.experiments import Experiment, Setting
from harness.experiments._digit_pictures import drawn
from harness.options import check_count

WIDTHS = (8, 32, 128, 512)
SAMPLES = (36, 72, 144, 359, 718, 1437)
ENOUGH = 0.95
"""Share of the own plateau."""


def run(setting: Setting, *, steps: int = 300, lr: float = 3e-3) -> dict[str, float | None]:
    """Return what the module's docstring defines.

    Args:
        setting: draws weights, batches and which samples a smaller split holds.
        steps: of 64 samples, or of all where there are fewer.
        lr: learning rate of Adam.

    Raises:
        UsageError: an option that is not allowed.
    """
    check_count("steps", steps, 1, 1_000_000)
    splits = setting.data("digits")
    found: dict[str, float | None] = {}
    for done, width in enumerate(WIDTHS):
        curve = learning_curve(setting, splits, width, steps, lr)
        found[f"needed_{width}"] = samples_needed(curve, ENOUGH)
        found |= {f"accuracy_{width}_{count}": curve[count] for count in (SAMPLES[0], SAMPLES[-1])}
        setting.report(done + 1, len(WIDTHS))
    return found


def learning_curve(setting: Setting, splits: Splits, width: int, steps: int, lr: float) -> dict[int, float]:
    """Return the test accuracy of a width at each number of training samples."""
    curve = {}
    for count in SAMPLES:
        smaller = Splits(drawn(splits.train, count, setting.generator("subset")), splits.test, splits.classes)
        model = setting.model("p003_mlp", setting.spec(smaller), hidden=width)
        curve[count] = setting.train(model, smaller, steps=steps, lr=lr).evaluations[-1].scores["accuracy"]
    return curve


def samples_needed(curve: Mapping[int, float], share: float) -> float:
    """Return the number of samples at which a curve first reaches `share` of its last value.

    {100: 0.5, 400: 0.9, 800: 1.0} and 0.7 give 200: halfway from 0.5 to 0.9, and so halfway from 100 to 400 in logarithms.

    Args:
        curve: number of samples -> accuracy, in rising order.
        share: of the last accuracy, at most 1.
    """
    counts = list(curve)
    goal = share * curve[counts[-1]]
    if curve[counts[0]] >= goal:
        return float(counts[0])
    after = next(place for place, count in enumerate(counts) if curve[count] >= goal)
    low, high = counts[after - 1], counts[after]
    part = (goal - curve[low]) / (curve[high] - curve[low])
    return math.exp(math.log(low) + part * (math.log(high) - math.log(low)))


EXPERIMENT = Experiment(
    run=run,
    title="Data needed against width",
    outcomes={
        "needed_8": "{sample}",
        "needed_32": "{sample}",
        "needed_128": "{sample}",
        "needed_512": "{sample}",
        "accuracy_8_36": "1",
        "accuracy_8_1437": "1",
        "accuracy_32_36": "1",
        "accuracy_32_1437": "1",
        "accuracy_128_36": "1",
        "accuracy_128_1437": "1",
        "accuracy_512_36": "1",
        "accuracy_512_1437": "1",
    },
    source="articles 000 (5) and 001 (6.2.2): large models need much data",
)
