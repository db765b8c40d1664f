"""Gradients over time steps, against what the chain rule says of networks whose Jacobians are known."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import nn

from harness.errors import UsageError
from harness.experiments import Setting
from harness.experiments import gradients_over_time as experiment
from harness.observations import Array

STEPS, HIDDEN = 40, 8


def known_network(gain: float) -> tuple[nn.RNN, nn.Linear, torch.Tensor, torch.Tensor]:
    """Return a network, a readout, inputs so small that tanh is the identity, and labels."""
    torch.manual_seed(3)
    network, readout = experiment.orthogonal(HIDDEN, gain), nn.Linear(HIDDEN, experiment.CLASSES).double()
    nn.init.zeros_(network.bias_ih_l0)
    nn.init.zeros_(network.bias_hh_l0)
    inputs = 1e-16 * torch.randn(4, STEPS, experiment.FEATURES, dtype=torch.float64)
    return network, readout, inputs, torch.tensor([0, 3, 3, 9])


@pytest.mark.parametrize("gain", [0.9, 1.0, 1.5])
def test_an_orthogonal_network_scales_gradients_by_its_gain_a_step(gain: float) -> None:
    """The Jacobian of a step is the gain times a rotation: back-propagated states have norms of gain^(T − t), exactly."""
    network, readout, inputs, labels = known_network(gain)
    nn.init.zeros_(network.weight_ih_l0)
    network.weight_ih_l0.data[:] = torch.eye(HIDDEN)[:, : experiment.FEATURES]  # the input's gradient is then the state's

    norms = experiment.input_gradients(network, readout, inputs, labels)

    lags = np.arange(STEPS)[::-1]
    np.testing.assert_allclose(norms / norms[-1], gain**lags, rtol=1e-9)
    assert experiment.slope(lags, np.log(norms)) == pytest.approx(math.log(gain), abs=1e-9)


def test_gradients_are_the_product_of_the_steps_jacobians() -> None:
    """A second way: dL/dx_t by hand, from the states, for a network that does saturate."""
    torch.manual_seed(5)
    network, readout = nn.RNN(experiment.FEATURES, HIDDEN, batch_first=True).double(), nn.Linear(HIDDEN, 10).double()
    inputs, labels = torch.randn(1, STEPS, experiment.FEATURES, dtype=torch.float64), torch.tensor([4])
    with torch.no_grad():
        states = network(inputs)[0][0]
        error = readout(states[-1]).softmax(0) - nn.functional.one_hot(labels[0], 10)
        back = readout.weight.T @ error
        expected: list[float] = []
        for step in reversed(range(STEPS)):
            inner = (1 - states[step] ** 2) * back
            expected.insert(0, float((network.weight_ih_l0.T @ inner).norm()))
            back = network.weight_hh_l0.T @ inner

    np.testing.assert_allclose(experiment.input_gradients(network, readout, inputs, labels), expected, rtol=1e-9)


def test_a_recurrent_weights_gradient_is_what_the_loss_does() -> None:
    """Finite differences along the gradient give its norm."""
    network, readout, inputs, labels = known_network(0.9)
    inputs = 1e16 * inputs
    norm = experiment.parameter_gradient(network, readout, inputs, labels)
    (gradient,) = torch.autograd.grad(experiment.loss_of(network, readout, inputs, labels), network.weight_hh_l0)

    losses = []
    for way in (1, -1):
        with torch.no_grad():
            network.weight_hh_l0 += way * 1e-6 * gradient / norm
            losses.append(float(experiment.loss_of(network, readout, inputs, labels)))
            network.weight_hh_l0 -= way * 1e-6 * gradient / norm

    assert (losses[0] - losses[1]) / 2e-6 == pytest.approx(norm, rel=1e-5)


def test_states_are_measured_by_their_norms() -> None:
    """A network that adds 0.1 to each state unit's argument once has states of norm tanh(0.1) · √H at the first step."""
    network = experiment.orthogonal(HIDDEN, 1.0)
    for parameter in (network.weight_ih_l0, network.bias_hh_l0):
        nn.init.zeros_(parameter)
    nn.init.constant_(network.bias_ih_l0, 0.1)

    norms: Array = experiment.state_norms(network, torch.ones(2, 3, experiment.FEATURES, dtype=torch.float64))

    assert norms[0] == pytest.approx(math.tanh(0.1) * math.sqrt(HIDDEN))
    assert len(norms) == 3


def test_a_run_gives_every_outcome_and_depends_on_the_seed() -> None:
    """All are there and finite; states stay below √H, as tanh makes them."""
    found = experiment.EXPERIMENT.perform({"hidden": 16, "batch": 4}, seed=1)

    assert found == experiment.EXPERIMENT.perform({"hidden": 16, "batch": 4}, seed=1)
    assert found != experiment.EXPERIMENT.perform({"hidden": 16, "batch": 4}, seed=2)
    assert all(0 < (found[f"state_norm_{step}"] or 0) < 4 for step in (1, 10, 100))


def test_sequences_that_are_too_short_are_refused() -> None:
    """The state is told after 100 steps."""
    with pytest.raises(UsageError, match="option length = 50: not a whole number in reach; allowed: 100 to 10000"):
        experiment.run(Setting(1), length=50)
