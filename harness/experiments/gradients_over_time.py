"""Gradients over time steps: how they shrink or grow on their way back through a recurrent network with fresh weights.

A network reads T = `length` steps of independent standard normal inputs; a linear layer tells one of ten classes, drawn at
random, from its last state; L is the cross-entropy. Everything is float64, because float32 cannot hold norms below 1e-38.

- `slope_<network>`: least-squares slope of ln‖dL/dx_t‖ against T − t, over all t; −0.5 means that each step further back
  leaves exp(−0.5) = 61 % of the norm; above 0 it grows. torch's own initial weights for `tanh`, `lstm` and `gru`; for
  `orthogonal_09` and `orthogonal_15`, a tanh network whose recurrent weights are orthogonal times 0.9 and 1.5.
- `parameter_norm_5`, `parameter_norm_200`: ‖dL/dW‖ of the tanh network's recurrent weights W after sequences of 5 and 200
  steps; `parameter_slope`: log-log slope of it against T in PARAMETER_LENGTHS.
- `state_norm_1`, `_10`, `_100`: ‖h_t‖ of the tanh network, mean over the sequences; `state_slope`: slope of ln of it
  against t. A state that grew exponentially would have a slope clearly above 0; tanh bounds ‖h‖ by √H.

Source: Bengio, Simard and Frasconi, "Learning long-term dependencies with gradient descent is difficult", 1994; Pascanu,
Mikolov and Bengio, "On the difficulty of training recurrent neural networks", 2013 (the Jacobian product).

Shape suffixes: B batch, T steps, F features, H hidden width.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from harness.experiments import Experiment, Setting
from harness.observations import Array
from harness.options import check_count

PARAMETER_LENGTHS = (5, 10, 25, 50, 100, 200)
FEATURES, CLASSES = 8, 10


def run(setting: Setting, *, length: int = 100, hidden: int = 64, batch: int = 32) -> dict[str, float | None]:
    """Return the slopes and norms that the module's docstring defines, for one draw of weights, inputs and labels.

    Args:
        setting: weights come from the global stream, inputs and labels from the stream "inputs".
        length: steps of a sequence, at least 100.
        hidden: width of the state.
        batch: sequences.

    Raises:
        UsageError: an option that is not allowed.
    """
    check_count("length", length, 100, 10_000)
    check_count("hidden", hidden, 1, 4096)
    check_count("batch", batch, 1, 4096)
    stream = setting.generator("inputs")
    x_BTF = torch.randn(batch, max(length, *PARAMETER_LENGTHS), FEATURES, dtype=torch.float64, generator=stream)
    labels_B = torch.randint(CLASSES, (batch,), generator=stream)
    readout = nn.Linear(hidden, CLASSES).double()
    tanh = nn.RNN(FEATURES, hidden, batch_first=True).double()
    networks: dict[str, nn.RNNBase] = {
        "tanh": tanh,
        "lstm": nn.LSTM(FEATURES, hidden, batch_first=True).double(),
        "gru": nn.GRU(FEATURES, hidden, batch_first=True).double(),
        "orthogonal_09": orthogonal(hidden, 0.9),
        "orthogonal_15": orthogonal(hidden, 1.5),
    }
    found: dict[str, float | None] = {}
    for name, network in networks.items():
        norms_T = input_gradients(network, readout, x_BTF[:, :length], labels_B)
        found[f"slope_{name}"] = slope(np.arange(length)[::-1], np.log(norms_T))
    norms = {steps: parameter_gradient(tanh, readout, x_BTF[:, :steps], labels_B) for steps in PARAMETER_LENGTHS}
    found["parameter_slope"] = slope(np.log(PARAMETER_LENGTHS), np.log(list(norms.values())))
    states_T = state_norms(tanh, x_BTF[:, :length])
    found["state_slope"] = slope(np.arange(1, length + 1), np.log(states_T))
    found |= {f"parameter_norm_{steps}": norms[steps] for steps in (5, 200)}
    return found | {f"state_norm_{step}": float(states_T[step - 1]) for step in (1, 10, 100)}


def orthogonal(hidden: int, gain: float) -> nn.RNN:
    """Return a tanh network in float64 whose recurrent weights are a random orthogonal matrix times `gain`."""
    network = nn.RNN(FEATURES, hidden, batch_first=True).double()
    nn.init.orthogonal_(network.get_parameter("weight_hh_l0"), gain)
    return network


def loss_of(network: nn.RNNBase, readout: nn.Linear, x_BTF: Tensor, labels_B: Tensor) -> Tensor:
    """Return the mean cross-entropy of the classes told from the last state."""
    states_BTH = network(x_BTF)[0]
    return F.cross_entropy(readout(states_BTH[:, -1]), labels_B)


def input_gradients(network: nn.RNNBase, readout: nn.Linear, x_BTF: Tensor, labels_B: Tensor) -> Array:
    """Return ‖dL/dx_t‖ of each step, over all sequences and features, [T]."""
    x_BTF = x_BTF.clone().requires_grad_()
    (gradient_BTF,) = torch.autograd.grad(loss_of(network, readout, x_BTF, labels_B), x_BTF)
    norms: Array = gradient_BTF.norm(dim=(0, 2)).numpy()
    return norms


def parameter_gradient(network: nn.RNN, readout: nn.Linear, x_BTF: Tensor, labels_B: Tensor) -> float:
    """Return ‖dL/dW‖ of the recurrent weights."""
    weights = network.get_parameter("weight_hh_l0")
    (gradient,) = torch.autograd.grad(loss_of(network, readout, x_BTF, labels_B), weights)
    return float(gradient.norm())


@torch.no_grad()
def state_norms(network: nn.RNNBase, x_BTF: Tensor) -> Array:
    """Return ‖h_t‖, mean over the sequences, [T]."""
    norms: Array = network(x_BTF)[0].norm(dim=2).mean(dim=0).numpy()
    return norms


def slope(x: Array, y: Array) -> float:
    """Return the slope of the least-squares line through the points."""
    return float(np.polyfit(x, y, 1)[0])


EXPERIMENT = Experiment(
    run=run,
    title="Gradients over time steps",
    outcomes={
        "slope_tanh": "1",
        "slope_lstm": "1",
        "slope_gru": "1",
        "slope_orthogonal_09": "1",
        "slope_orthogonal_15": "1",
        "parameter_slope": "1",
        "parameter_norm_5": "1",
        "parameter_norm_200": "1",
        "state_slope": "1",
        "state_norm_1": "1",
        "state_norm_10": "1",
        "state_norm_100": "1",
    },
    metric_class="quality",
    source="Bengio, Simard and Frasconi 1994; Pascanu, Mikolov and Bengio 2013",
)
