"""What a prediction needs: a forward pass alone, or a backward pass too.

- `logit_difference`: largest difference between the outputs of a network that predicts as in training, with everything noted
  that a backward pass would need, and as in inference, with none of it.
- `gradients`: parameters that hold a gradient after the predictions; a backward pass would have left one in each of
  `parameters`.
- `flop_ratio_least`, `flop_ratio_most`: floating-point operations of a forward and a backward pass ÷ those of the forward
  pass alone, over the models of MODELS; counted for two samples.
- `memory_ratio`: largest memory of all tensors during forward and backward pass ÷ that of the forward pass as in inference,
  for article 004's convolutional network and 64 images, weights included.

Source: article 001, section 2.5.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from harness.experiments import Experiment, Setting
from harness.probes.flops import count_flops
from harness.probes.tensors import TensorPeak

MODELS: dict[str, tuple[int, int, int]] = {
    "a000_lenet_gray": (1, 32, 32),
    "a001_cnn_onepool": (1, 28, 28),
    "a003_keras_cnn": (1, 28, 28),
    "a004_cnn": (1, 28, 28),
    "p003_conv_stage": (1, 28, 28),
    "p003_mlp": (1, 28, 28),
}
BATCH = 64


def run(setting: Setting) -> dict[str, float | None]:
    """Return the outcomes that the module's docstring defines.

    Args:
        setting: gives the weights, which none of the outcomes depends on.
    """
    ratios: list[float] = []
    for name, shape in MODELS.items():
        splits = setting.data("digits", shape=shape)
        network, two = setting.model(name, setting.spec(splits)), splits.train.take(torch.arange(2)).to(setting.device)
        alone = count_flops(partial(forward, network, two.inputs))
        ratios.append(count_flops(partial(forward_and_backward, network, two.inputs, two.labels)) / alone)
    splits = setting.data("digits", shape=(1, 28, 28))
    model, batch = setting.model("a004_cnn", setting.spec(splits)), splits.train.take(torch.arange(BATCH)).to(setting.device)
    predicted = forward(model, batch.inputs)
    gradients = sum(parameter.grad is not None for parameter in model.parameters())
    light = peak(partial(forward, model, batch.inputs))
    return {
        "logit_difference": float((model(batch.inputs).detach() - predicted).abs().max()),
        "gradients": gradients,
        "parameters": sum(1 for _ in model.parameters()),
        "flop_ratio_least": min(ratios),
        "flop_ratio_most": max(ratios),
        "memory_ratio": peak(partial(forward_and_backward, model, batch.inputs, batch.labels)) / light,
    }


@torch.inference_mode()
def forward(model: nn.Module, inputs: Tensor) -> Tensor:
    """Return the outputs as inference has them."""
    found: Tensor = model(inputs)
    return found


def forward_and_backward(model: nn.Module, inputs: Tensor, labels: Tensor) -> None:
    """Go forward and backward, and drop the gradients."""
    F.cross_entropy(model(inputs), labels).backward()
    model.zero_grad()


def peak(action: Callable[[], object]) -> int:
    """Return the largest sum of the bytes of all tensors that an action touches."""
    with TensorPeak() as tensors:
        action()  # weights become known
        tensors.reset_peak()
        action()
    return int(tensors.peak_bytes)


EXPERIMENT = Experiment(
    run=run,
    title="Passes of inference",
    outcomes={
        "logit_difference": "1",
        "gradients": "{tensor}",
        "parameters": "{tensor}",
        "flop_ratio_least": "1",
        "flop_ratio_most": "1",
        "memory_ratio": "1",
    },
    metric_class="exact",
    source="article 001, section 2.5",
)
