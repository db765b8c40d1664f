"""Article 003's convolution stage: what its formulas of section 4.2 give beside what is right."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from harness.catalog import Catalog
from harness.errors import UsageError
from harness.models import DataSpec, Model


def load(classes: int = 10) -> nn.Module:
    """The model with fresh weights."""
    model: Model = Catalog().load("models", "p003_conv_stage")
    module: nn.Module = model.build(DataSpec((1, 28, 28), classes))
    return module


def correlate(x_HW: Tensor, w_KK: Tensor) -> Tensor:
    """Return the sums of products of a window sliding over an image, in loops over places."""
    side, window = len(x_HW), len(w_KK)
    places = range(side - window + 1)
    return torch.stack([torch.stack([(x_HW[i : i + window, j : j + window] * w_KK).sum() for j in places]) for i in places])


def test_parameters_and_operations_follow_from_the_layers() -> None:
    """8,806 parameters, 190,080 operations forward and 397,440 in training, by hand and by torch."""
    module = load()
    forward_flops = 2 * 24 * 24 * 6 * 25 + 2 * 864 * 10
    with FlopCounterMode(display=False) as forward_counter:
        logits_BK = module(torch.randn(1, 1, 28, 28))
    with FlopCounterMode(display=False) as backward_counter:
        torch.autograd.backward(F.cross_entropy(logits_BK, torch.tensor([3])))

    assert 6 * 25 + 6 + 864 * 10 + 10 == sum(parameter.numel() for parameter in module.parameters()) == 8_806
    assert 190_080 == forward_flops == forward_counter.get_total_flops()
    assert 397_440 == 3 * forward_flops - 2 * 24 * 24 * 6 * 25
    assert 397_440 == forward_counter.get_total_flops() + backward_counter.get_total_flops()


def test_equals_the_stage_in_loops() -> None:
    """Convolution, ReLU, pooling and linear layer of one image by sums over windows give the same logits."""
    module = load().double()
    x_HW = torch.randn(28, 28, dtype=torch.float64)
    conv_weight, conv_bias, fc_weight, fc_bias = (parameter.detach() for parameter in module.parameters())

    maps = [(correlate(x_HW, w_KK[0]) + bias).clamp(min=0) for w_KK, bias in zip(conv_weight, conv_bias, strict=True)]
    pooled = torch.stack(maps).reshape(6, 12, 2, 12, 2).amax(dim=(2, 4))
    expected_K = fc_weight @ pooled.flatten() + fc_bias

    torch.testing.assert_close(expected_K, module(x_HW[None, None])[0].detach(), rtol=1e-10, atol=1e-12)


def test_weights_without_a_channel_axis_are_refused() -> None:
    """003 section 4.2: F x K x K is one axis short for F.conv2d; F x C x K x K, as the model holds it, is right."""
    x_BCHW = torch.randn(1, 1, 28, 28)
    weight = load().get_parameter("conv.weight").detach()

    with pytest.raises(RuntimeError):
        F.conv2d(x_BCHW, weight[:, 0])
    assert (6, 1, 5, 5) == tuple(weight.shape)
    assert (1, 6, 24, 24) == tuple(F.conv2d(x_BCHW, weight).shape)


def gradients(x_HW: Tensor, window: int) -> tuple[Tensor, Tensor, Tensor]:
    """Return dL/dA, ReLU'(Z) and autograd's dL/dW of A = ReLU(Z), Z = X * W, L = sum of A²."""
    w_KK = torch.randn(window, window, dtype=torch.float64, requires_grad=True)
    z_HW = F.conv2d(x_HW[None, None], w_KK[None, None])[0, 0]
    a_HW = F.relu(z_HW)
    (right_KK,) = torch.autograd.grad(a_HW.square().sum(), w_KK)
    return 2 * a_HW.detach(), (z_HW.detach() > 0).double(), right_KK


def test_the_printed_gradient_multiplies_unequal_arrays() -> None:
    """003 section 4.2: ReLU'(Z) and dL/dA are 24x24, the image 28x28; element by element they cannot be multiplied."""
    x_HW = torch.randn(28, 28, dtype=torch.float64)
    upstream_HW, slope_HW, _ = gradients(x_HW, 5)

    with pytest.raises(RuntimeError, match=r"The size of tensor a \(28\) must match the size of tensor b \(24\)"):
        slope_HW * (x_HW * upstream_HW)


def test_the_right_gradient_is_a_correlation_with_the_input() -> None:
    """dL/dW = X correlated with dL/dA ⊙ ReLU'(Z): 5x5, and autograd's numbers."""
    x_HW = torch.randn(28, 28, dtype=torch.float64)
    upstream_HW, slope_HW, right_KK = gradients(x_HW, 5)

    torch.testing.assert_close(right_KK, correlate(x_HW, upstream_HW * slope_HW), rtol=1e-10, atol=1e-10)


def test_where_the_printed_gradient_can_be_worked_out_it_has_the_wrong_shape() -> None:
    """With a 1x1 window all arrays are 6x6 and the formula gives 36 numbers for one weight; their sum is the gradient."""
    x_HW = torch.randn(6, 6, dtype=torch.float64)
    upstream_HW, slope_HW, right_KK = gradients(x_HW, 1)
    printed_HW = slope_HW * (x_HW * upstream_HW)

    assert (6, 6) == tuple(printed_HW.shape) != tuple(right_KK.shape)
    torch.testing.assert_close(right_KK[0, 0], printed_HW.sum(), rtol=1e-10, atol=1e-12)


def test_other_images_are_refused() -> None:
    """A data set of another shape is a usage error that names both."""
    model: Model = Catalog().load("models", "p003_conv_stage")

    with pytest.raises(UsageError, match="inputs of shape 1x32x32, the model takes 1x28x28 only"):
        model.build(DataSpec((1, 32, 32), 10))
