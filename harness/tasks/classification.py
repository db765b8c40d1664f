"""Telling classes apart: cross-entropy to learn, accuracy and mean loss to score; of images, sequences, texts and speech.

Shape suffixes: B batch, N samples, K classes.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from harness.data import Split, Splits
from harness.errors import DataError
from harness.tasks._base import Learning, Scores, Task, Turn, evaluation_mode


def start(splits: Splits) -> Learning:
    """Return how a classifier of the data set's classes learns."""
    return Learning(turns=(Turn(loss),), evaluate=evaluate)


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
    with evaluation_mode(model):
        for first in range(0, len(split), batch_size):
            labels_B = split.labels[first : first + batch_size]
            logits_BK = model(split.inputs[first : first + batch_size])
            loss_sum += F.cross_entropy(logits_BK.double(), labels_B, reduction="sum")
            predicted.append(logits_BK.argmax(dim=1))
        predictions_N = torch.cat(predicted).cpu().numpy()
    labels_N = split.labels.cpu().numpy()
    values = {"accuracy": float((predictions_N == labels_N).mean()), "loss": loss_sum.item() / len(split)}
    return Scores(values, predictions_N, labels_N)


TASK = Task(
    primary="accuracy",
    scores={"accuracy": "higher", "loss": "lower"},
    start=start,
)
