"""Trains the classifier of digits that judges generated images, and writes its weights.

Run once, from the project's root, where the harness is installed and MNIST is in the cache or can be fetched:

    python tests/tools/train_digit_classifier.py

It writes `harness/tasks/_digit_classifier.npz` (or the path given as its only argument) and prints the SHA-256 to be
set as `WEIGHTS_SHA256` in `harness/tasks/_features.py`, and the accuracy on both test splits with the weights as
stored. Takes some minutes on one core. Deterministic: the same torch on the same kind of machine writes the same bytes.

MNIST's 60,000 training images and the 1,437 of the digits' training split, enlarged to 28x28, are learnt together; the
digits are shown DIGITS_TIMES as often, for lack of numbers. Each image is moved by up to SHIFT pixels either way.
"""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from harness.catalog import Catalog
from harness.data import LoadContext, Split, Splits
from harness.project import find_project
from harness.tasks._features import IMAGE, WEIGHTS, DigitClassifier

SEED = 1
EPOCHS = 6
BATCH = 128
PEAK_RATE = 3e-3
SHIFT = 2
DIGITS_TIMES = 4


def load(name: str) -> Splits:
    """Return one data set at 28x28, from 0 to 1."""
    project = find_project()
    context = LoadContext(project.data / name, IMAGE, project.root)
    splits: Splits = Catalog().load("data", name).load(context, scale="unit")
    return splits


def moved(images_BCHW: Tensor) -> Tensor:
    """Return the images, each moved by up to SHIFT pixels along either axis."""
    side = images_BCHW.shape[-1]
    padded = F.pad(images_BCHW, (SHIFT,) * 4)
    rows, columns = torch.randint(2 * SHIFT + 1, (2, len(images_BCHW), 1)) + torch.arange(side)
    batch = torch.arange(len(images_BCHW))[:, None, None]
    return padded[batch, 0, rows[:, :, None], columns[:, None, :]].unsqueeze(1)


def train(sets: list[Split]) -> DigitClassifier:
    """Return the classifier, trained with AdamW under a one-cycle rate."""
    inputs, labels = torch.cat([split.inputs for split in sets]), torch.cat([split.labels for split in sets])
    model = DigitClassifier()
    optimizer = torch.optim.AdamW(model.parameters(), lr=PEAK_RATE, weight_decay=1e-2)
    steps = EPOCHS * (len(labels) // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, PEAK_RATE, total_steps=steps)
    for epoch in range(EPOCHS):
        for chosen in torch.randperm(len(labels))[: len(labels) // BATCH * BATCH].split(BATCH):
            _, logits_BK = model(moved(inputs[chosen]))
            optimizer.zero_grad()
            torch.autograd.backward(F.cross_entropy(logits_BK, labels[chosen]))
            optimizer.step()
            schedule.step()
        print(f"epoch {epoch + 1} of {EPOCHS} done", flush=True)
    return model


def rounded(model: DigitClassifier) -> dict[str, Any]:
    """Return the weights in float16, and put them into the model."""
    model.half().float()
    return {name: weights.numpy().astype(np.float16) for name, weights in model.state_dict().items()}


def accuracy(model: DigitClassifier, split: Split) -> float:
    """Return the share of images whose class is predicted right."""
    with torch.inference_mode():
        predicted = torch.cat([model(batch)[1].argmax(dim=1) for batch in split.inputs.split(1000)])
    return float((predicted == split.labels).float().mean())


def main(target: Path) -> None:
    """Train, write and report."""
    torch.manual_seed(SEED)
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    mnist, digits = load("mnist"), load("digits")
    model = train([mnist.train, *[digits.train] * DIGITS_TIMES])
    np.savez(target, **rounded(model))
    print(f"{target.stat().st_size} bytes, SHA-256 {hashlib.sha256(target.read_bytes()).hexdigest()}")
    print(
        f"accuracy on MNIST's test split {accuracy(model, mnist.test):.4f}, on the digits' {accuracy(model, digits.test):.4f}"
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else WEIGHTS)
