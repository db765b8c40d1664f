"""What it costs to choose by the test set: the score that is then reported against an honest one.

A multilayer perceptron learns `samples` of the 8x8 digits with Adam, a fifth of them held out for validation. After each of
`epochs` epochs it is scored on the validation and on the test split.

- `best_on_test`: the best test accuracy of all epochs, which is what is reported where the test set serves as the validation
  set.
- `chosen_by_validation`: the test accuracy after the epoch with the best validation accuracy, the first of equals.
- `validation_last`, `test_last`: both accuracies after the last epoch, which nobody chose.

Source: article 003, sections 3.2 and 10.3 (its listing validates on the test set); Cawley and Talbot, "On over-fitting in
model selection and subsequent selection bias in performance evaluation", 2010.
"""

from __future__ import annotations

import math

import torch

from harness.experiments import Experiment, Setting
from harness.experiments._fit import accuracy, fit
from harness.options import check_count
from harness.train import hold_out

BATCH, VALIDATION, RATE = 64, 0.2, 1e-3


def run(setting: Setting, *, samples: int = 1437, epochs: int = 30, hidden: int = 64) -> dict[str, float | None]:
    """Return the outcomes that the module's docstring defines.

    Args:
        setting: its streams give weights, held-out samples and the order of the batches.
        samples: of the digits' training split that are used, from the first on.
        epochs: passes over what is not held out.
        hidden: width of the network.

    Raises:
        UsageError: an option that is not allowed.
    """
    check_count("samples", samples, 100, 1437)
    check_count("epochs", epochs, 1, 10_000)
    splits = setting.data("digits", train_limit=samples)
    training, validation = hold_out(splits, VALIDATION, setting.seed)
    assert validation is not None  # a share is held out
    train, held, test = (split.to(setting.device) for split in (training, validation, splits.test))
    model = setting.model("p003_mlp", setting.spec(splits), hidden=hidden)
    scores: list[tuple[float, float]] = []

    def look(step: int) -> None:
        scores.append((accuracy(model, held), accuracy(model, test)))
        setting.report(len(scores), epochs)

    every = math.ceil(len(train) / BATCH)
    optimizer, order = torch.optim.Adam(model.parameters(), RATE), setting.generator("shuffle")
    fit(model, train, optimizer, steps=epochs * every, order=order, batch_size=BATCH, every=every, look=look)
    return summary(scores)


def summary(scores: list[tuple[float, float]]) -> dict[str, float | None]:
    """Return the outcomes of (validation, test) accuracies, epoch by epoch."""
    chosen = max(range(len(scores)), key=lambda epoch: (scores[epoch][0], -epoch))
    return {
        "best_on_test": max(test for _, test in scores),
        "chosen_by_validation": scores[chosen][1],
        "validation_last": scores[-1][0],
        "test_last": scores[-1][1],
    }


EXPERIMENT = Experiment(
    run=run,
    title="Choosing by the test set",
    outcomes={"best_on_test": "1", "chosen_by_validation": "1", "validation_last": "1", "test_last": "1"},
    metric_class="quality",
    source="article 003, sections 3.2 and 10.3; Cawley and Talbot 2010",
)
