"""The multilayer perceptron: parameters and operations by hand, matrix products beside it."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from harness.catalog import Catalog
from harness.errors import UsageError
from harness.models import DataSpec, Model


def load(shape: tuple[int, ...] = (1, 28, 28), **options: Any) -> nn.Module:
    """The model with fresh weights."""
    model: Model = Catalog().load("models", "p003_mlp")
    module: nn.Module = model.build(DataSpec(shape, 10), **options)
    return module


def test_parameters_and_operations_follow_from_the_layers() -> None:
    """101,770 parameters, 203,264 operations forward and 409,088 in training, by hand and by torch."""
    module = load()
    forward_flops = 2 * 784 * 128 + 2 * 128 * 10
    with FlopCounterMode(display=False) as forward_counter:
        logits_BK = module(torch.randn(1, 1, 28, 28))
    with FlopCounterMode(display=False) as backward_counter:
        torch.autograd.backward(F.cross_entropy(logits_BK, torch.tensor([3])))

    assert 785 * 128 + 129 * 10 == sum(parameter.numel() for parameter in module.parameters()) == 101_770
    assert 203_264 == forward_flops == forward_counter.get_total_flops()
    assert 409_088 == 3 * forward_flops - 2 * 784 * 128
    assert 409_088 == forward_counter.get_total_flops() + backward_counter.get_total_flops()


@pytest.mark.parametrize(("shape", "layers"), [((1, 28, 28), 1), ((3, 5, 7), 3)])
def test_equals_matrix_products(shape: tuple[int, ...], layers: int) -> None:
    """Any image, any number of hidden layers: products, biases and clipping at zero give the same logits."""
    module = load(shape, hidden=11, layers=layers).double()
    x_BCHW = torch.randn(4, *shape, dtype=torch.float64)
    *hidden, last = [parameter.detach() for parameter in module.parameters()][0::2]
    *biases, last_bias = [parameter.detach() for parameter in module.parameters()][1::2]

    x_BF = x_BCHW.reshape(4, -1)
    for weight, bias in zip(hidden, biases, strict=True):
        x_BF = (x_BF @ weight.T + bias).clamp(min=0)

    assert layers == len(hidden)
    torch.testing.assert_close(x_BF @ last.T + last_bias, module(x_BCHW).detach(), rtol=1e-10, atol=1e-12)


def test_sequences_are_refused() -> None:
    """A data set of another form is a usage error."""
    with pytest.raises(UsageError, match=r"model 'p003_mlp': the data set gives sequences .* the model takes images"):
        load((101, 40))


@pytest.mark.parametrize("options", [{"hidden": 0}, {"layers": 0}, {"hidden": 1.5}])
def test_a_width_of_nothing_is_refused(options: dict[str, Any]) -> None:
    """Options are whole numbers of at least 1."""
    with pytest.raises(UsageError, match="model 'p003_mlp': option"):
        load(**options)
