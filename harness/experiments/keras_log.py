"""Article 003's training on MNIST, told as Keras tells it: a line of losses and accuracies after each of five epochs.

Of epoch k: `loss_k` and `accuracy_k` are means over its samples, each as its step saw it, so that the weights change under
them; `val_loss_k` and `val_accuracy_k` are of the test split after it, because that is what the article's log must have been
validated on. `lead_k` is val_accuracy_k − accuracy_k: above 0, the test split does better than the samples being learned.
`loss_ratio` is loss_5 ÷ loss_1: how far the training loss has fallen.

The recipe is that of case 003-keras of the suite `mnist`: pixels from 0 to 1, Adam at 0.001 with eps = 1e-7, batches of 32.
The harness's own loop takes the same steps; it does not count which of its training samples were told right, so that this
one is written out.

Source: article 003, sections 5.2 and 5.4; Keras' definition of an epoch's running metrics.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import torch
import torch.nn.functional as F
from torch import nn

from harness.data import Splits
from harness.experiments import Experiment, Setting

EPOCHS = 5
BATCH = 32


@dataclass(frozen=True)
class Line:
    """What Keras prints of one epoch."""

    loss: float
    accuracy: float
    val_loss: float
    val_accuracy: float


def run(setting: Setting, *, train_limit: int | None = None, test_limit: int | None = None) -> dict[str, float | None]:
    """Return five lines of log and what follows from them.

    Args:
        setting: first weights from the stream `init`, batches from `shuffle`, as the harness's own loop takes them.
        train_limit: take only this many training images, the first ones.
        test_limit: likewise of the test images.

    Raises:
        DataError: MNIST is not there and cannot be fetched.
    """
    splits = setting.data("mnist", scale="unit", train_limit=train_limit, test_limit=test_limit)
    model = setting.model("a003_keras_cnn", setting.spec(splits))
    return told(follow(setting, model, splits, EPOCHS))


def follow(setting: Setting, model: nn.Module, splits: Splits, epochs: int) -> list[Line]:
    """Train a classifier in place by the article's recipe; return the line of each epoch."""
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, eps=1e-7)
    train, test = splits.train.to(setting.device), splits.test.to(setting.device)
    shuffle = setting.generator("shuffle")
    lines: list[Line] = []
    for epoch in range(1, epochs + 1):
        loss_sum = torch.zeros((), dtype=torch.float64, device=setting.device)
        right = torch.zeros((), dtype=torch.int64, device=setting.device)
        for indices in torch.randperm(len(train), generator=shuffle).to(setting.device).split(BATCH):
            labels = train.labels[indices]
            logits = model(train.inputs[indices])
            loss = F.cross_entropy(logits, labels)
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
            loss_sum += loss.detach() * len(indices)
            right += (logits.argmax(dim=1) == labels).sum()
        scores = setting.score(model, test)
        lines.append(Line(loss_sum.item() / len(train), right.item() / len(train), scores["loss"], scores["accuracy"]))
        setting.report(epoch, epochs)
    return lines


def told(lines: Sequence[Line]) -> dict[str, float | None]:
    """Return the outcomes of the epochs' lines."""
    found: dict[str, float | None] = {}
    for epoch, line in enumerate(lines, 1):
        found |= {f"{name}_{epoch}": value for name, value in asdict(line).items()}
        found[f"lead_{epoch}"] = line.val_accuracy - line.accuracy
    return found | {"loss_ratio": lines[-1].loss / lines[0].loss}


EXPERIMENT = Experiment(
    run=run,
    title="Article 003's log",
    outcomes={
        "loss_1": "1",
        "loss_2": "1",
        "loss_3": "1",
        "loss_4": "1",
        "loss_5": "1",
        "accuracy_1": "1",
        "accuracy_2": "1",
        "accuracy_3": "1",
        "accuracy_4": "1",
        "accuracy_5": "1",
        "val_loss_1": "1",
        "val_loss_2": "1",
        "val_loss_3": "1",
        "val_loss_4": "1",
        "val_loss_5": "1",
        "val_accuracy_1": "1",
        "val_accuracy_2": "1",
        "val_accuracy_3": "1",
        "val_accuracy_4": "1",
        "val_accuracy_5": "1",
        "lead_1": "1",
        "lead_2": "1",
        "lead_3": "1",
        "lead_4": "1",
        "lead_5": "1",
        "loss_ratio": "1",
    },
    metric_class="quality",
    source="article 003, sections 5.2 and 5.4",
)
