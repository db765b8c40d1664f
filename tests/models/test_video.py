"""The video models: parameters by hand, second implementations, and who can tell the order of frames."""

from __future__ import annotations

import itertools

import pytest
import torch
from torch import Tensor, nn

from harness.catalog import Catalog
from harness.errors import UsageError
from harness.models import DataSpec, Model

SPEC = DataSpec((10, 1, 28, 28), 8)

# 28 pixels, windows of 5 and 3 with stride 2: 12, then 5
ENCODER = (8 * 25 + 8) + (16 * 8 * 9 + 16) + (16 * 5 * 5 + 1) * 64
LSTM = 4 * (64 * 64 + 64 * 64 + 2 * 64)

PARAMETERS = {
    "p004_video_frames": ENCODER + 65 * 8,
    "p004_video_lrcn": ENCODER + LSTM + 65 * 8,
    # 10 x 28 x 28 with a border of one: 10 x 14 x 14, then 5 x 7 x 7
    "p004_video_c3d": (8 * 27 + 8) + (16 * 8 * 27 + 16) + (16 * 5 * 7 * 7 + 1) * 64 + 65 * 8,
}

every_model = pytest.mark.parametrize("name", PARAMETERS)


def load(name: str, spec: DataSpec = SPEC) -> nn.Module:
    """A model with fresh weights."""
    model: Model = Catalog().load("models", name)
    module: nn.Module = model.build(spec)
    return module


def videos(count: int = 3, shape: tuple[int, ...] = SPEC.shape) -> Tensor:
    """Noise, float64."""
    return torch.randn(count, *shape, dtype=torch.float64)


@every_model
def test_parameters_follow_from_the_layers(name: str) -> None:
    """Counted by hand, declared and held by the module: one number."""
    assert PARAMETERS[name] == sum(parameter.numel() for parameter in load(name).parameters())
    assert PARAMETERS[name] == Catalog().part("models", name).fields["parameters"]


def convolve(x: Tensor, conv: nn.Module) -> Tensor:
    """One convolution of one sample as a sum over its window, over two axes or three."""
    assert isinstance(conv, nn.Conv2d | nn.Conv3d)
    assert conv.bias is not None
    axes = conv.weight.dim() - 2
    border, stride = (tuple(int(side) for side in sides) for sides in (conv.padding, conv.stride))
    x = nn.functional.pad(x, [side for side in reversed(border) for _ in range(2)])
    window = conv.weight.shape[2:]
    left = [(side - w) // s + 1 for side, w, s in zip(x.shape[1:], window, stride, strict=True)]
    total = conv.bias.reshape(-1, *[1] * axes).expand(-1, *left).clone()
    for number, place in enumerate(itertools.product(*map(range, window))):
        slices = tuple(slice(p, p + s * (n - 1) + 1, s) for p, s, n in zip(place, stride, left, strict=True))
        seen = x[(slice(None), *slices)]
        total += torch.tensordot(conv.weight.flatten(2)[..., number], seen, dims=1)
    return total


def encode(encoder: nn.Module, x_CHW: Tensor) -> Tensor:
    """The features of one frame by hand."""
    conv1, conv2, fc = encoder.children()
    maps = convolve(convolve(x_CHW, conv1).clamp(min=0), conv2).clamp(min=0)
    features: Tensor = fc(maps.flatten()).clamp(min=0)
    return features


def second_frames(module: nn.Module, x_TCHW: Tensor) -> Tensor:
    """Each frame alone, then the mean."""
    encoder, fc = module.children()
    logits: Tensor = fc(sum(encode(encoder, x_CHW) for x_CHW in x_TCHW) / len(x_TCHW))
    return logits


def second_lrcn(module: nn.Module, x_TCHW: Tensor) -> Tensor:
    """Each frame alone, then the LSTM's equations."""
    encoder, lstm, fc = module.children()
    w_ih, w_hh, b_ih, b_hh = lstm.parameters()
    h_F = c_F = torch.zeros(64, dtype=torch.float64)
    for x_CHW in x_TCHW:
        enters, forgets, candidate, leaves = (w_ih @ encode(encoder, x_CHW) + b_ih + w_hh @ h_F + b_hh).chunk(4)
        c_F = forgets.sigmoid() * c_F + enters.sigmoid() * candidate.tanh()
        h_F = leaves.sigmoid() * c_F.tanh()
    logits: Tensor = fc(h_F)
    return logits


def second_c3d(module: nn.Module, x_TCHW: Tensor) -> Tensor:
    """Sums over windows of three axes."""
    conv1, conv2, fc1, fc2 = module.children()
    maps = convolve(convolve(x_TCHW.transpose(0, 1), conv1).clamp(min=0), conv2).clamp(min=0)
    logits: Tensor = fc2(fc1(maps.flatten()).clamp(min=0))
    return logits


SECOND = {"p004_video_frames": second_frames, "p004_video_lrcn": second_lrcn, "p004_video_c3d": second_c3d}


@every_model
@pytest.mark.parametrize("shape", [(10, 1, 28, 28), (3, 2, 17, 12)], ids=["example", "odd"])
def test_equals_a_second_implementation(name: str, shape: tuple[int, ...]) -> None:
    """Sums over windows and the gates' equations, from the same weights, give the same logits at any size."""
    module = load(name, DataSpec(shape, 5)).double()
    x_BTCHW = videos(2, shape)

    with torch.no_grad():
        expected_BK = torch.stack([SECOND[name](module, x_TCHW) for x_TCHW in x_BTCHW])
        torch.testing.assert_close(expected_BK, module(x_BTCHW), rtol=1e-9, atol=1e-11)


def test_averaged_frames_cannot_tell_directions() -> None:
    """Played backwards, or in any order, a video gives the same logits: a move to the left is one to the right."""
    module, x_BTCHW = load("p004_video_frames").double(), videos()

    torch.testing.assert_close(module(x_BTCHW), module(x_BTCHW.flip(1)), rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(module(x_BTCHW), module(x_BTCHW[:, torch.randperm(10)]), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", ["p004_video_lrcn", "p004_video_c3d"])
def test_the_others_see_the_order_of_frames(name: str) -> None:
    """Played backwards, a video gives other logits."""
    module, x_BTCHW = load(name).double(), videos()

    assert (module(x_BTCHW) - module(x_BTCHW.flip(1))).abs().max() > 1e-3


@every_model
def test_images_are_refused(name: str) -> None:
    """A data set of another form is a usage error that names the model and both forms."""
    with pytest.raises(UsageError, match=f"model '{name}': the data set gives images .* the model takes videos"):
        load(name, DataSpec((1, 28, 28), 10))


@every_model
def test_the_smallest_frame_is_as_documented(name: str) -> None:
    """One frame of 9x9 pixels works; 8 pixels are a usage error that names both sizes."""
    assert (2, 8) == tuple(load(name, DataSpec((1, 1, 9, 9), 8))(torch.randn(2, 1, 1, 9, 9)).shape)

    with pytest.raises(UsageError, match=r"videos of 4x1x9x8 \(frames, .*, the model needs at least 1 frames of 9x9 pixels"):
        load(name, DataSpec((4, 1, 9, 8), 8))
