"""Deletion and insertion, against models whose explanation and whose curves can be written down."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import nn

from harness.probes.faithfulness import chosen, explain, faithfulness

SIDE, CLASSES = 10, 3


class Linear(nn.Module):
    """Logits that are weighted sums of the pixels: [K, C, H, W]."""

    def __init__(self, weights_KCHW: torch.Tensor) -> None:
        super().__init__()
        self.weights = nn.Parameter(weights_KCHW)

    def forward(self, images_BCHW: torch.Tensor) -> torch.Tensor:
        return torch.einsum("bchw,kchw->bk", images_BCHW, self.weights)


class Always(nn.Module):
    """Answers the same logits to everything."""

    def forward(self, images_BCHW: torch.Tensor) -> torch.Tensor:
        return torch.tensor([1.0, 0.0, 0.0]).expand(len(images_BCHW), -1)


def numbers(*shape: int, seed: int = 5) -> torch.Tensor:
    """Normal numbers, float64 so that closed forms hold to the last digits."""
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def expected_curves(weights: np.ndarray, images: np.ndarray, labels: np.ndarray, nothing: np.ndarray) -> np.ndarray:
    """The two curves of a linear model, image by image and pixel by pixel, from its weights alone."""
    curves = np.zeros((2, 11))
    for image, label in zip(images, labels, strict=True):
        empty = np.broadcast_to(nothing, image.shape)
        shares = (weights[label] * (image - empty)).sum(axis=0).ravel()
        order = sorted(range(shares.size), key=lambda pixel: -shares[pixel])
        for tenths in range(11):
            top = np.zeros(shares.size, dtype=bool)
            top[order[: round(shares.size * tenths / 10)]] = True
            top = top.reshape(image.shape[1:])
            for curve, shown in enumerate((np.where(top, empty, image), np.where(top, image, empty))):
                logits = (weights * shown).sum(axis=(1, 2, 3))
                curves[curve, tenths] += np.exp(logits[label] - np.logaddexp.reduce(logits))
    return curves / len(images)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("batch_size", [4, 100])
def test_a_linear_models_curves_are_the_closed_form(channels: int, batch_size: int) -> None:
    """Shares, order and probabilities are computed from the weights alone, whatever the batch size."""
    weights, images = numbers(CLASSES, channels, SIDE, SIDE) / 8, numbers(10, channels, SIDE, SIDE, seed=6)
    labels, nothing = torch.arange(10) % CLASSES, numbers(channels, 1, 1, seed=7)

    found = faithfulness(Linear(weights), images, labels, nothing, batch_size)

    expected = expected_curves(weights.numpy(), images.numpy(), labels.numpy(), nothing.numpy())
    np.testing.assert_allclose(np.stack(found), expected, rtol=1e-9)
    assert expected[0, 1] < 0.8 * expected[0, 0]  # the most important tenth matters here


def test_shares_add_up_to_what_the_logit_owes_to_the_image() -> None:
    """Of a linear model, the shares of all pixels are the true logit's difference from that of an image that holds nothing."""
    model, images, labels = Linear(numbers(CLASSES, 2, 4, 4)), numbers(6, 2, 4, 4, seed=8), torch.tensor([0, 1, 2, 2, 1, 0])
    nothing = numbers(2, 1, 1, seed=9)

    shares = explain(model, images, labels, nothing)

    with torch.no_grad():
        owed = model(images) - model(nothing.expand_as(images))
    torch.testing.assert_close(shares.sum(dim=(1, 2)), owed.gather(1, labels[:, None])[:, 0])


def test_one_pixel_that_decides_is_found_first() -> None:
    """A model that looks at one pixel loses its class with the first tenth deleted, and gains it with the first restored."""
    weights = torch.zeros(2, 1, SIDE, SIDE)
    weights[0, 0, 3, 4], weights[1, 0, 3, 4] = 30.0, -30.0
    images = torch.zeros(4, 1, SIDE, SIDE)
    images[:, 0, 3, 4] = torch.tensor([1.0, 1.0, -1.0, -1.0])

    found = faithfulness(Linear(weights), images, torch.tensor([0, 0, 1, 1]), torch.zeros(1, 1, 1), 64)

    np.testing.assert_allclose(found.deletion, [1.0] + [0.5] * 10, atol=1e-12)
    np.testing.assert_allclose(found.insertion, [0.5] + [1.0] * 10, atol=1e-12)


def test_an_unfaithful_order_would_show() -> None:
    """With the least important pixels deleted first, k tenths leave what restoring the 10 − k most important tenths shows: the
    insertion curve read backwards. The right order falls well below it."""
    weights, images = numbers(CLASSES, 1, SIDE, SIDE) / 8, numbers(10, 1, SIDE, SIDE, seed=6)
    labels, nothing = torch.arange(10) % CLASSES, torch.zeros(1, 1, 1, dtype=torch.float64)

    found = faithfulness(Linear(weights), images, labels, nothing, 64)

    assert (found.deletion[1:10] + 0.1 < found.insertion[9:0:-1]).all()


def test_a_model_that_looks_at_nothing_has_flat_curves() -> None:
    """Logits (1, 0, 0) for everything: e ÷ (2 + e) where the class is 0, 1 ÷ (2 + e) else, whatever is deleted."""
    labels = torch.tensor([0, 0, 1])

    found = faithfulness(Always(), torch.rand(3, 1, 4, 4), labels, torch.zeros(1, 1, 1), 2)

    flat = [(2 * math.e + 1) / 3 / (2 + math.e)] * 11
    np.testing.assert_allclose(found.deletion, flat, rtol=1e-6)
    np.testing.assert_allclose(found.insertion, flat, rtol=1e-6)


def test_the_model_and_the_global_stream_stay_as_they_were() -> None:
    """No gradient is left behind, a part that was frozen stays so, dropout draws nothing, and two calls agree."""
    model = nn.Sequential(nn.Flatten(), nn.Dropout(0.5), nn.BatchNorm1d(16), nn.Linear(16, CLASSES))
    model[2].eval()
    images, labels, nothing = torch.rand(6, 1, 4, 4), torch.arange(6) % CLASSES, torch.zeros(1, 1, 1)
    before, state = {name: value.clone() for name, value in model.state_dict().items()}, torch.get_rng_state()

    first, second = (faithfulness(model, images, labels, nothing, 4) for _ in range(2))

    np.testing.assert_array_equal(np.stack(first), np.stack(second))
    assert torch.equal(state, torch.get_rng_state())
    assert [module.training for module in model] == [True, True, False, True]
    assert all(parameter.grad is None for parameter in model.parameters())
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert not images.requires_grad


def test_a_gradient_that_is_not_finite_is_refused() -> None:
    """There is no order of importance among shares that are no numbers."""
    model = Linear(torch.full((2, 1, 2, 2), math.inf))

    with pytest.raises(ValueError, match="gradient of a logit is not finite"):
        faithfulness(model, torch.ones(1, 1, 2, 2), torch.tensor([0]), torch.zeros(1, 1, 1), 1)


def test_images_are_chosen_evenly() -> None:
    """All of a few, and of many as many as are wanted, from the whole of the split; none of none."""
    assert chosen(3).tolist() == [0, 1, 2]
    assert chosen(10, most=4).tolist() == [0, 2, 5, 7]
    assert chosen(0).tolist() == []
    found = chosen(10_000)
    assert len(found) == 1000
    assert set(found.diff().tolist()) == {10}
