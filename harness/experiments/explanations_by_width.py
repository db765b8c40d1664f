"""How well the answers of a network of some width can be explained by which parts of an image it saw.

A multilayer perceptron with one hidden layer learns digits of 8x8 pixels. EXPLAINED test images are cut into S = 16 blocks of
2x2 pixels; of each, MASKS copies keep a random half of the blocks and lose the rest to the background. A linear model of
which blocks are there is fitted to the network's probability of the true class, copies that keep more weighing more (LIME).
Its S coefficients are the explanation.

- `surrogate_fit`: weighted share of the probability's variance that the linear model accounts for (R²), mean over images.
- `agreement`: Spearman's correlation between the explanations of two networks that differ in their first weights alone, over
  the blocks with any ink, mean over images.
- `insertion`, `deletion`: mean probability of the true class while blocks are put into an empty image, or taken out of the
  whole one, those with the largest coefficients first; `faithfulness`: insertion − deletion, which is large where the
  explanation has the blocks that matter in front.
- `test_accuracy`: of the first network.

Source: Ribeiro, Singh and Guestrin, "Why should I trust you?", 2016 (LIME); Petsiuk, Das and Saenko, "RISE", 2018 (insertion
and deletion).

Shape suffixes: N images, M masks, S blocks, H height, W width.
"""

from __future__ import annotations

from statistics import fmean

import torch
from torch import Tensor, nn

from harness.data import Splits
from harness.experiments import Experiment, Setting
from harness.experiments._fit import outputs
from harness.options import check_count

EXPLAINED, MASKS = 60, 200
SIDE = 4
"""Blocks along either side of an image."""
KERNEL_WIDTH, RIDGE = 0.25, 1.0
"""LIME's defaults: width of its kernel and penalty of its linear model."""
LEAST_VARIANCE = 1e-10
"""Images whose probability does not move have nothing to explain."""
RATE = 3e-3


def run(setting: Setting, *, width: int = 128, steps: int = 600) -> dict[str, float | None]:
    """Return the measures that the module's docstring defines, for two networks of one width.

    Args:
        setting: first weights, batches and masks are drawn from it.
        width: of the hidden layer.
        steps: of either training, of 64 samples, with Adam.

    Raises:
        UsageError: an option that is not allowed.
    """
    check_count("width", width, 1, 100_000)
    check_count("steps", steps, 1, 1_000_000)
    digits = setting.data("digits", scale="unit")
    networks = twins(setting, digits, width)
    for network in networks:
        setting.train(network, digits, steps=steps, lr=RATE)
    test = digits.test.to(setting.device)
    images_NHW, labels_N = test.inputs[:EXPLAINED, 0], test.labels[:EXPLAINED]
    masks_MS = draw_masks(setting.generator("masks")).to(setting.device)
    explained = [explain(network, images_NHW, labels_N, masks_MS) for network in networks]
    (coefficients_NS, fits_N), (others_NS, _) = explained
    insertion, deletion = (
        in_order(networks[0], images_NHW, labels_N, coefficients_NS, insert=insert) for insert in (True, False)
    )
    return {
        "surrogate_fit": mean_of(fits_N),
        "agreement": agreement(coefficients_NS, others_NS, inked(images_NHW)),
        "insertion": insertion,
        "deletion": deletion,
        "faithfulness": insertion - deletion,
        "test_accuracy": setting.score(networks[0], digits.test)["accuracy"],
    }


def twins(setting: Setting, digits: Splits, width: int) -> list[nn.Module]:
    """Return two networks whose first weights are drawn one after the other."""
    spec = setting.spec(digits)
    first, second = (setting.model("p003_mlp", spec, hidden=width) for _ in range(2))
    for module in second.modules():  # drawn like the first one's by now: draw on
        if isinstance(module, nn.Linear):
            module.reset_parameters()
    return [first, second]


def draw_masks(stream: torch.Generator) -> Tensor:
    """Return which blocks each copy keeps, 0 or 1, [M, S]; the first copy keeps all."""
    masks_MS = (torch.rand(MASKS, SIDE**2, generator=stream) < 0.5).double()
    masks_MS[0] = 1.0
    return masks_MS


def keep(images_NHW: Tensor, masks_NMS: Tensor) -> Tensor:
    """Return copies of each image in which the blocks whose mask is 0 are background, [N, M, H, W]."""
    height, width = images_NHW.shape[1:]
    blocks = masks_NMS.unflatten(2, (SIDE, SIDE)).to(images_NHW.dtype)
    pixels = blocks.repeat_interleave(height // SIDE, dim=2).repeat_interleave(width // SIDE, dim=3)
    copies_NMHW: Tensor = images_NHW[:, None] * pixels
    return copies_NMHW


def probabilities(network: nn.Module, images_NMHW: Tensor, labels_N: Tensor) -> Tensor:
    """Return the probability of each image's class for each of its copies, in float64, [N, M]."""
    count, copies = images_NMHW.shape[:2]
    logits_NMK = outputs(network, images_NMHW.flatten(0, 1)[:, None]).double().unflatten(0, (count, copies))
    told_NM: Tensor = logits_NMK.softmax(dim=2).gather(2, labels_N[:, None, None].expand(count, copies, 1))[..., 0]
    return told_NM


def explain(network: nn.Module, images_NHW: Tensor, labels_N: Tensor, masks_MS: Tensor) -> tuple[Tensor, Tensor]:
    """Return the coefficients of each image's linear model, [N, S], and its R², [N], NaN where nothing moves."""
    copies = keep(images_NHW, masks_MS.expand(len(images_NHW), *masks_MS.shape))
    return fit_surrogates(masks_MS, probabilities(network, copies, labels_N), closeness(masks_MS))


def closeness(masks_MS: Tensor) -> Tensor:
    """Return LIME's weight of each copy, [M]: its kernel of the cosine distance from the whole image."""
    distance_M = 1 - (masks_MS.sum(dim=1) / masks_MS.shape[1]).sqrt()
    return (-(distance_M**2) / KERNEL_WIDTH**2).exp().sqrt()


def fit_surrogates(masks_MS: Tensor, answers_NM: Tensor, weights_M: Tensor) -> tuple[Tensor, Tensor]:
    """Fit weighted ridge regressions with an intercept that is not penalised; return coefficients [N, S] and R² [N]."""
    shares_M = weights_M / weights_M.sum()
    x_MS = masks_MS - shares_M @ masks_MS
    y_NM = answers_NM - (answers_NM @ shares_M)[:, None]
    gram_SS = (x_MS * weights_M[:, None]).T @ x_MS + RIDGE * torch.eye(x_MS.shape[1]).to(x_MS)
    coefficients_NS = torch.linalg.solve(gram_SS, (x_MS * weights_M[:, None]).T @ y_NM.T).T
    left_N = ((y_NM - coefficients_NS @ x_MS.T) ** 2) @ shares_M
    variance_N = (y_NM**2) @ shares_M
    return coefficients_NS, torch.where(variance_N > LEAST_VARIANCE, 1 - left_N / variance_N, torch.nan)


def mean_of(values_N: Tensor) -> float | None:
    """Return the mean without NaNs; None if there are no others."""
    kept = values_N[~values_N.isnan()]
    return kept.mean().item() if len(kept) else None


def spearman(one_NS: Tensor, other_NS: Tensor) -> Tensor:
    """Return the rank correlation of two rows of numbers without ties, [N]: 1 − 6 Σd² ÷ (S (S² − 1))."""
    size = one_NS.shape[1]
    ranks = [values.argsort(dim=1).argsort(dim=1).double() for values in (one_NS, other_NS)]
    return 1 - 6 * ((ranks[0] - ranks[1]) ** 2).sum(dim=1) / (size * (size**2 - 1))


def agreement(one_NS: Tensor, other_NS: Tensor, inked_NS: Tensor) -> float:
    """Return Spearman's correlation over the blocks with any ink, mean over the images: an empty block's value is 0 for all."""
    rows = zip(one_NS, other_NS, inked_NS, strict=True)
    return fmean(float(spearman(one_S[inked_S][None], other_S[inked_S][None])) for one_S, other_S, inked_S in rows)


def inked(images_NHW: Tensor) -> Tensor:
    """Return which blocks of each image hold any ink, [N, S]."""
    return torch.stack([per_block(image_HW) > 0 for image_HW in images_NHW])


def per_block(values_HW: Tensor) -> Tensor:
    """Return the sum over each block, [S], row by row."""
    side = values_HW.shape[0] // SIDE
    sums_S: Tensor = values_HW.unflatten(1, (SIDE, side)).unflatten(0, (SIDE, side)).sum(dim=(1, 3)).flatten()
    return sums_S


def in_order(network: nn.Module, images_NHW: Tensor, labels_N: Tensor, coefficients_NS: Tensor, *, insert: bool) -> float:
    """Return the mean probability of the true class over S + 1 images, from none of the blocks to all or back.

    Args:
        network: trained.
        images_NHW: whole.
        labels_N: their classes.
        coefficients_NS: the largest one's block goes first.
        insert: into an empty image, instead of out of a whole one.
    """
    size = coefficients_NS.shape[1]
    place_NS = coefficients_NS.argsort(dim=1, descending=True).argsort(dim=1)
    taken_NMS = (place_NS[:, None, :] < torch.arange(size + 1, device=place_NS.device)[None, :, None]).double()
    masks_NMS = taken_NMS if insert else 1 - taken_NMS
    return probabilities(network, keep(images_NHW, masks_NMS), labels_N).mean().item()


EXPERIMENT = Experiment(
    run=run,
    title="Explanations by width",
    outcomes={
        "surrogate_fit": "1",
        "agreement": "1",
        "insertion": "1",
        "deletion": "1",
        "faithfulness": "1",
        "test_accuracy": "1",
    },
    metric_class="quality",
    directions={"surrogate_fit": "higher", "agreement": "higher", "faithfulness": "higher", "test_accuracy": "higher"},
    source="Ribeiro, Singh and Guestrin 2016; Petsiuk, Das and Saenko 2018",
)
