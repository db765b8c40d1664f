"""What every built-in model promises."""

from __future__ import annotations

import ast

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from harness.catalog import Catalog, Part
from harness.errors import UsageError
from harness.models import DataSpec, Model

PARTS = Catalog().parts("models")
BATCH = 8

every_model = pytest.mark.parametrize("part", PARTS.values(), ids=PARTS.keys())


def shape_of(model: Model) -> tuple[int, ...]:
    """The input shape a model takes; small grey images where it takes any."""
    return model.input_shape or (1, 28, 28)


def build(part: Part, classes: int = 10) -> nn.Module:
    """One model with fresh weights."""
    model: Model = part.load()
    module: nn.Module = model.build(DataSpec(shape_of(model), classes))
    return module


def batch(part: Part, classes: int = 10) -> tuple[Tensor, Tensor]:
    """A tiny random batch for one model."""
    return torch.randn(BATCH, *shape_of(part.load())), torch.randint(classes, (BATCH,))


@every_model
@pytest.mark.parametrize("classes", [2, 10, 37])
def test_gives_one_logit_per_class(part: Part, classes: int) -> None:
    """The output is [B, K] for any number of classes K, finite and not normalised."""
    logits_BK = build(part, classes)(batch(part)[0])

    assert (BATCH, classes) == tuple(logits_BK.shape)
    assert bool(logits_BK.isfinite().all())
    assert not torch.allclose(logits_BK.sum(1), torch.ones(BATCH))


@every_model
def test_one_step_moves_every_parameter(part: Part) -> None:
    """A training step reaches all weights: no layer is left out of the forward pass."""
    module = build(part)
    inputs, labels = batch(part)
    before = [parameter.detach().clone() for parameter in module.parameters()]
    optimizer = torch.optim.SGD(module.parameters(), lr=0.5)

    torch.autograd.backward(F.cross_entropy(module(inputs), labels))
    optimizer.step()

    assert [name for (name, now), old in zip(module.named_parameters(), before, strict=True) if torch.equal(now, old)] == []


@every_model
def test_learns_a_tiny_batch(part: Part) -> None:
    """Thirty steps on eight random samples at least halve the loss."""
    module = build(part)
    inputs, labels = batch(part)
    optimizer = torch.optim.Adam(module.parameters(), lr=2e-3)
    losses = []
    for _ in range(30):
        optimizer.zero_grad()
        loss = F.cross_entropy(module(inputs), labels)
        torch.autograd.backward(loss)
        optimizer.step()
        losses.append(loss.item())

    assert losses[-1] < losses[0] / 2


@every_model
def test_weights_follow_the_global_stream(part: Part) -> None:
    """The same seed builds the same weights to the bit, another seed others."""

    def weights(seed: int) -> Tensor:
        torch.manual_seed(seed)
        return nn.utils.parameters_to_vector(build(part).parameters()).detach()

    assert torch.equal(weights(1), weights(1))
    assert not torch.equal(weights(1), weights(2))


@every_model
def test_declared_parameters_are_the_trainable_ones(part: Part) -> None:
    """The declared count equals torch's at ten classes and stands in the file's docstring."""
    counted = sum(parameter.numel() for parameter in build(part).parameters() if parameter.requires_grad)

    assert part.load().parameters == counted
    assert f"{counted:,}" in (ast.get_docstring(part.tree) or "")


@every_model
def test_refuses_inputs_of_another_shape(part: Part) -> None:
    """A data set of another shape is a usage error that names the model and both shapes."""
    model: Model = part.load()
    wrong = (*shape_of(model)[:-1], 7)

    with pytest.raises(UsageError) as caught:
        model.build(DataSpec(wrong, 10))

    message = str(caught.value)
    assert all(piece in message for piece in (part.name, *("x".join(map(str, shape)) for shape in (wrong, shape_of(model)))))


@every_model
def test_a_wrong_image_never_becomes_several_samples(part: Part) -> None:
    """A batch of larger images fails whatever its size: no row of the output is ever made of parts of samples."""
    channels, height, width = shape_of(part.load())
    module = build(part).eval()

    for size in (1, 9, 49, 64):
        with pytest.raises(RuntimeError, match="shapes cannot be multiplied"):
            module(torch.randn(size, channels, height + 8, width + 8))


@every_model
def test_listing_needs_no_import(part: Part) -> None:
    """All fields but the factory are literals: what the source shows is what the object holds."""
    model: Model = part.load()
    fields = part.fields

    assert {"input_shape", "parameters", "article", "section", "repairs", "source"} == fields.keys()
    assert {name: getattr(model, name) for name in fields} == fields
    assert part.summary.endswith(".")
    assert f"Article {model.article}, section {model.section}" in (ast.get_docstring(part.tree) or "")
    assert all(fields.values())
