"""What a network takes to store as it grows: a multilayer perceptron of 28x28 inputs with 16 to 4,096 hidden units.

- `file_bytes_w`: size of its weights as `torch.save` writes them, with w hidden units; `file_bytes_per_parameter_4096`: of
  the largest, a parameter.
- `training_bytes_w`: bytes of weights, gradients and Adam's state, which a training has to hold besides its activations.

Source: article 004, section 6.
"""

from __future__ import annotations

import io

import torch
from torch import nn

from harness.experiments import Experiment, Setting

WIDTHS = (16, 64, 256, 1024, 4096)


def run(setting: Setting) -> dict[str, float | None]:
    """Return the outcomes that the module's docstring defines.

    Args:
        setting: gives the weights, which none of the outcomes depends on.
    """
    splits = setting.data("digits", shape=(1, 28, 28))
    found: dict[str, float | None] = {}
    for width in WIDTHS:
        model = setting.model("p003_mlp", setting.spec(splits), hidden=width)
        found[f"file_bytes_{width}"] = file_bytes(model)
        found[f"training_bytes_{width}"] = training_bytes(model, splits.train.inputs[:8].to(setting.device))
    parameters = sum(parameter.numel() for parameter in model.parameters())
    found["file_bytes_per_parameter_4096"] = (found["file_bytes_4096"] or 0) / parameters
    return found


def file_bytes(model: nn.Module) -> int:
    """Return the size of the file that `torch.save` makes of a network's weights, from the CPU."""
    file = io.BytesIO()
    torch.save({name: tensor.cpu() for name, tensor in model.state_dict().items()}, file)
    return file.tell()


def training_bytes(model: nn.Module, inputs: torch.Tensor) -> int:
    """Return the bytes of weights, gradients and Adam's state after a step."""
    optimizer = torch.optim.Adam(model.parameters())
    model(inputs).sum().backward()
    optimizer.step()
    held = [tensor for each in model.parameters() for tensor in (each, each.grad)]
    held += [value for state in optimizer.state.values() for value in state.values()]
    return sum(tensor.numel() * tensor.element_size() for tensor in held if isinstance(tensor, torch.Tensor))


EXPERIMENT = Experiment(
    run=run,
    title="Storage over width",
    outcomes={
        "file_bytes_16": "By",
        "training_bytes_16": "By",
        "file_bytes_64": "By",
        "training_bytes_64": "By",
        "file_bytes_256": "By",
        "training_bytes_256": "By",
        "file_bytes_1024": "By",
        "training_bytes_1024": "By",
        "file_bytes_4096": "By",
        "training_bytes_4096": "By",
        "file_bytes_per_parameter_4096": "By",
    },
    metric_class="exact",
    source="article 004, section 6",
)
