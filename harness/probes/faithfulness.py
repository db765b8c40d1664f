"""How faithful an explanation is to its model: what deleting, or restoring, the pixels that it calls important does.

The explanation is gradient × input: to first order, how much of the true class's logit each pixel brings, compared with a pixel
that holds nothing. Such a pixel has each channel's mean over the training images; of a linear model the explanation is exact.
If it is faithful, deleting the most important pixels first makes the true class's probability fall early, and restoring them
first, in an image that holds nothing, makes it rise early.

Source: Shrikumar et al., "Not just a black box: learning important features through propagating activation differences", 2016
(gradient × input); Petsiuk, Das and Saenko, "RISE: randomized input sampling for explanation of black-box models", BMVC 2018
(deletion and insertion).

Shape suffixes: B batch, C channels, H height, W width, P = H·W pixels, K classes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from harness.observations import Array

TENTHS = 10
"""Parts into which an image's pixels are cut, by importance."""
MOST_IMAGES = 1000
"""Images that are explained at most."""


class Curves(NamedTuple):
    """Mean probability of the true class over images, with 0, 1, … 10 tenths of the pixels treated, [11] each."""

    deletion: Array
    """With the most important ones deleted."""
    insertion: Array
    """With the most important ones restored, the others being deleted."""


def chosen(count: int, most: int = MOST_IMAGES) -> Tensor:
    """Return the indices of the images that are explained: all, or `most` of them, evenly spread.

    Example:
        >>> chosen(10, most=4).tolist()
        [0, 2, 5, 7]
    """
    taken = min(count, most)
    return torch.arange(taken) * count // max(taken, 1)


def explain(model: nn.Module, images_BCHW: Tensor, labels_B: Tensor, nothing_C11: Tensor) -> Tensor:
    """Return each pixel's share in the true class's logit, [B, H, W]: the gradient × (pixel − nothing), over channels.

    A model whose logits do not depend on its input gives zeros. No gradient of a parameter is touched.

    Raises:
        ValueError: a share is not finite.
    """
    images_BCHW = images_BCHW.detach().requires_grad_()
    with torch.enable_grad():
        logits_BK = model(images_BCHW)
        true_BK = torch.nn.functional.one_hot(labels_B, logits_BK.shape[1])
        total = (logits_BK * true_BK).sum()  # an image's gradient is its own: no image has a part in another's logits
        if total.requires_grad:
            (gradient,) = torch.autograd.grad(total, images_BCHW, allow_unused=True, materialize_grads=True)
        else:
            gradient = torch.zeros_like(images_BCHW)
    shares_BHW = (gradient * (images_BCHW - nothing_C11)).sum(dim=1).detach()
    if not shares_BHW.isfinite().all():
        raise ValueError("the gradient of a logit is not finite")
    return shares_BHW


def faithfulness(model: nn.Module, images: Tensor, labels: Tensor, nothing_C11: Tensor, batch_size: int) -> Curves:
    """Return the deletion and the insertion curve of a model's own gradient × input.

    Of pixels that are equally important the first, row by row, counts as the more important one. Nothing is drawn at random,
    and modules keep their modes.

    Args:
        model: returns logits_BK; in evaluation mode meanwhile.
        images: [N, C, H, W], at least one, on the model's device.
        labels: [N], true classes.
        nothing_C11: what a deleted pixel holds, [C, 1, 1].
        batch_size: images a pass takes.
    """
    sums = np.zeros((2, TENTHS + 1))
    with _evaluating(model):
        for first in range(0, len(images), batch_size):
            images_BCHW, labels_B = images[first : first + batch_size], labels[first : first + batch_size]
            ranks_BHW = _ranks(explain(model, images_BCHW, labels_B, nothing_C11))
            with torch.no_grad():
                sums += _probabilities(model, images_BCHW, labels_B, ranks_BHW, nothing_C11)
    return Curves(*(sums / len(images)))


def _ranks(shares_BHW: Tensor) -> Tensor:
    """Return each pixel's place in its image by importance, 0 for the most important."""
    order_BP = shares_BHW.flatten(1).argsort(dim=1, descending=True, stable=True)
    return order_BP.argsort(dim=1).view(shares_BHW.shape)


def _probabilities(
    model: Callable[[Tensor], Tensor], images_BCHW: Tensor, labels_B: Tensor, ranks_BHW: Tensor, nothing_C11: Tensor
) -> Array:
    """Return the sums of the true class's probabilities over the batch: deletion and insertion, [2, 11]."""

    def total(shown_BCHW: Tensor) -> float:
        return float(model(shown_BCHW).double().softmax(dim=1).gather(1, labels_B[:, None]).sum())

    nothing_BCHW, pixels = nothing_C11.expand_as(images_BCHW), ranks_BHW[0].numel()
    sums = np.empty((2, TENTHS + 1))
    sums[0, 0] = sums[1, TENTHS] = total(images_BCHW)
    sums[0, TENTHS] = sums[1, 0] = total(nothing_BCHW)
    for tenths in range(1, TENTHS):
        top_B1HW = (ranks_BHW < round(pixels * tenths / TENTHS))[:, None]
        sums[0, tenths] = total(torch.where(top_B1HW, nothing_BCHW, images_BCHW))
        sums[1, tenths] = total(torch.where(top_B1HW, images_BCHW, nothing_BCHW))
    return sums


@contextmanager
def _evaluating(model: nn.Module) -> Iterator[None]:
    """Put every module into evaluation mode, and give each its own mode back."""
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        yield
    finally:
        for module, training in modes:
            module.training = training
