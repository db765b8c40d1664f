"""The article models against their layers as the specification lists them, counted and computed by hand."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from harness.catalog import Catalog
from harness.models import DataSpec, Model


@dataclass(frozen=True)
class Conv:
    """A square convolution; `side` is the width of its output."""

    channels: int
    maps: int
    window: int
    side: int
    padding: int = 0

    @property
    def parameters(self) -> int:
        """One window per pair of maps, one bias per map."""
        return self.maps * self.channels * self.window**2 + self.maps

    @property
    def flops(self) -> int:
        """Two for each weight at each place of the output."""
        return 2 * self.side**2 * self.maps * self.channels * self.window**2


@dataclass(frozen=True)
class Linear:
    """A matrix and a bias."""

    inputs: int
    outputs: int

    @property
    def parameters(self) -> int:
        """One weight per pair, one bias per output."""
        return self.outputs * (self.inputs + 1)

    @property
    def flops(self) -> int:
        """Two for each weight."""
        return 2 * self.inputs * self.outputs


POOL = "2x2 max pooling"
Layer = Conv | Linear | str


@dataclass(frozen=True)
class Expected:
    """One model as specified; the three numbers are published there (the twin of another model takes that one's)."""

    layers: tuple[Layer, ...]
    parameters: int
    forward_flops: int
    train_flops: int

    @property
    def weighted(self) -> list[Conv | Linear]:
        """The layers that hold weights."""
        return [layer for layer in self.layers if not isinstance(layer, str)]


def lenet(channels: int, sides: tuple[int, int], features: int, first_pool: bool = True) -> tuple[Layer, ...]:
    """The LeNet of articles 000 and 001; `sides` are the widths of the two convolutions' outputs."""
    pools = (POOL,) if first_pool else ()
    convs = (Conv(channels, 6, 5, sides[0]), *pools, Conv(6, 16, 5, sides[1]), POOL)
    return (*convs, Linear(features, 120), Linear(120, 84), Linear(84, 10))


def two_conv(channels: int, maps: int, side: int, features: int) -> tuple[Layer, ...]:
    """The network of articles 002 and 004 on images of `side` pixels."""
    convs = (Conv(channels, maps, 3, side, 1), POOL, Conv(maps, 2 * maps, 3, side // 2, 1), POOL)
    return (*convs, Linear(features, 128), Linear(128, 10))


EXPECTED = {
    "a000_lenet_rgb": Expected(lenet(3, (28, 10), 400), 62_006, 1_303_440, 3_204_720),
    "a000_lenet_gray": Expected(lenet(1, (28, 10), 400), 61_706, 833_040, 2_263_920),
    "a000_lenet_gray28": Expected(lenet(1, (24, 8), 256), 44_426, 563_280, 1_517_040),
    "a001_cnn_onepool": Expected(lenet(1, (24, 20), 1600, first_pool=False), 205_706, 2_498_640, 7_323_120),
    "a001_cnn_twopool": Expected(lenet(1, (28, 10), 400), 61_706, 833_040, 2_263_920),
    "a002_cnn_rgb24": Expected(two_conv(3, 32, 24, 2304), 315_722, 6_896_128, 19_693_056),
    "a002_cnn_rgb32": Expected(two_conv(3, 32, 32, 4096), 545_098, 12_257_792, 35_003_904),
    "a003_keras_cnn": Expected(
        (Conv(1, 32, 3, 26), POOL, Conv(32, 64, 3, 11), POOL, Conv(64, 64, 3, 3), Linear(576, 64), Linear(64, 10)),
        93_322,
        5_588_480,
        16_376_064,
    ),
    "a004_cnn": Expected(two_conv(1, 16, 28, 1568), 206_922, 2_436_096, 7_082_496),
}

each_model = pytest.mark.parametrize("name", EXPECTED)


def load(name: str) -> tuple[nn.Module, tuple[int, ...]]:
    """A model with fresh weights, and the shape of its input."""
    model: Model = Catalog().load("models", name)
    assert model.input_shape is not None
    module: nn.Module = model.build(DataSpec(model.input_shape, 10))
    return module, model.input_shape


def convolve(x_BCHW: Tensor, weight: Tensor, bias: Tensor, padding: int) -> Tensor:
    """Convolution as one matrix product over all windows."""
    window = weight.shape[-1]
    side = x_BCHW.shape[-1] + 2 * padding - window + 1
    columns = F.unfold(x_BCHW, window, padding=padding)  # [B, C · window², side²]
    return (weight.flatten(1) @ columns + bias[:, None]).reshape(len(x_BCHW), len(bias), side, side)


def pool(x_BCHW: Tensor) -> Tensor:
    """The largest of each 2x2 square; an odd last row and column are dropped."""
    batch, channels, half = *x_BCHW.shape[:2], x_BCHW.shape[-1] // 2
    return x_BCHW[..., : 2 * half, : 2 * half].reshape(batch, channels, half, 2, half, 2).amax(dim=(3, 5))


def forward(layers: tuple[Layer, ...], weights: list[Tensor], x: Tensor) -> Tensor:
    """The specification's layers with the given weights and biases, ReLU after all but the last."""
    remaining = list(weights)
    for layer in layers:
        if isinstance(layer, str):
            x = pool(x)
            continue
        weight, bias = remaining.pop(0), remaining.pop(0)
        x = convolve(x, weight, bias, layer.padding) if isinstance(layer, Conv) else x.flatten(1) @ weight.T + bias
        x = x.clamp(min=0) if remaining else x
    return x


@each_model
def test_parameters_follow_from_the_layers(name: str) -> None:
    """Counted by hand, published, declared and held by the module: one number."""
    module, _ = load(name)
    expected = EXPECTED[name]

    assert expected.parameters == sum(layer.parameters for layer in expected.weighted)
    assert expected.parameters == sum(parameter.numel() for parameter in module.parameters())
    assert expected.parameters == Catalog().part("models", name).fields["parameters"]


@pytest.fixture
def _plain_kernels() -> Iterator[None]:
    """Leave oneDNN out: the counter does not see all of its kernels."""
    (enabled, *_) = torch.backends.mkldnn.set_flags(False)  # type: ignore[no-untyped-call]  # `flags` warns about TF32
    yield
    torch.backends.mkldnn.set_flags(enabled)  # type: ignore[no-untyped-call]


@each_model
@pytest.mark.usefixtures("_plain_kernels")
def test_torch_counts_the_published_flops(name: str) -> None:
    """Published, counted by torch and summed over the layers: one number for one sample's pass, one for its training.

    A multiply-add counts as 2; training is three times the pass, less the first layer's unneeded input gradient.
    """
    module, shape = load(name)
    with FlopCounterMode(display=False) as forward_counter:
        logits_BK = module(torch.randn(1, *shape))
    with FlopCounterMode(display=False) as backward_counter:
        torch.autograd.backward(F.cross_entropy(logits_BK, torch.tensor([3])))
    expected = EXPECTED[name]
    counted = forward_counter.get_total_flops(), forward_counter.get_total_flops() + backward_counter.get_total_flops()
    summed = sum(layer.flops for layer in expected.weighted)

    assert (expected.forward_flops, expected.train_flops) == counted
    assert (summed, 3 * summed - expected.weighted[0].flops) == counted


@each_model
def test_equals_a_second_implementation(name: str) -> None:
    """Window products and plain matrix products from the same weights give the same logits."""
    module, shape = load(name)
    module = module.double()
    x_BCHW = torch.randn(5, *shape, dtype=torch.float64)
    weights = [parameter.detach() for parameter in module.parameters()]

    with torch.no_grad():
        torch.testing.assert_close(module(x_BCHW), forward(EXPECTED[name].layers, weights, x_BCHW), rtol=1e-10, atol=1e-12)


def test_keras_weights_are_glorot_uniform() -> None:
    """Article 003: weights fill ±sqrt(6 / (fan in + fan out)) evenly, biases are zero."""
    module, _ = load("a003_keras_cnn")
    weighted = EXPECTED["a003_keras_cnn"].weighted

    for layer, child in zip(weighted, module.children(), strict=True):
        fans = layer.window**2 * (layer.channels + layer.maps) if isinstance(layer, Conv) else layer.inputs + layer.outputs
        bound = math.sqrt(6 / fans)
        weight = child.get_parameter("weight").detach()
        assert 0.95 * bound < weight.abs().max().item() <= bound
        assert weight.std().item() == pytest.approx(bound / math.sqrt(3), rel=0.1)
        assert not child.get_parameter("bias").any()


def test_gray_lenets_of_two_articles_are_twins() -> None:
    """Articles 000 and 001, repaired with 32x32 grey images, are one network: the same seed gives the same logits."""
    x_BCHW = torch.randn(4, 1, 32, 32)
    logits = []
    for name in ("a000_lenet_gray", "a001_cnn_twopool"):
        torch.manual_seed(3)
        logits.append(load(name)[0](x_BCHW))

    assert torch.equal(*logits)
