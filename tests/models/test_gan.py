"""The DCGAN and article 004's GAN class: layers counted and computed by hand, and each defect on a construction of our own."""

from __future__ import annotations

import re

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from harness.catalog import Catalog
from harness.data import Split, Splits
from harness.errors import UsageError
from harness.models import DataSpec
from harness.models.a004_gan import Gan

NAMES = ("p004_gan_dcgan28", "a004_gan")
SPEC = DataSpec((1, 28, 28), 10)

each_model = pytest.mark.parametrize("name", NAMES)


def build(name: str, **options: int) -> nn.Module:
    """Return a model with fresh weights."""
    module: nn.Module = Catalog().load("models", name).build(SPEC, **options)
    return module


def count(module: nn.Module) -> int:
    """Return the number of weights."""
    return sum(parameter.numel() for parameter in module.parameters())


def generator_parameters(latent: int, width: int) -> int:
    """Three windows of 7x7, 4x4 and 4x4 without biases, and two numbers for each map that is normalised."""
    windows = latent * 2 * width * 49 + 2 * width * width * 16 + width * 16
    return windows + 2 * (2 * width) + 2 * width


def discriminator_parameters(width: int) -> int:
    """Three windows of 4x4, 4x4 and 7x7 without biases, and two numbers for each of the middle maps."""
    return width * 16 + width * 2 * width * 16 + 2 * width * 49 + 2 * (2 * width)


@each_model
@pytest.mark.parametrize(("latent", "width"), [(100, 64), (100, 16), (7, 3)])
def test_parameters_follow_from_the_layers(name: str, latent: int, width: int) -> None:
    """Counted by hand and held by the modules: one number, whatever the options."""
    model = build(name, latent=latent, width=width)

    assert generator_parameters(latent, width) == count(model.get_submodule("generator"))
    assert discriminator_parameters(width) == count(model.get_submodule("discriminator"))
    assert count(model) == generator_parameters(latent, width) + discriminator_parameters(width)


@each_model
def test_published_parameters(name: str) -> None:
    """759,680 and 138,624 by default, which is what the catalogue declares."""
    assert (generator_parameters(100, 64), discriminator_parameters(64)) == (759_680, 138_624)
    assert Catalog().part("models", name).fields["parameters"] == 759_680 + 138_624 == count(build(name))


@each_model
def test_shapes(name: str) -> None:
    """Noise becomes images from -1 to 1 and these one logit each, a single sample included."""
    model = build(name, width=4).eval()

    for batch in (1, 5):
        x_BCHW = model.get_submodule("generator")(torch.randn(batch, 100, 1, 1))
        assert tuple(x_BCHW.shape) == (batch, 1, 28, 28)
        assert x_BCHW.abs().max() <= 1
        assert tuple(model.get_submodule("discriminator")(x_BCHW).shape) == (batch,)


@each_model
def test_sides_of_every_layer(name: str) -> None:
    """1 to 7 to 14 to 28 pixels, and back."""
    sides: dict[str, list[int]] = {"generator": [], "discriminator": []}
    model = build(name, width=4)
    for part, found in sides.items():
        for layer in model.get_submodule(part).modules():
            if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
                layer.register_forward_hook(lambda _layer, _inputs, output, found=found: found.append(output.shape[-1]))

    model.get_submodule("discriminator")(model.get_submodule("generator")(torch.randn(2, 100, 1, 1)))

    assert sides == {"generator": [7, 14, 28], "discriminator": [14, 7, 1]}


def scattered(x_BCHW: Tensor, weight_CMIJ: Tensor, stride: int, padding: int) -> Tensor:
    """Transposed convolution as its definition says: each pixel adds its window, times its value, to the output."""
    batch, _, height, width = x_BCHW.shape
    maps, window = weight_CMIJ.shape[1:3]
    out = torch.zeros(batch, maps, (height - 1) * stride + window, (width - 1) * stride + window, dtype=x_BCHW.dtype)
    for row in range(height):
        for column in range(width):
            added = torch.einsum("bc,cmij->bmij", x_BCHW[:, :, row, column], weight_CMIJ)
            out[:, :, row * stride : row * stride + window, column * stride : column * stride + window] += added
    return out[:, :, padding : out.shape[2] - padding, padding : out.shape[3] - padding]


def gathered(x_BCHW: Tensor, weight_MCIJ: Tensor, stride: int, padding: int) -> Tensor:
    """Convolution as its definition says: each output is a window times the weights."""
    padded = np.pad(x_BCHW.numpy(), ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    window = weight_MCIJ.shape[-1]
    windows = np.lib.stride_tricks.sliding_window_view(padded, (window, window), axis=(2, 3))[:, :, ::stride, ::stride]
    return torch.from_numpy(np.einsum("bchwij,mcij->bmhw", windows, weight_MCIJ.numpy()))


def normalised(x_BCHW: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
    """Batch normalisation by the batch's own mean and variance."""
    mean, variance = (fold(x_BCHW, dim=(0, 2, 3), keepdim=True) for fold in (torch.mean, _variance))
    return (x_BCHW - mean) / torch.sqrt(variance + 1e-5) * scale[:, None, None] + shift[:, None, None]


def _variance(x_BCHW: Tensor, dim: tuple[int, ...], keepdim: bool) -> Tensor:
    return (x_BCHW - x_BCHW.mean(dim=dim, keepdim=True)).square().mean(dim=dim, keepdim=keepdim)


@each_model
def test_generator_equals_a_second_implementation(name: str) -> None:
    """Scattered windows, ReLU and tanh from the same weights give the same images, in training mode."""
    generator = build(name, width=3, latent=5).double().get_submodule("generator")
    one, scale1, shift1, two, scale2, shift2, three = [weights.detach() for weights in generator.parameters()]
    z_BL11 = torch.randn(4, 5, 1, 1, dtype=torch.float64)

    x_BCHW = normalised(scattered(z_BL11, one, 1, 0), scale1, shift1).clamp(min=0)
    x_BCHW = normalised(scattered(x_BCHW, two, 2, 1), scale2, shift2).clamp(min=0)
    expected = torch.tanh(scattered(x_BCHW, three, 2, 1))

    torch.testing.assert_close(generator(z_BL11).detach(), expected, rtol=1e-10, atol=1e-12)


@each_model
def test_discriminator_equals_a_second_implementation(name: str) -> None:
    """Window products and leaky ReLU with slope 0.2 from the same weights give the same logits, in training mode."""
    discriminator = build(name, width=3).double().get_submodule("discriminator")
    one, two, scale, shift, three = [weights.detach() for weights in discriminator.parameters()]
    x_BCHW = torch.rand(4, 1, 28, 28, dtype=torch.float64) * 2 - 1

    maps = gathered(x_BCHW, one, 2, 1)
    maps = normalised(gathered(torch.where(maps > 0, maps, 0.2 * maps), two, 2, 1), scale, shift)
    expected = gathered(torch.where(maps > 0, maps, 0.2 * maps), three, 1, 0)[:, 0, 0, 0]

    torch.testing.assert_close(discriminator(x_BCHW).detach(), expected, rtol=1e-10, atol=1e-12)


@each_model
def test_first_weights(name: str) -> None:
    """Convolutions start from N(0, 0.02²), normalisations at 1 and 0."""
    model = build(name)
    convolutions = [entry.weight for entry in model.modules() if isinstance(entry, nn.Conv2d | nn.ConvTranspose2d)]
    normalisations = [entry for entry in model.modules() if isinstance(entry, nn.BatchNorm2d)]

    assert (len(convolutions), len(normalisations)) == (6, 3)
    for weight in convolutions:
        assert weight.mean().item() == pytest.approx(0, abs=4 * 0.02 / weight.numel() ** 0.5)
        assert weight.std().item() == pytest.approx(0.02, rel=4 / (2 * weight.numel()) ** 0.5)
    assert all((entry.weight == 1).all() and not entry.bias.any() for entry in normalisations)


def test_both_models_are_the_same_networks() -> None:
    """The same seed gives both models the same weights."""
    states = []
    for name in NAMES:
        torch.manual_seed(3)
        states.append(build(name, width=4).state_dict())

    assert states[0].keys() == states[1].keys()
    assert all(torch.equal(states[0][key], states[1][key]) for key in states[0])


def test_dcgan_called_as_one_generates() -> None:
    """As many images as inputs, from noise of the global stream, whatever the inputs hold."""
    model, x_BCHW = build("p004_gan_dcgan28", width=4), torch.rand(3, 1, 28, 28)
    torch.manual_seed(8)
    generated = model(x_BCHW)
    torch.manual_seed(8)

    assert torch.equal(generated, model.get_submodule("generator")(torch.randn(3, 100, 1, 1)))
    assert not torch.equal(generated, model(x_BCHW))


def test_articles_class_gives_the_validity_of_generated_samples() -> None:
    """One logit for each input: what the discriminator says of samples from noise of 100 x 1 x 1."""
    model = build("a004_gan", width=4)
    torch.manual_seed(8)
    validity = model(torch.zeros(5, 1, 28, 28))
    torch.manual_seed(8)

    expected = model.get_submodule("discriminator")(model.get_submodule("generator")(torch.randn(5, 100, 1, 1)))
    assert torch.equal(validity, expected)
    assert tuple(validity.shape) == (5,)


def test_defect_1_the_class_alone_has_no_networks() -> None:
    """The class cannot be built without a generator and a discriminator, which the article does not give; ours has both."""
    with pytest.raises(TypeError, match=r"missing 2 required positional arguments: 'generator' and 'discriminator'"):
        Gan()  # type: ignore[call-arg]

    assert [name for name, _ in build("a004_gan").named_children()] == ["generator", "discriminator"]


def test_defect_2_convolutions_alone_keep_noise_at_one_pixel() -> None:
    """Several convolutions with activations make 1x1 of 1x1, which no 4x4 window fits; ours make 28x28."""
    z_BL11 = torch.randn(4, 100, 1, 1)
    literal = nn.Sequential(nn.Conv2d(100, 64, 3, padding=1), nn.ReLU(), nn.Conv2d(64, 1, 3, padding=1), nn.Tanh())
    model = build("a004_gan", width=4)

    assert tuple(literal(z_BL11).shape) == (4, 1, 1, 1)
    words = re.escape("Calculated padded input size per channel: (3 x 3). Kernel size: (4 x 4)")
    with pytest.raises(RuntimeError, match=words):
        model.get_submodule("discriminator")(literal(z_BL11))
    assert tuple(model.get_submodule("generator")(z_BL11).shape) == (4, 1, 28, 28)


def test_defect_3_noise_is_drawn_where_the_input_is() -> None:
    """Noise from the CPU does not meet a model that lies elsewhere (the meta device here); ours goes with the input."""
    model = build("a004_gan", width=4).to("meta")
    x_BCHW = torch.zeros(2, 1, 28, 28, device="meta")

    with pytest.raises(RuntimeError, match="not on the expected device"):
        model.get_submodule("generator")(torch.randn(len(x_BCHW), 100, 1, 1))
    assert model(x_BCHW).device.type == "meta"


def test_defect_4_forward_does_not_look_at_its_input() -> None:
    """Different real images give the same validity; the discriminator itself, which the task calls, tells them apart."""
    model = build("a004_gan", width=4)
    validities = []
    for x_BCHW in (torch.zeros(6, 1, 28, 28), torch.ones(6, 1, 28, 28)):
        torch.manual_seed(9)
        validities.append(model(x_BCHW))

    assert torch.equal(*validities)
    seen = model.get_submodule("discriminator")
    assert not torch.equal(seen(torch.zeros(6, 1, 28, 28)), seen(torch.linspace(-1, 1, 6 * 784).reshape(6, 1, 28, 28)))


def test_defect_5_a_forward_pass_is_no_training() -> None:
    """The class has no losses, no optimisers, no loop; the task has a turn for each network, which reaches that one alone."""
    images = Split(torch.rand(8, 1, 28, 28), torch.arange(8))
    learning = Catalog().load("tasks", "adversarial").start(Splits(images, images, tuple("0123456789")))
    model = build("a004_gan", width=4)

    assert [type(part).__name__ for part in model.children()] == ["Generator", "Discriminator"]
    assert {turn.part for turn in learning.turns} == {"generator", "discriminator"}
    for turn in learning.turns:
        before = {name: part.detach().clone() for name, part in model.named_parameters()}
        optimizer = torch.optim.SGD(model.get_submodule(turn.part).parameters(), lr=0.1)
        optimizer.zero_grad()
        torch.autograd.backward(turn.loss(model, images.inputs, images.labels))
        optimizer.step()
        moved = {name.partition(".")[0] for name, now in model.named_parameters() if not torch.equal(now, before[name])}
        assert {turn.part} == moved


@each_model
def test_other_images_are_refused(name: str) -> None:
    """The networks are made for one size."""
    with pytest.raises(UsageError, match=rf"model '{name}': the data set gives inputs of shape 1x8x8, the model takes 1x28x28"):
        Catalog().load("models", name).build(DataSpec((1, 8, 8), 10))


@each_model
@pytest.mark.parametrize("option", ["width", "latent"])
@pytest.mark.parametrize("size", [0, -4, 1.5, True, "16"])
def test_sizes_that_are_none_are_refused(name: str, option: str, size: object) -> None:
    """A layer has a whole number of maps, at least one."""
    with pytest.raises(UsageError, match=rf"model '{name}': option {option} = {size!r}: not a whole number in reach"):
        Catalog().load("models", name).build(SPEC, **{option: size})


@each_model
def test_bfloat16_autocast(name: str) -> None:
    """Both networks run under autocast and give finite numbers."""
    model = build(name, width=4)
    with torch.autocast("cpu", torch.bfloat16):
        output = model(torch.zeros(4, 1, 28, 28))

    assert output.isfinite().all()
