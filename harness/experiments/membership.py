"""Whether a network gives away what it was trained on: membership inference by the loss.

A multilayer perceptron learns the first n of the 8x8 digits, or has w hidden units. An attacker who holds an image and its
label guesses from the network's loss on it whether it was trained on: the smaller, the likelier.

- `leak_samples_<n>`: area under the attacker's receiver operating characteristic, `hidden` units: the chance that a training
  image has a smaller loss than a test image; 0.5 is guessing.
- `leak_width_<w>`: the same over the widths, `samples` training images.

All networks take the same number of steps. The test images are the same for all; as many training images as there are, at
most as many as test images, stand against them.

Source: article 001, section 6.2.2; Yeom et al., "Privacy risk in machine learning: analyzing the connection to overfitting",
2018.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from harness.data import Split
from harness.experiments import Experiment, Setting
from harness.experiments._fit import fit, outputs
from harness.options import check_count

SAMPLES = (90, 180, 360, 720, 1437)
WIDTHS = (8, 32, 128, 512)


def run(setting: Setting, *, steps: int = 500, hidden: int = 128, samples: int = 180) -> dict[str, float | None]:
    """Return the outcomes that the module's docstring defines.

    Args:
        setting: its streams give the weights, which training images each seed takes, and the order of the batches.
        steps: of each training with Adam at 0.001, 64 samples each.
        hidden: width of the networks over the numbers of samples.
        samples: training images of the networks over the widths.

    Raises:
        UsageError: an option that is not allowed.
    """
    check_count("steps", steps, 1, 100_000)
    check_count("samples", samples, 10, 1437)
    digits = setting.data("digits")
    order = torch.randperm(len(digits.train), generator=setting.generator("chosen"))
    trainings = [(f"leak_samples_{count}", count, hidden) for count in SAMPLES]
    trainings += [(f"leak_width_{width}", samples, width) for width in WIDTHS]
    test = digits.test.to(setting.device)
    found: dict[str, float | None] = {}
    for name, count, width in trainings:
        train = digits.train.take(order[:count]).to(setting.device)
        model = setting.model("p003_mlp", setting.spec(digits), hidden=width)
        optimizer = torch.optim.Adam(model.parameters(), 1e-3)
        fit(model, train, optimizer, steps=steps, order=setting.generator("shuffle"))
        members = train.take(torch.arange(min(count, len(test))))
        found[name] = area(*(_losses(outputs(model, split.inputs), split) for split in (members, test)))
        setting.report(len(found), len(trainings))
    return found


def _losses(logits_NK: Tensor, split: Split) -> Tensor:
    return F.cross_entropy(logits_NK.double(), split.labels, reduction="none")


def area(members_N: Tensor, others_M: Tensor) -> float:
    """Return the chance that a member's loss is the smaller one, over all pairs; equal ones count half."""
    difference_NM = others_M[None, :] - members_N[:, None]
    return float(((difference_NM > 0).double() + (difference_NM == 0).double() / 2).mean())


EXPERIMENT = Experiment(
    run=run,
    title="Membership inference",
    outcomes={
        "leak_samples_90": "1",
        "leak_samples_180": "1",
        "leak_samples_360": "1",
        "leak_samples_720": "1",
        "leak_samples_1437": "1",
        "leak_width_8": "1",
        "leak_width_32": "1",
        "leak_width_128": "1",
        "leak_width_512": "1",
    },
    metric_class="quality",
    source="article 001, section 6.2.2; Yeom et al. 2018",
)
