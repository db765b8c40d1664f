"""Which optimiser suits which network, each at its own best learning rate.

Three networks of about 9,200 parameters learn the 8x8 digits: a convolutional one, and a plain recurrent one and an LSTM that
read the images row by row. Each is trained with SGD, SGD with momentum 0.9, Adam and RMSprop, from the same weights, on the
same batches, at four learning rates half a decade apart, each of which falls linearly to 0. A fifth of the training samples
is held out for validation.

For each network, of the two families `sgd` (with and without momentum) and `adaptive` (Adam, RMSprop):

- `accuracy_<network>_<family>`: test accuracy of the training whose validation accuracy is the family's best (of equals,
  the one with the smaller validation loss).
- `steps_<network>_<family>`: steps until the validation accuracy is first 0.9, of the training that gets there first;
  looked at every `every` steps. `steps` where none gets there.
- `gain_<network>`: accuracy of the adaptive family less that of the SGD family.

Source: article 001, section 6.3; Adam: Kingma and Ba 2015; the grid: Choi et al., "On empirical comparisons of optimizers for
deep learning", 2019 (the ranking of optimisers depends on how they are tuned).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial

import torch
import torch.nn.functional as F
from torch import nn

from harness.data import Split, Splits
from harness.experiments import Experiment, Setting
from harness.experiments._fit import accuracy, fit, outputs
from harness.options import check_count
from harness.train import hold_out

Make = Callable[..., torch.optim.Optimizer]

FAMILIES: dict[str, dict[str, tuple[Make, tuple[float, ...]]]] = {
    "sgd": {
        "plain": (lambda parameters, lr: torch.optim.SGD(parameters, lr), (0.1, 0.3, 1.0, 3.0)),
        "momentum": (lambda parameters, lr: torch.optim.SGD(parameters, lr, momentum=0.9), (0.01, 0.03, 0.1, 0.3)),
    },
    "adaptive": {
        "adam": (lambda parameters, lr: torch.optim.Adam(parameters, lr), (0.001, 0.003, 0.01, 0.03)),
        "rmsprop": (lambda parameters, lr: torch.optim.RMSprop(parameters, lr), (0.001, 0.003, 0.01, 0.03)),
    },
}
"""Family -> optimiser -> how it is made, and the learning rates tried: half a decade apart, the best of them inside."""
NETWORKS = ("cnn", "rnn", "lstm")
VALIDATION, TARGET = 0.2, 0.9


@dataclass(frozen=True)
class Trained:
    """What one training of the grid came to."""

    validation: float
    """Accuracy."""
    validation_loss: float
    test: float
    """Accuracy."""
    reached: int
    """Steps until the validation accuracy was first TARGET; all steps if it never was."""


def run(setting: Setting, *, steps: int = 200, every: int = 5) -> dict[str, float | None]:
    """Return the outcomes that the module's docstring defines.

    Args:
        setting: its streams give the first weights, the held-out samples and the order of the batches.
        steps: of each training.
        every: steps between two looks at the validation split.

    Raises:
        UsageError: an option that is not allowed.
    """
    check_count("steps", steps, 1, 100_000)
    check_count("every", every, 1, steps)
    images = setting.data("digits")
    found: dict[str, float | None] = {}
    for done, network in enumerate(NETWORKS):
        splits, build = prepared(setting, images, network)
        training, validation = hold_out(splits, VALIDATION, setting.seed)
        assert validation is not None  # a share is held out
        for family, members in FAMILIES.items():
            grid = [
                train(setting, build(), partial(make, lr=lr), (training, validation, splits.test), steps, every)
                for make, rates in members.values()
                for lr in rates
            ]
            best = max(grid, key=lambda trained: (trained.validation, -trained.validation_loss))
            found[f"accuracy_{network}_{family}"] = best.test
            found[f"steps_{network}_{family}"] = min(trained.reached for trained in grid)
        accuracies = [found[f"accuracy_{network}_{family}"] or 0.0 for family in ("adaptive", "sgd")]
        found[f"gain_{network}"] = accuracies[0] - accuracies[1]
        setting.report(done + 1, len(NETWORKS))
    return found


def prepared(setting: Setting, images: Splits, network: str) -> tuple[Splits, Callable[[], nn.Module]]:
    """Return the digits as a network takes them, and what builds it, always with the same first weights."""
    if network == "cnn":
        return images, lambda: convolutional(setting)
    rows = Splits(_as_rows(images.train), _as_rows(images.test), images.classes)
    spec = setting.spec(rows)
    if network == "rnn":
        return rows, lambda: setting.model("p000_rnn", spec, hidden=87)
    return rows, lambda: setting.model("p004_lstm", spec, hidden=42)


def convolutional(setting: Setting) -> nn.Module:
    """Return two 3x3 convolutions, each pooled, and two linear layers, for 1x8x8 images: 9,166 parameters."""
    setting.seed_globals()
    return nn.Sequential(
        nn.Conv2d(1, 12, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(12, 24, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(96, 60),
        nn.ReLU(),
        nn.Linear(60, 10),
    ).to(setting.device)


def _as_rows(split: Split) -> Split:
    """Return images of one channel as sequences of rows."""
    return Split(split.inputs.squeeze(1), split.labels)


def train(
    setting: Setting,
    model: nn.Module,
    make: Callable[[Iterable[nn.Parameter]], torch.optim.Optimizer],
    splits: tuple[Split, Split, Split],
    steps: int,
    every: int,
) -> Trained:
    """Train once; a training whose loss was not finite has the scores of a network that knows nothing: 0."""
    training, validation, test = (split.to(setting.device) for split in splits)
    reached: list[int] = []

    def look(step: int) -> None:
        if not reached and accuracy(model, validation) >= TARGET:
            reached.append(step)

    order = setting.generator("shuffle")
    finite = fit(model, training, make(model.parameters()), steps=steps, order=order, decay=True, every=every, look=look)
    if not finite:
        return Trained(0.0, float("inf"), 0.0, steps)
    loss = float(F.cross_entropy(outputs(model, validation.inputs).double(), validation.labels))
    return Trained(accuracy(model, validation), loss, accuracy(model, test), reached[0] if reached else steps)


EXPERIMENT = Experiment(
    run=run,
    title="Optimisers on three networks",
    outcomes={
        "accuracy_cnn_sgd": "1",
        "accuracy_cnn_adaptive": "1",
        "gain_cnn": "1",
        "steps_cnn_sgd": "{step}",
        "steps_cnn_adaptive": "{step}",
        "accuracy_rnn_sgd": "1",
        "accuracy_rnn_adaptive": "1",
        "gain_rnn": "1",
        "steps_rnn_sgd": "{step}",
        "steps_rnn_adaptive": "{step}",
        "accuracy_lstm_sgd": "1",
        "accuracy_lstm_adaptive": "1",
        "gain_lstm": "1",
        "steps_lstm_sgd": "{step}",
        "steps_lstm_adaptive": "{step}",
    },
    metric_class="quality",
    source="article 001, section 6.3; Choi et al. 2019",
)
