"""Whether a compressed network is easier to explain: surrogates of its answers, and what they point at.

A multilayer perceptron learns the 8x8 digits. Compared with it, `full`, are: `pruned`, nine tenths of its weights, the
smallest, held at zero for the second half of the training; `rounded`, its weights rounded to 8 bits, one scale a layer;
`distilled`, a network of `small` hidden units that learnt its probabilities. For each:

- `fit_<network>`: weighted share of variance (R²) of the true class's probability that LIME's linear surrogates account for,
  mean over images (see `explanations_by_width`).
- `faithfulness_<network>`: probability of the true class while the blocks with the largest coefficients are put into an empty
  image first, less the same while they are taken out first; means over images and steps.
- `certainty_<network>`: probability of the true class of the whole images. `share_<network>`: faithfulness ÷ certainty, because
  a network that is less sure of everything has the smaller faithfulness without pointing elsewhere.
- `accuracy_<network>`: test accuracy. `weights_<network>`: weights that are not zero.

Source: article 000, sections 5 and 6; pruning: Han et al. 2015; distillation: Hinton, Vinyals and Dean 2015; LIME: Ribeiro,
Singh and Guestrin 2016.
"""

from __future__ import annotations

import copy
from dataclasses import replace

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from harness.data import Split, Splits
from harness.experiments import Experiment, Setting
from harness.experiments._fit import accuracy, fit, outputs
from harness.experiments.explanations_by_width import EXPLAINED, draw_masks, explain, in_order, mean_of, probabilities
from harness.options import check_count

RATE, SPARSITY, LEVELS = 3e-3, 0.9, 127


def run(setting: Setting, *, steps: int = 600, hidden: int = 128, small: int = 16) -> dict[str, float | None]:
    """Return the outcomes that the module's docstring defines.

    Args:
        setting: its streams give weights, the order of the batches and the copies that surrogates learn from.
        steps: of the training, 64 samples each; as many follow, in which the pruned network keeps its zeros. The
            distilled one takes as many steps in all.
        hidden: width of the network.
        small: width of the distilled one.

    Raises:
        UsageError: an option that is not allowed.
    """
    check_count("steps", steps, 1, 100_000)
    check_count("small", small, 1, hidden)
    digits = setting.data("digits", scale="unit")
    train = digits.train
    start = setting.model("p003_mlp", setting.spec(digits), hidden=hidden).cpu()
    fit(start, train, _adam(start), steps=steps, order=setting.generator("shuffle"))
    full, pruned = copy.deepcopy(start), copy.deepcopy(start)
    fit(full, train, _adam(full), steps=steps, order=setting.generator("further"))
    fine_tune(pruned, train, smallest(pruned, SPARSITY), steps, setting.generator("further"))
    networks = {
        "full": full,
        "pruned": pruned,
        "rounded": rounded(full),
        "distilled": distilled(setting, full, digits, small, 2 * steps),
    }
    images_NHW, labels_N = digits.test.inputs[:EXPLAINED, 0], digits.test.labels[:EXPLAINED]
    masks_MS = draw_masks(setting.generator("masks"))
    found: dict[str, float | None] = {}
    for done, (name, network) in enumerate(networks.items()):
        coefficients_NS, fits_N = explain(network, images_NHW, labels_N, masks_MS)
        found[f"fit_{name}"] = mean_of(fits_N)
        found |= {f"{what}_{name}": value for what, value in pointed(network, images_NHW, labels_N, coefficients_NS).items()}
        found[f"accuracy_{name}"] = accuracy(network, digits.test)
        found[f"weights_{name}"] = sum(int(weight.count_nonzero()) for weight in _weights(network))
        setting.report(done + 1, len(networks))
    return found


def pointed(network: nn.Module, images_NHW: Tensor, labels_N: Tensor, coefficients_NS: Tensor) -> dict[str, float]:
    """Return how well explanations point at what matters: faithfulness, certainty, and one as a share of the other."""
    put_in, taken_out = (in_order(network, images_NHW, labels_N, coefficients_NS, insert=insert) for insert in (True, False))
    certainty = probabilities(network, images_NHW[:, None], labels_N).mean().item()
    return {"faithfulness": put_in - taken_out, "certainty": certainty, "share": (put_in - taken_out) / certainty}


def _adam(model: nn.Module) -> torch.optim.Optimizer:
    return torch.optim.Adam(model.parameters(), RATE)


def _weights(model: nn.Module) -> list[Tensor]:
    """Return the weights of the linear layers, without biases."""
    return [layer.weight for layer in model.modules() if isinstance(layer, nn.Linear)]


def smallest(model: nn.Module, share: float) -> list[Tensor]:
    """Return which weights are among the smallest `share` of all layers' together, by size: a mask for each layer."""
    sizes = torch.cat([weight.detach().abs().flatten() for weight in _weights(model)])
    bound = sizes.kthvalue(round(share * len(sizes))).values
    return [weight.detach().abs() <= bound for weight in _weights(model)]


def fine_tune(model: nn.Module, train: Split, zeros: list[Tensor], steps: int, order: torch.Generator) -> None:
    """Train on, the weights under the masks held at zero."""

    def hold(step: int) -> None:
        with torch.no_grad():
            for weight, mask in zip(_weights(model), zeros, strict=True):
                weight.masked_fill_(mask, 0.0)

    hold(0)
    fit(model, train, _adam(model), steps=steps, order=order, every=1, look=hold)


def rounded(model: nn.Module) -> nn.Module:
    """Return a copy whose weights are whole multiples, −127 to 127, of a layer's largest ÷ 127."""
    copied = copy.deepcopy(model)
    with torch.no_grad():
        for weight in _weights(copied):
            scale = weight.abs().max() / LEVELS
            weight.copy_((weight / scale).round() * scale)
    return copied


def distilled(setting: Setting, teacher: nn.Module, digits: Splits, hidden: int, steps: int) -> nn.Module:
    """Return a smaller network that learnt the teacher's probabilities of the training samples."""
    taught = replace(digits.train, labels=outputs(teacher, digits.train.inputs).softmax(dim=1))
    student = setting.model("p003_mlp", setting.spec(digits), hidden=hidden).cpu()
    fit(student, taught, _adam(student), steps=steps, order=setting.generator("shuffle"), loss=F.cross_entropy)
    return student


EXPERIMENT = Experiment(
    run=run,
    title="Explanations of compressed networks",
    outcomes={
        "fit_full": "1",
        "faithfulness_full": "1",
        "certainty_full": "1",
        "share_full": "1",
        "accuracy_full": "1",
        "weights_full": "{weight}",
        "fit_pruned": "1",
        "faithfulness_pruned": "1",
        "certainty_pruned": "1",
        "share_pruned": "1",
        "accuracy_pruned": "1",
        "weights_pruned": "{weight}",
        "fit_rounded": "1",
        "faithfulness_rounded": "1",
        "certainty_rounded": "1",
        "share_rounded": "1",
        "accuracy_rounded": "1",
        "weights_rounded": "{weight}",
        "fit_distilled": "1",
        "faithfulness_distilled": "1",
        "certainty_distilled": "1",
        "share_distilled": "1",
        "accuracy_distilled": "1",
        "weights_distilled": "{weight}",
    },
    metric_class="quality",
    source="article 000, sections 5 and 6; Han et al. 2015; Hinton, Vinyals and Dean 2015; Ribeiro, Singh and Guestrin 2016",
)
