"""What optimisers remember: the bytes that each keeps per byte of parameters, after a step.

- `state_<optimiser>`: bytes of all tensors in the optimiser's state ÷ bytes of the parameters; SGD keeps nothing, momentum
  and RMSprop one number a parameter, Adam two. (Both also count their steps, in one number a tensor.)
- `step_bytes_adam`: the bytes of the counters in `state_adam`.

Source: article 001, sections 6.3.2 and 6.3.4; Kingma and Ba 2015, algorithm 1.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor, nn

from harness.experiments import Experiment, Setting

OPTIMISERS: dict[str, Callable[..., torch.optim.Optimizer]] = {
    "sgd": torch.optim.SGD,
    "momentum": partial(torch.optim.SGD, momentum=0.9),
    "rmsprop": torch.optim.RMSprop,
    "adam": torch.optim.Adam,
}


def run(setting: Setting) -> dict[str, float | None]:
    """Return the ratios that the module's docstring defines, for a multilayer perceptron of 101,770 parameters.

    Args:
        setting: not drawn from: the sizes are the same for every seed.
    """
    splits = setting.data("digits", shape=(1, 28, 28))
    found: dict[str, float | None] = {}
    for name, make in OPTIMISERS.items():
        model = setting.model("p003_mlp", setting.spec(splits))
        parameters = list(model.parameters())
        kept = state_after_a_step(model, make(parameters, lr=1e-3), splits.train.inputs[:8].to(setting.device))
        found[f"state_{name}"] = sum(map(size, kept.values())) / sum(map(size, parameters))
        if name == "adam":
            found["step_bytes_adam"] = sum(size(tensor) for (_, key), tensor in kept.items() if key == "step")
    return found


def state_after_a_step(model: nn.Module, optimizer: torch.optim.Optimizer, inputs: Tensor) -> dict[tuple[int, str], Tensor]:
    """Return the tensors of the optimiser's state after one step, by (number of the parameter, name)."""
    model(inputs).sum().backward()
    optimizer.step()
    return {
        (number, key): value
        for number, state in enumerate(optimizer.state.values())
        for key, value in state.items()
        if isinstance(value, Tensor)
    }


def size(tensor: Tensor) -> int:
    """Return the bytes of a tensor's values."""
    return tensor.numel() * tensor.element_size()


EXPERIMENT = Experiment(
    run=run,
    title="State of optimisers",
    outcomes={
        "state_sgd": "1",
        "state_rmsprop": "1",
        "state_adam": "1",
        "step_bytes_adam": "By",
        "state_momentum": "1",
    },
    metric_class="exact",
    source="article 001, section 6.3; Kingma and Ba 2015",
)
