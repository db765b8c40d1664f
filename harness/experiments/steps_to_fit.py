"""How many steps plain gradient descent and Adam need to fit the training split, by the width of the network.

A multilayer perceptron with one hidden layer learns digits of 8x8 pixels, in batches of 64, until it is right on 95 % of the
training split; that is looked at every EVERY steps. Each optimiser is asked at every rate of its grid, and the fewest steps
count: an optimiser that copes with a width does so at some rate.

- `sgd_<width>`, `adam_<width>`: those steps; null if no rate gets there within MOST.
- `sgd_slope`, `adam_slope`: least-squares slope of ln(steps) against ln(width); above 0, wider networks take longer. Null
  if one of the widths is.

Source: article 004, section 5.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch

from harness.experiments import Experiment, Setting
from harness.experiments._fit import accuracy, fit
from harness.options import check_share

WIDTHS = (16, 64, 256, 1024)
RATES = {"sgd": (0.1, 0.3, 1.0), "adam": (3e-3, 1e-2, 3e-2)}
"""On other seeds than the suite's the best rate lay within these for every width: 0.03 and 3, 0.001 and 0.1 took longer."""
EVERY, MOST = 2, 2000


def run(setting: Setting, *, wanted: float = 0.95) -> dict[str, float | None]:
    """Return the steps and slopes that the module's docstring defines.

    Args:
        setting: first weights and batches are drawn from it.
        wanted: share of the training split to be told right.

    Raises:
        UsageError: `wanted` is not 0 to below 1.
    """
    check_share("wanted", wanted)
    found: dict[str, float | None] = {}
    for name in RATES:
        steps = {width: fewest_steps(setting, name, width, wanted) for width in WIDTHS}
        found |= {f"{name}_{width}": count for width, count in steps.items()}
        found[f"{name}_slope"] = slope(steps)
    return found


def fewest_steps(setting: Setting, optimizer: str, width: int, wanted: float) -> int | None:
    """Return the fewest steps at any rate; None if none is enough. A rate is given up when it has taken as many as another."""
    best: int | None = None
    for rate in RATES[optimizer]:
        steps = steps_at(setting, optimizer, rate, width, wanted, most=MOST if best is None else best)
        best = steps if steps is not None else best
    return best


def steps_at(setting: Setting, optimizer: str, rate: float, width: int, wanted: float, most: int) -> int | None:
    """Return the steps until the training split is fitted; None if more than `most` would be needed or the loss diverges."""
    digits = setting.data("digits")
    train = digits.train.to(setting.device)
    model = setting.model("p003_mlp", setting.spec(digits), hidden=width)
    make = torch.optim.SGD if optimizer == "sgd" else torch.optim.Adam
    reached: list[int] = []

    def look(step: int) -> bool:
        if accuracy(model, train) >= wanted:
            reached.append(step)
        return bool(reached)

    fit(model, train, make(model.parameters(), lr=rate), steps=most, order=setting.generator("shuffle"), every=EVERY, look=look)
    return reached[0] if reached else None


def slope(steps: Mapping[int, int | None]) -> float | None:
    """Return the log-log slope of steps against width; None where steps are lacking."""
    counts = [count for count in steps.values() if count is not None]
    return float(np.polyfit(np.log(list(steps)), np.log(counts), 1)[0]) if len(counts) == len(steps) else None


EXPERIMENT = Experiment(
    run=run,
    title="Steps to fit the training split, by width",
    outcomes={
        "sgd_16": "{step}",
        "sgd_64": "{step}",
        "sgd_256": "{step}",
        "sgd_1024": "{step}",
        "sgd_slope": "1",
        "adam_16": "{step}",
        "adam_64": "{step}",
        "adam_256": "{step}",
        "adam_1024": "{step}",
        "adam_slope": "1",
    },
    metric_class="quality",
    source="article 004, section 5",
)
