"""Cross-entropy against mean squared error as the loss of a classifier.

A multilayer perceptron learns the 8x8 digits with Adam, whose rate falls linearly to 0, from the same weights and on the same
batches with either loss; a fifth of the training samples is held out for validation, and each loss takes the learning rate of
RATES that does best there.

- `accuracy_cross_entropy`: test accuracy with cross-entropy of the softmax of the outputs.
- `accuracy_squared_error`: with the mean squared difference between the outputs as they are and 1 for the class, 0 elsewhere.

Source: article 004, section 3.1.2; Hui and Belkin, "Evaluation of neural architectures trained with square loss vs
cross-entropy in classification tasks", 2021 (outputs as they are, without a softmax).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from harness.experiments import Experiment, Setting
from harness.experiments._fit import Loss, accuracy, fit
from harness.options import check_count
from harness.train import hold_out

RATES, VALIDATION = (0.0003, 0.001, 0.003, 0.01), 0.2


def squared_error(outputs_BK: Tensor, labels_B: Tensor) -> Tensor:
    """Return the mean squared difference from 1 for the class and 0 elsewhere, over all samples and classes."""
    return F.mse_loss(outputs_BK, F.one_hot(labels_B, outputs_BK.shape[1]).to(outputs_BK))


LOSSES: dict[str, Loss] = {"cross_entropy": F.cross_entropy, "squared_error": squared_error}


def run(setting: Setting, *, steps: int = 400, hidden: int = 64) -> dict[str, float | None]:
    """Return the outcomes that the module's docstring defines.

    Args:
        setting: its streams give weights, held-out samples and the order of the batches.
        steps: of each training, 64 samples each.
        hidden: width of the network.

    Raises:
        UsageError: an option that is not allowed.
    """
    check_count("steps", steps, 1, 100_000)
    splits = setting.data("digits")
    training, validation = hold_out(splits, VALIDATION, setting.seed)
    assert validation is not None  # a share is held out
    train, held, test = (split.to(setting.device) for split in (training, validation, splits.test))
    found: dict[str, float | None] = {}
    for name, loss in LOSSES.items():
        scores: list[tuple[float, float]] = []
        for rate in RATES:
            model = setting.model("p003_mlp", setting.spec(splits), hidden=hidden)
            optimizer = torch.optim.Adam(model.parameters(), rate)
            finite = fit(model, train, optimizer, steps=steps, order=setting.generator("shuffle"), loss=loss, decay=True)
            scores.append((accuracy(model, held), accuracy(model, test)) if finite else (0.0, 0.0))
        found[f"accuracy_{name}"] = max(scores, key=lambda score: score[0])[1]
        setting.report(len(found), len(LOSSES))
    return found


EXPERIMENT = Experiment(
    run=run,
    title="Loss functions",
    outcomes={"accuracy_cross_entropy": "1", "accuracy_squared_error": "1"},
    metric_class="quality",
    source="article 004, section 3.1.2; Hui and Belkin 2021",
)
