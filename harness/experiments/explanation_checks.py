"""What LIME and SHAP tell of a network: its answers, or how it is made.

A linear classifier and a multilayer perceptron learn the 8x8 digits; an image is S = 16 blocks of 2x2 pixels, and a block
that is left out is background, 0. A coalition is a set of blocks that are kept.

- `linear_error`: KernelSHAP from COALITIONS random coalitions against what Shapley values of a linear function are in closed
  form, a block's weights times its pixels; largest difference ÷ largest value, over the images.
- `kernel_agreement`: Spearman's correlation of KernelSHAP with the exact Shapley values of the perceptron's probability of
  the true class, from all 65,536 coalitions; over the blocks that are not empty, mean over the images.
- `surrogate_fit`: R² of LIME's linear surrogates of that probability (see `explanations_by_width`), mean over the images.
- `randomised_agreement`: Spearman's correlation of the exact Shapley values of the perceptron and of the same network with
  fresh weights; likewise. An explanation that did not look at the network would give 1.
- `rewired_change`: largest difference of the exact Shapley values of the perceptron and of one that computes the same
  function with twice as many hidden units in another order and other weights; ÷ the largest value. float64.
- `rewired_units`: hidden units of the rewired network ÷ those of the perceptron.

Source: article 000, section 6; Ribeiro, Singh and Guestrin 2016; Lundberg and Lee, "A unified approach to interpreting model
predictions", 2017; Adebayo et al., "Sanity checks for saliency maps", 2018.

Shape suffixes: N images, M coalitions, S blocks, H height, W width, K classes.
"""

from __future__ import annotations

from math import factorial
from typing import cast

import torch
from torch import Tensor, nn

from harness.data import Splits
from harness.experiments import Experiment, Setting
from harness.experiments._fit import fit
from harness.experiments.explanations_by_width import (
    agreement,
    draw_masks,
    explain,
    inked,
    keep,
    mean_of,
    per_block,
    probabilities,
)
from harness.options import check_count

IMAGES, SIDE, COALITIONS, RATE = 5, 4, 2000, 3e-3
BLOCKS = SIDE**2


def run(setting: Setting, *, steps: int = 300, hidden: int = 32) -> dict[str, float | None]:
    """Return the outcomes that the module's docstring defines.

    Args:
        setting: its streams give weights, the order of the batches and the coalitions.
        steps: of each training, 64 samples each.
        hidden: width of the perceptron.

    Raises:
        UsageError: an option that is not allowed.
    """
    check_count("steps", steps, 1, 100_000)
    digits = setting.data("digits", scale="unit")
    images_NHW, labels_N = digits.test.inputs[:IMAGES, 0].double(), digits.test.labels[:IMAGES]
    linear = learnt(setting, nn.Sequential(nn.Flatten(), nn.Linear(64, 10)), digits, steps)
    network = perceptron(hidden)
    fresh = perceptron(hidden).double()
    network = learnt(setting, network, digits, steps)
    rewired = rewire(network, setting.generator("rewired"))
    masks_MS = coalitions(setting.generator("coalitions"))

    exact_NS, others_NS, same_NS, kernel_NS = (torch.empty(IMAGES, BLOCKS, dtype=torch.float64) for _ in range(4))
    linear_errors: list[float] = []
    for n, (image_HW, label) in enumerate(zip(images_NHW, labels_N, strict=True)):
        for model, values_NS in ((network, exact_NS), (fresh, others_NS), (rewired, same_NS)):
            values_NS[n] = shapley(answers(model, image_HW, label, all_coalitions()))
        kernel_NS[n] = kernel_shap(masks_MS, answers(network, image_HW, label, masks_MS))
        linear_errors.append(linear_error(linear, image_HW, int(label), masks_MS))
        setting.report(n + 1, IMAGES)
    inked_NS = inked(images_NHW)
    _, fits_N = explain(network, images_NHW, labels_N, draw_masks(setting.generator("masks")))
    return {
        "linear_error": max(linear_errors),
        "kernel_agreement": agreement(kernel_NS, exact_NS, inked_NS),
        "surrogate_fit": mean_of(fits_N),
        "randomised_agreement": agreement(others_NS, exact_NS, inked_NS),
        "rewired_change": float((same_NS - exact_NS).abs().max() / exact_NS.abs().max()),
        "rewired_units": _linear(rewired, 1).out_features / hidden,
    }


def perceptron(hidden: int) -> nn.Sequential:
    """Return a network of one hidden layer for 8x8 images of ten classes, with fresh weights from the global stream."""
    return nn.Sequential(nn.Flatten(), nn.Linear(64, hidden), nn.ReLU(), nn.Linear(hidden, 10))


def learnt(setting: Setting, model: nn.Sequential, digits: Splits, steps: int) -> nn.Sequential:
    """Train a network on the digits, on the CPU; return it in float64."""
    fit(model, digits.train, torch.optim.Adam(model.parameters(), RATE), steps=steps, order=setting.generator("shuffle"))
    return model.double()


def rewire(network: nn.Sequential, draw: torch.Generator) -> nn.Sequential:
    """Return another network of the same function, with twice as many hidden units.

    Each unit is there twice, each time with half of what goes out of it; they stand in another order; what goes into one is
    multiplied by a power of two, and what goes out divided by it.
    """
    inner, outer = _linear(network, 1), _linear(network, 3)
    units = torch.randperm(2 * inner.out_features, generator=draw) % inner.out_features
    scale = 2.0 ** torch.randint(-2, 3, (len(units),), generator=draw).double()
    other = perceptron(len(units)).double()
    with torch.no_grad():
        _linear(other, 1).weight.copy_(inner.weight[units] * scale[:, None])
        _linear(other, 1).bias.copy_(inner.bias[units] * scale)
        _linear(other, 3).weight.copy_(outer.weight[:, units] / (2 * scale))
        _linear(other, 3).bias.copy_(outer.bias)
    return other


def _linear(network: nn.Sequential, place: int) -> nn.Linear:
    return cast(nn.Linear, network[place])


def all_coalitions() -> Tensor:
    """Return every set of blocks, [2^S, S], 0 or 1; row m keeps block s where bit s of m is set."""
    return ((torch.arange(2**BLOCKS)[:, None] >> torch.arange(BLOCKS)) & 1).double()


def coalitions(draw: torch.Generator) -> Tensor:
    """Return no block, all blocks, and COALITIONS sets drawn as the Shapley kernel weighs them, [M, S].

    The kernel gives all sets of s blocks together (S − 1) ÷ (s (S − s)); sets of one size are equally likely.
    """
    kernel = torch.tensor([(BLOCKS - 1) / (size * (BLOCKS - size)) for size in range(1, BLOCKS)], dtype=torch.float64)
    sizes_M = torch.multinomial(kernel, COALITIONS, replacement=True, generator=draw) + 1
    place_MS = torch.rand(COALITIONS, BLOCKS, generator=draw).argsort(dim=1).argsort(dim=1)
    drawn_MS = (place_MS < sizes_M[:, None]).double()
    return torch.cat([torch.zeros(1, BLOCKS).double(), torch.ones(1, BLOCKS).double(), drawn_MS])


def answers(model: nn.Module, image_HW: Tensor, label: Tensor, masks_MS: Tensor) -> Tensor:
    """Return the probability of the image's class for each coalition, [M]."""
    return probabilities(model, keep(image_HW[None], masks_MS[None]), label[None])[0]


def shapley(answers_M: Tensor) -> Tensor:
    """Return the Shapley value of each of S players, [S], from the worth of all 2^S coalitions in the order of their bits.

    φ_s = Σ over the sets T without s of |T|! (S − |T| − 1)! ÷ S! · (v(T with s) − v(T)).
    """
    players = len(answers_M).bit_length() - 1
    sets_M = torch.arange(len(answers_M))
    sizes_M = ((sets_M[:, None] >> torch.arange(players)) & 1).sum(dim=1)
    weights = [factorial(size) * factorial(players - size - 1) / factorial(players) for size in range(players)]
    weight_M = torch.tensor([*weights, 0.0], dtype=torch.float64)[sizes_M]
    values = []
    for player in range(players):
        without = sets_M[(sets_M >> player) & 1 == 0]
        values.append((weight_M[without] * (answers_M[without + 2**player] - answers_M[without])).sum())
    return torch.stack(values)


def kernel_shap(masks_MS: Tensor, answers_M: Tensor) -> Tensor:
    """Return KernelSHAP's values, [S]: least squares over drawn coalitions, such that the values add up to the whole's worth.

    Args:
        masks_MS: the empty coalition, the whole one, and those drawn.
        answers_M: the worth of each.
    """
    empty, whole = answers_M[0], answers_M[1]
    last_M = masks_MS[2:, -1]
    x = masks_MS[2:, :-1] - last_M[:, None]
    y = answers_M[2:] - empty - last_M * (whole - empty)
    first = torch.linalg.lstsq(x, y[:, None]).solution[:, 0]
    return torch.cat([first, (whole - empty - first.sum())[None]])


def linear_error(linear: nn.Sequential, image_HW: Tensor, label: int, masks_MS: Tensor) -> float:
    """Return how far KernelSHAP of a linear classifier's output is from the closed form, ÷ the largest value."""
    weight_HW = _linear(linear, 1).weight[label].detach().unflatten(0, image_HW.shape)
    true_S = per_block(weight_HW * image_HW)
    copies_MHW = keep(image_HW[None], masks_MS[None])[0]
    found_S = kernel_shap(masks_MS, (copies_MHW * weight_HW).sum(dim=(1, 2)))
    return float((found_S - true_S).abs().max() / true_S.abs().max())


EXPERIMENT = Experiment(
    run=run,
    title="Checks of explanations",
    outcomes={
        "linear_error": "1",
        "kernel_agreement": "1",
        "surrogate_fit": "1",
        "randomised_agreement": "1",
        "rewired_change": "1",
        "rewired_units": "1",
    },
    metric_class="quality",
    source="article 000, section 6; Ribeiro, Singh and Guestrin 2016; Lundberg and Lee 2017; Adebayo et al. 2018",
)
