"""What a recurrent network and a Transformer have to do for longer sequences: how much in turn, and how much in all.

- `depth_<network>_<length>`: the longest chain of operations of which each needs the one before, from inputs to logits: what
  no number of processors can shorten. Counted in the graph that torch keeps for the backward pass, whose nodes are one for
  each operation. A recurrent network's grows with the steps, a Transformer's does not.
- `flops_<network>_<length>`: floating-point operations of the forward pass for each token (see `harness.probes.flops`). A
  Transformer's grow with the length, because each token meets each other one; a recurrent network's do not.

Networks as in `cost_over_lengths`, in float64, on one sequence: so each step of a recurrent layer is operations of its own,
which a fused kernel would hide.

Source: Vaswani et al., "Attention Is All You Need", 2017, table 1.
"""

from __future__ import annotations

from functools import partial
from typing import Protocol, cast

import torch
from torch import Tensor

from harness.experiments import Experiment, Setting
from harness.experiments.cost_over_lengths import FEATURES, NETWORKS, build
from harness.probes.flops import count_flops

DEPTHS, FLOPS = (16, 64), (16, 256)


class Operation(Protocol):
    """A node of torch's graph: an operation that was recorded."""

    next_functions: tuple[tuple[Operation | None, int], ...]
    """The operations that gave it its inputs."""


def run(setting: Setting) -> dict[str, float | None]:
    """Return the numbers that the module's docstring defines.

    Args:
        setting: gives the networks; the numbers do not depend on its seed.
    """
    found: dict[str, float | None] = {}
    for name in NETWORKS:
        model = build(setting, name).double()
        for length in DEPTHS:
            logits = model(torch.zeros(1, length, FEATURES, dtype=torch.float64, device=setting.device))
            found[f"depth_{name}_{length}"] = depth(logits)
        for length in FLOPS:
            x_BTF = torch.zeros(1, length, FEATURES, dtype=torch.float64, device=setting.device)
            found[f"flops_{name}_{length}"] = count_flops(partial(model, x_BTF)) / length
    return found


def depth(result: Tensor) -> int:
    """Return the number of operations in the longest chain that ends in a tensor; 0 for one that nothing made."""
    if result.grad_fn is None:
        return 0
    last = cast(Operation, result.grad_fn)
    depths: dict[Operation, int] = {}
    waiting = [last]
    while waiting:  # without recursion: chains are longer than Python's stack
        operation = waiting[-1]
        earlier = [before for before, _ in operation.next_functions if before is not None]
        if unknown := [before for before in earlier if before not in depths]:
            waiting += unknown
        else:
            # what has nothing before it is a parameter, not an operation
            depths[waiting.pop()] = max((depths[before] + 1 for before in earlier), default=0)
    return depths[last]


EXPERIMENT = Experiment(
    run=run,
    title="Work for longer sequences",
    outcomes={
        "depth_rnn_16": "{operation}",
        "depth_rnn_64": "{operation}",
        "depth_lstm_16": "{operation}",
        "depth_lstm_64": "{operation}",
        "depth_gru_16": "{operation}",
        "depth_gru_64": "{operation}",
        "depth_transformer_16": "{operation}",
        "depth_transformer_64": "{operation}",
        "flops_rnn_16": "{flop}/{token}",
        "flops_rnn_256": "{flop}/{token}",
        "flops_lstm_16": "{flop}/{token}",
        "flops_lstm_256": "{flop}/{token}",
        "flops_gru_16": "{flop}/{token}",
        "flops_gru_256": "{flop}/{token}",
        "flops_transformer_16": "{flop}/{token}",
        "flops_transformer_256": "{flop}/{token}",
    },
    metric_class="exact",
    source="Vaswani et al. 2017, table 1",
)
