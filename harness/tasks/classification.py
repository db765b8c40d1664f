"""Telling classes apart: cross-entropy to learn, accuracy and mean loss to score.

Shape suffixes: B batch, N samples, K classes.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from harness.data import Split
from harness.errors import DataError
from harness.tasks._base import Scores, Task


def loss(model: nn.Module, inputs: Tensor, labels: Tensor) -> Tensor:
    """Return the mean cross-entropy of a batch, a scalar with a gradient.

    Args:
        model: returns logits_BK.
        inputs: [B, *shape].
        labels: [B], int64 class numbers.
    """
    return F.cross_entropy(model(inputs), labels)


def evaluate(model: nn.Module, split: Split, batch_size: int) -> Scores:
    """Return the mean loss, accuracy and predicted classes over a split.

    Every sample weighs the same, whatever the batch size: losses are summed in float64 and divided once. The sums stay
    on the device until the end. No random number is drawn, and each module keeps the mode it had.

    Args:
        model: returns logits_BK; on the split's device.
        split: inputs [N, *shape] and labels [N].
        batch_size: samples a forward pass takes; the last may be smaller.

    Raises:
        DataError: the split is empty.
    """
    if len(split) == 0:
        raise DataError("evaluating: the split holds no samples, at least 1 is needed; choose a larger data set or share")
    loss_sum = torch.zeros((), dtype=torch.float64, device=split.inputs.device)
    predicted: list[Tensor] = []
    with _evaluation_mode(model), torch.inference_mode():
        for start in range(0, len(split), batch_size):
            labels_B = split.labels[start : start + batch_size]
            logits_BK = model(split.inputs[start : start + batch_size])
            loss_sum += F.cross_entropy(logits_BK.double(), labels_B, reduction="sum")
            predicted.append(logits_BK.argmax(dim=1))
        predictions_N = torch.cat(predicted).cpu().numpy()
    labels_N = split.labels.cpu().numpy()
    mean_loss = loss_sum.item() / len(split)
    accuracy = float((predictions_N == labels_N).mean())
    return Scores(mean_loss, predictions_N, labels_N, {"accuracy": accuracy, "loss": mean_loss})


@contextmanager
def _evaluation_mode(model: nn.Module) -> Iterator[None]:
    """Put every module into evaluation mode and give each its own mode back: a frozen part stays frozen."""
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        yield
    finally:
        for module, training in modes:
            module.training = training


TASK = Task(
    primary="accuracy",
    direction="higher",
    scores=("accuracy", "loss"),
    loss=loss,
    evaluate=evaluate,
)
