"""A short training by hand, for experiments that examine the update itself, or look at several splits while training."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim.lr_scheduler import LinearLR

from harness.data import Split
from harness.tasks import evaluation_mode

Loss = Callable[[Tensor, Tensor], Tensor]
"""`loss(outputs_BK, labels_B)`: a scalar with a gradient."""
SCORING_BATCH = 512


def fit(
    model: nn.Module,
    split: Split,
    optimizer: torch.optim.Optimizer,
    *,
    steps: int,
    order: torch.Generator,
    batch_size: int = 64,
    loss: Loss = F.cross_entropy,
    decay: bool = False,
    every: int = 0,
    look: Callable[[int], bool | None] | None = None,
) -> bool:
    """Train a model in place; return whether all losses were finite: training stops at one that is not.

    Batches are those of the harness's own loop: an epoch takes every sample once, in an order that `order` draws, and its last
    batch may be smaller.

    Args:
        model: returns outputs_BK; on the split's device.
        split: samples with class labels.
        optimizer: of the model's parameters.
        steps: updates of the weights, at most.
        order: draws the order of each epoch.
        batch_size: samples in a batch.
        loss: mean over the batch.
        decay: whether the learning rate falls linearly to 0 over the steps, so that the last weights are no matter of chance.
        every: steps between two looks.
        look: told the number of steps taken; may score the model; True ends the training.
    """
    step = 0
    schedule = LinearLR(optimizer, 1.0, 1 / steps, steps - 1) if decay and steps > 1 else None
    model.train()
    while step < steps:
        for places_B in torch.randperm(len(split), generator=order).split(batch_size)[: steps - step]:
            value = loss(model(split.inputs[places_B]), split.labels[places_B])
            if not value.isfinite():
                return False
            optimizer.zero_grad()
            value.backward()
            optimizer.step()
            if schedule is not None:
                schedule.step()
            step += 1
            if look is not None and step % every == 0:
                if look(step):
                    return True
                model.train()
    return True


def outputs(model: nn.Module, inputs: Tensor) -> Tensor:
    """Return what a model makes of all samples, [N, K], in evaluation mode and without gradients."""
    with evaluation_mode(model):
        found = torch.cat([model(batch) for batch in inputs.split(SCORING_BATCH)])
    return found.clone()  # a plain tensor again, which gradients may pass


def accuracy(model: nn.Module, split: Split) -> float:
    """Return the share of samples whose largest output is that of their class; no random number is drawn."""
    return float((outputs(model, split.inputs).argmax(dim=1) == split.labels).double().mean())
