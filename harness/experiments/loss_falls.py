"""Whether training lowers the loss: a few dozen steps of each kind of classifier in the catalogue.

Each of MODELS takes `steps` steps of Adam at 0.001, batches of 32, on the data set that it is made for: digits, digits row by
row, or sequences of symbols. The loss is the mean over the first 256 training samples, the same before and after: the losses
of single batches differ by more than a slow learner gains in so few steps.

- `models`: how many were trained.
- `falling`: how many had a lower loss after training than before.
- `loss_first`, `loss_last`: those two losses, mean over the models.

Source: article 003, section 3.2; article 001, section 2.3.
"""

from __future__ import annotations

from dataclasses import replace
from statistics import fmean
from typing import Any

import torch

from harness.data import Splits
from harness.experiments import Experiment, Setting
from harness.options import check_count

IMAGES: dict[str, tuple[int, int, int]] = {
    "a000_lenet_gray": (1, 32, 32),
    "a001_cnn_onepool": (1, 28, 28),
    "a003_keras_cnn": (1, 28, 28),
    "a004_cnn": (1, 28, 28),
    "p003_conv_stage": (1, 28, 28),
    "p003_mlp": (1, 28, 28),
}
ROWS: dict[str, dict[str, Any]] = {"a001_rnn": {}, "p000_rnn": {}, "p004_lstm": {}, "p004_gru": {}}
TEXTS: dict[str, dict[str, Any]] = {
    "a004_nlp_lstm": {},
    "p000_mha": {"positions": True},
    "p001_rnn_relu": {"init": "identity"},
    "p002_transformer_encoder": {},
}
"""Model -> what it is built with."""
MODELS = (*IMAGES, *ROWS, *TEXTS)
KNOWN = 256


def run(setting: Setting, *, steps: int = 30) -> dict[str, float | None]:
    """Return the outcomes that the module's docstring defines.

    Args:
        setting: its streams give the weights and the order of the samples.
        steps: of each training, of 32 samples.

    Raises:
        UsageError: an option that is not allowed.
    """
    check_count("steps", steps, 1, 100_000)
    rows, texts = setting.data("digit_rows"), setting.data("recall")
    trainings: list[tuple[str, Splits, dict[str, Any]]] = [
        *((name, setting.data("digits", shape=shape), {}) for name, shape in IMAGES.items()),
        *((name, rows, options) for name, options in ROWS.items()),
        *((name, texts, options) for name, options in TEXTS.items()),
    ]
    ends: list[tuple[float, float]] = []
    for name, splits, options in trainings:
        model = setting.model(name, setting.spec(splits), **options)
        known = splits.train.take(torch.arange(KNOWN))
        before = setting.score(model, known)["loss"]
        setting.train(model, replace(splits, test=known), steps=steps, batch_size=32)
        ends.append((before, setting.score(model, known)["loss"]))
        setting.report(len(ends), len(trainings))
    first, last = zip(*ends, strict=True)
    return {
        "models": len(ends),
        "falling": sum(after < before for before, after in ends),
        "loss_first": fmean(first),
        "loss_last": fmean(last),
    }


EXPERIMENT = Experiment(
    run=run,
    title="Loss before and after training",
    outcomes={"models": "{model}", "falling": "{model}", "loss_first": "1", "loss_last": "1"},
    metric_class="quality",
    source="article 003, section 3.2; article 001, section 2.3",
)
