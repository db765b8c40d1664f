"""Whether a trained network gives the same answers where numbers are computed otherwise.

A convolutional network learns the 8x8 digits in float32 with one thread. Its weights are then put to all 1,797 images under
other circumstances, each of which another machine or library would bring with it:

- `threads`: two threads. `single`: one image at a time, which takes other kernels than a batch. `plain`: without oneDNN's
  kernels.
- `float64`: weights and images in double precision. `bfloat16`: both in bfloat16. `gpu`: on the first GPU; None without one.

For each: `agreement_<circumstance>`, the share of the images of which both say the same, and `difference_<circumstance>`, the
largest difference of an output ÷ the standard deviation of all outputs.

Source: article 002, section 7.
"""

from __future__ import annotations

import copy
from collections.abc import Callable

import torch
from torch import Tensor, nn

from harness.experiments import Experiment, Setting
from harness.experiments._fit import fit, outputs
from harness.experiments._threads import threads
from harness.options import check_count

RATE = 3e-3


def run(setting: Setting, *, steps: int = 200) -> dict[str, float | None]:
    """Return the outcomes that the module's docstring defines.

    Args:
        setting: its streams give weights and the order of the batches.
        steps: of the training, 64 samples each.

    Raises:
        UsageError: an option that is not allowed.
    """
    check_count("steps", steps, 1, 100_000)
    splits = setting.data("digits")
    model = network()
    fit(model, splits.train, torch.optim.Adam(model.parameters(), RATE), steps=steps, order=setting.generator("shuffle"))
    inputs = torch.cat([splits.train.inputs, splits.test.inputs])
    with threads(1):
        known = outputs(model, inputs).double()
        circumstances: dict[str, Callable[[], Tensor | None]] = {
            "threads": lambda: with_threads(model, inputs, 2),
            "single": lambda: torch.cat([outputs(model, one) for one in inputs.split(1)]),
            "plain": lambda: without_onednn(model, inputs),
            "float64": lambda: cast(model, inputs, torch.float64),
            "bfloat16": lambda: cast(model, inputs, torch.bfloat16),
            "gpu": lambda: on_gpu(model, inputs),
        }
        found: dict[str, float | None] = {}
        for name, answer in circumstances.items():
            other = answer()
            found[f"agreement_{name}"] = None if other is None else agreement(known, other)
            found[f"difference_{name}"] = None if other is None else float((other.double() - known).abs().max() / known.std())
            setting.report(len(found) // 2, len(circumstances))
    return found


def network() -> nn.Module:
    """Return two convolutions with pooling and two linear layers for 1x8x8 images, with fresh weights."""
    return nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(128, 64),
        nn.ReLU(),
        nn.Linear(64, 10),
    )


def agreement(one_NK: Tensor, other_NK: Tensor) -> float:
    """Return the share of rows whose largest entries stand at the same place."""
    return float((one_NK.argmax(dim=1) == other_NK.argmax(dim=1)).double().mean())


def with_threads(model: nn.Module, inputs: Tensor, count: int) -> Tensor:
    """Return the outputs computed with that many threads."""
    with threads(count):
        return outputs(model, inputs)


def without_onednn(model: nn.Module, inputs: Tensor) -> Tensor:
    """Return the outputs computed by torch's own kernels."""
    onednn = torch.backends.mkldnn
    enabled, onednn.enabled = onednn.enabled, False  # type: ignore[assignment]  # torch's descriptor takes a bool
    try:
        return outputs(model, inputs)
    finally:
        onednn.enabled = enabled


def cast(model: nn.Module, inputs: Tensor, kind: torch.dtype) -> Tensor:
    """Return the outputs computed in another number format throughout."""
    return outputs(copy.deepcopy(model).to(kind), inputs.to(kind))


def on_gpu(model: nn.Module, inputs: Tensor) -> Tensor | None:
    """Return the outputs computed on the first GPU, on the CPU again; None where there is none."""
    if not torch.cuda.is_available():
        return None
    return outputs(copy.deepcopy(model).cuda(), inputs.cuda()).cpu()


EXPERIMENT = Experiment(
    run=run,
    title="Answers on other platforms",
    outcomes={
        "agreement_threads": "1",
        "difference_threads": "1",
        "agreement_single": "1",
        "difference_single": "1",
        "agreement_plain": "1",
        "difference_plain": "1",
        "agreement_float64": "1",
        "difference_float64": "1",
        "agreement_bfloat16": "1",
        "difference_bfloat16": "1",
        "agreement_gpu": "1",
        "difference_gpu": "1",
    },
    metric_class="quality",
    source="article 002, section 7",
)
