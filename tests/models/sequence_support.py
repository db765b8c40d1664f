"""Sequence models built for a data set, and the recurrent ones computed a second time: one sample and one step at a time.

Shape suffixes: F features, H hidden width, D width of both directions; a list holds the steps of one sample.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from harness.catalog import Catalog
from harness.data import PAD
from harness.models import DataSpec, Model

FLOATS = DataSpec((9, 6), 5)
TEXTS = DataSpec((9,), 5, (30,))


def build(name: str, spec: DataSpec, **options: Any) -> nn.Module:
    """One model in float64 and evaluation mode, with fresh weights."""
    model: Model = Catalog().load("models", name)
    module: nn.Module = model.build(spec, **options)
    return module.double().eval()


def inputs(spec: DataSpec, batch: int = 4) -> Tensor:
    """Random numbers in float64, or random ids without PAD."""
    if spec.vocabularies:
        return torch.randint(1, spec.vocabularies[0], (batch, *spec.shape))
    return torch.randn(batch, *spec.shape, dtype=torch.float64)


def assert_equal(actual: Tensor, expected: Tensor) -> None:
    """Equal but for the rounding of float64."""
    torch.testing.assert_close(actual, expected, rtol=1e-10, atol=1e-12)


def trainable(module: nn.Module) -> int:
    """Parameters that a gradient reaches."""
    return sum(parameter.numel() for parameter in module.parameters() if parameter.requires_grad)


def cell(mode: str, x: Tensor, h: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
    """One step of one layer from the two products' rows: the equations of the sources, gates in torch's order."""
    if mode == "LSTM":
        (i, f, g, o) = (x + h).chunk(4)
        c = f.sigmoid() * c + i.sigmoid() * g.tanh()
        return o.sigmoid() * c.tanh(), c
    return (x + h).tanh() if mode == "RNN_TANH" else (x + h).clamp(min=0), c


def gru_cell(x: Tensor, h: Tensor, before_H: Tensor) -> Tensor:
    """One step of a GRU: the reset gate acts on the recurrent product."""
    (reset_x, update_x, new_x), (reset_h, update_h, new_h) = x.chunk(3), h.chunk(3)
    update_H = (update_x + update_h).sigmoid()
    candidate_H = (new_x + (reset_x + reset_h).sigmoid() * new_h).tanh()
    return (1 - update_H) * candidate_H + update_H * before_H


def direction(recurrent: nn.RNNBase, suffix: str, steps_F: list[Tensor]) -> list[Tensor]:
    """The states of one layer in one direction, in the order the steps are given."""
    names = [f"{kind}_{suffix}" for kind in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")]
    weight_x, weight_h, bias_x, bias_h = (recurrent.get_parameter(name) for name in names)
    h_H = c_H = torch.zeros(recurrent.hidden_size, dtype=torch.float64)
    states_H = []
    for x_F in steps_F:
        x, h = weight_x @ x_F + bias_x, weight_h @ h_H + bias_h
        if recurrent.mode == "GRU":
            h_H = gru_cell(x, h, h_H)
        else:
            h_H, c_H = cell(recurrent.mode, x, h, c_H)
        states_H.append(h_H)
    return states_H


def states(recurrent: nn.RNNBase, steps_F: list[Tensor]) -> list[Tensor]:
    """The top layer's states of one sample, both directions side by side."""
    for layer in range(recurrent.num_layers):
        forward_H = direction(recurrent, f"l{layer}", steps_F)
        if recurrent.bidirectional:
            backward_H = direction(recurrent, f"l{layer}_reverse", steps_F[::-1])[::-1]
            steps_F = [torch.cat(pair) for pair in zip(forward_H, backward_H, strict=True)]
        else:
            steps_F = forward_H
    return steps_F


def last(states_D: list[Tensor], width: int) -> Tensor:
    """The forward direction's last state, and the backward direction's state at the first step where there is one."""
    return torch.cat([states_D[-1][:width], states_D[0][width:]])


POOLS: dict[str, Callable[[list[Tensor], int], Tensor]] = {
    "last": last,
    "mean": lambda states_D, _: sum(states_D, torch.zeros_like(states_D[0])) / len(states_D),
    "max": lambda states_D, _: torch.stack(states_D).max(0).values,
}


def logits(recurrent: nn.RNNBase, fc: nn.Linear, steps_F: list[Tensor], pool: str = "last") -> Tensor:
    """One sample's logits, [K]."""
    pooled_D = POOLS[pool](states(recurrent, steps_F), recurrent.hidden_size)
    return fc.weight @ pooled_D + fc.bias


def real_vectors(embedding: nn.Embedding | None, x: Tensor) -> list[Tensor]:
    """One sample's steps as vectors: its numbers, or the embedding's rows of its real ids."""
    return list(x) if embedding is None else [embedding.weight[int(number)] for number in x if number != PAD]
