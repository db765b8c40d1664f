"""What a batch adds to a recurrent network's gradient: an average over sequences, and nothing over time steps.

A tanh network with torch's own weights reads LENGTH standard normal inputs, in float64; the loss is of ten classes, told from
its last state. The gradient by the recurrent weights is a sum of one part for each step (backpropagation through time).

- `summed_steps_<batch>`: steps that have a part of it, for batches of 1 and of BATCH sequences. The first step reads a zero
  state and has none: LENGTH − 1 of them, whatever the batch.
- `decay_<batch>`: by how much ln‖dL/dx_t‖ falls with each step further back (least squares over all t), for the first
  sequence alone and for the batch; 0.7 means that half of the norm is lost at each step.

Source: Werbos, "Backpropagation through time: what it does and how to do it", 1990.

Shape suffixes: B batch, T steps, F features, H hidden width.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from harness.experiments import Experiment, Setting
from harness.experiments.gradients_over_time import CLASSES, FEATURES, input_gradients, slope

LENGTH, BATCH, HIDDEN = 50, 64, 64


def run(setting: Setting) -> dict[str, float | None]:
    """Return what the module's docstring defines.

    Args:
        setting: weights come from the global stream, inputs and labels from the stream "inputs".
    """
    stream = setting.generator("inputs")
    x_BTF = torch.randn(BATCH, LENGTH, FEATURES, dtype=torch.float64, generator=stream)
    labels_B = torch.randint(CLASSES, (BATCH,), generator=stream)
    network = nn.RNN(FEATURES, HIDDEN, batch_first=True).double()
    readout = nn.Linear(HIDDEN, CLASSES).double()
    found: dict[str, float | None] = {}
    for batch in (1, BATCH):
        parts_THH = parts_of_steps(network, readout, x_BTF[:batch], labels_B[:batch])
        found[f"summed_steps_{batch}"] = int((parts_THH != 0).flatten(1).any(dim=1).sum())
        norms_T = input_gradients(network, readout, x_BTF[:batch], labels_B[:batch])
        found[f"decay_{batch}"] = -slope(np.arange(LENGTH)[::-1], np.log(norms_T))
    return found


def parts_of_steps(network: nn.RNN, readout: nn.Linear, x_BTF: Tensor, labels_B: Tensor) -> Tensor:
    """Return each step's part of the loss's gradient by the recurrent weights, [T, H, H]; their sum is that gradient."""
    held = network.state_dict()  # tensors for sure, where attributes of a module may be anything
    weights = [held["weight_hh_l0"].clone().requires_grad_() for _ in range(x_BTF.shape[1])]
    state_BH = x_BTF.new_zeros(len(x_BTF), network.hidden_size)
    for x_BF, weight_HH in zip(x_BTF.unbind(1), weights, strict=True):
        from_input = F.linear(x_BF, held["weight_ih_l0"], held["bias_ih_l0"])
        state_BH = torch.tanh(from_input + F.linear(state_BH, weight_HH, held["bias_hh_l0"]))
    return torch.stack(torch.autograd.grad(F.cross_entropy(readout(state_BH), labels_B), weights))


EXPERIMENT = Experiment(
    run=run,
    title="Gradients of one sequence and of a batch",
    outcomes={
        "summed_steps_1": "{step}",
        "summed_steps_64": "{step}",
        "decay_1": "1",
        "decay_64": "1",
    },
    metric_class="quality",
    source="Werbos 1990",
)
