"""The motif detector: parameters by hand, and what its layers mean on a motif of our own."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from harness.catalog import Catalog
from harness.errors import UsageError
from harness.models import DataSpec, Model

MOTIF = (0, 3, 3, 1, 2, 0, 0, 2)


def load(shape: tuple[int, ...] = (60, 4), classes: int = 2, **options: Any) -> nn.Module:
    """The model with fresh weights."""
    model: Model = Catalog().load("models", "p003_bio")
    module: nn.Module = model.build(DataSpec(shape, classes), **options)
    return module


def bases(rows: list[list[int]]) -> Tensor:
    """One-hot bases, [B, L, 4]."""
    return nn.functional.one_hot(torch.tensor(rows), 4).double()


def test_parameters_follow_from_the_layers() -> None:
    """16 windows of 8 bases in 4 channels with a bias each, and a linear layer: counted by hand, held and declared."""
    counted = 16 * 4 * 8 + 16 + 16 * 2 + 2

    assert counted == sum(parameter.numel() for parameter in load().parameters()) == 562
    assert counted == Catalog().part("models", "p003_bio").fields["parameters"]


def test_equals_the_detector_in_loops() -> None:
    """Each kernel's largest response over all positions, at least zero, through the linear layer."""
    module = load((23, 4), 3, kernels=5, width=6).double()
    weight, bias, fc_weight, fc_bias = (parameter.detach() for parameter in module.parameters())
    x_BLA = torch.randn(4, 23, 4, dtype=torch.float64)

    strongest_BC = torch.tensor(
        [
            [
                max(0.0, *((x_LA[i : i + 6] * weight[kernel].T).sum().item() + bias[kernel].item() for i in range(18)))
                for kernel in range(5)
            ]
            for x_LA in x_BLA
        ],
        dtype=torch.float64,
    )

    torch.testing.assert_close(strongest_BC @ fc_weight.T + fc_bias, module(x_BLA).detach(), rtol=1e-10, atol=1e-12)


def test_finds_a_motif_wherever_it_stands() -> None:
    """A kernel that is the motif answers with its length at every place, and with less where one base differs."""
    module = load((20, 4), kernels=1).double()
    weight, bias, fc_weight, fc_bias = module.parameters()
    with torch.no_grad():
        weight.copy_(bases([list(MOTIF)]).transpose(1, 2))
        bias.zero_()
        fc_weight.copy_(torch.tensor([[0.0], [1.0]]))
        fc_bias.zero_()
    planted = [[1] * place + list(MOTIF) + [1] * (12 - place) for place in range(13)]
    damaged = [[1] * 6 + [*MOTIF[:-1], 3] + [1] * 6]

    assert [[0.0, 8.0]] * 13 == module(bases(planted)).tolist()
    assert [[0.0, 7.0]] == module(bases(damaged)).tolist()


@pytest.mark.parametrize("shape", [(60, 5), (7, 4)])
def test_other_sequences_are_refused(shape: tuple[int, int]) -> None:
    """Features that are no four bases, or a sequence shorter than a motif, are a usage error that names both sizes."""
    wanted = f"sequences of {shape[0]} steps of {shape[1]} features, the model takes 8 or more steps of 4, one for each base"
    with pytest.raises(UsageError, match=wanted):
        load(shape)


def test_images_and_options_of_nothing_are_refused() -> None:
    """A data set of another form, and a count below 1, are usage errors."""
    with pytest.raises(UsageError, match="the data set gives images"):
        load((1, 28, 28))
    with pytest.raises(UsageError, match="model 'p003_bio': option kernels = 0"):
        load(kernels=0)
