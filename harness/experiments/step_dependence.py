"""Which steps of a sequence each kind of network sees: a recurrent state knows nothing of later inputs, attention does.

Sequences of STEPS standard normal inputs are read twice, the second time with another input at step STEP (counted from 1).
`<network>_before` counts the steps before it whose state differs in any bit, `<network>_after` those from it on. A network
that works on several parts of a sequence within one time step would change states before; one that reads from left to right
changes none of them, and all from the replaced step on. Networks have fresh weights, in float64; `both_ways` is a recurrent
network that reads from both ends, `attention` one layer of self-attention.

Source: Elman, "Finding structure in time", 1990; Vaswani et al., "Attention Is All You Need", 2017, section 4.

Shape suffixes: B batch, T steps, F features.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from harness.experiments import Experiment, Setting
from harness.experiments._dependence import changed_steps
from harness.models.p000_mha import MultiHeadAttention

STEPS, STEP = 20, 15
BATCH, FEATURES, HEADS = 4, 16, 4


def run(setting: Setting) -> dict[str, float | None]:
    """Return the counts that the module's docstring defines.

    Args:
        setting: weights come from the global stream, inputs from the stream "inputs".
    """
    stream = setting.generator("inputs")
    x_BTF = torch.randn(BATCH, STEPS, FEATURES, dtype=torch.float64, generator=stream)
    other_BF = torch.randn(BATCH, FEATURES, dtype=torch.float64, generator=stream)
    networks: dict[str, Callable[[Tensor], Tensor]] = {
        "rnn": states_of(nn.RNN(FEATURES, FEATURES, batch_first=True)),
        "lstm": states_of(nn.LSTM(FEATURES, FEATURES, batch_first=True)),
        "gru": states_of(nn.GRU(FEATURES, FEATURES, batch_first=True)),
        "both_ways": states_of(nn.RNN(FEATURES, FEATURES, batch_first=True, bidirectional=True)),
        "attention": MultiHeadAttention(FEATURES, HEADS).double(),
    }
    found: dict[str, float | None] = {}
    for name, read in networks.items():
        found[f"{name}_before"], found[f"{name}_after"] = changed_steps(read, x_BTF, other_BF, STEP - 1)
    return found


def states_of(network: nn.RNNBase) -> Callable[[Tensor], Tensor]:
    """Return the function from inputs [B, T, F] to a recurrent network's states, in float64."""
    network = network.double()

    def read(x_BTF: Tensor) -> Tensor:
        states_BTD: Tensor = network(x_BTF)[0]
        return states_BTD

    return read


EXPERIMENT = Experiment(
    run=run,
    title="Steps that a state depends on",
    outcomes={
        "rnn_before": "{step}",
        "rnn_after": "{step}",
        "lstm_before": "{step}",
        "lstm_after": "{step}",
        "gru_before": "{step}",
        "gru_after": "{step}",
        "both_ways_before": "{step}",
        "both_ways_after": "{step}",
        "attention_before": "{step}",
        "attention_after": "{step}",
    },
    metric_class="exact",
    source="Elman 1990; Vaswani et al. 2017, section 4",
)
