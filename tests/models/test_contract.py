"""What every built-in model promises, and what every classifier and every network of images promises beyond that."""

from __future__ import annotations

import ast

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from harness.catalog import Catalog, Part
from harness.errors import UsageError
from harness.models import DataSpec, Model

CATALOG = Catalog()
PARTS = CATALOG.parts("models")
CLASSIFIERS = {name: part for name, part in PARTS.items() if part.fields.get("task", "classification") == "classification"}
IMAGES = {name: part for name, part in CLASSIFIERS.items() if part.fields.get("input_shape")}
BATCH = 8
SHIFTS = {"a002_attention": ["score.bias"], "p002_attention_bahdanau": ["steps.attention.score.bias"]}
"""Biases that move all inputs of a softmax alike: they have no gradient but rounding errors."""

every_model = pytest.mark.parametrize("part", PARTS.values(), ids=PARTS.keys())
every_classifier = pytest.mark.parametrize("part", CLASSIFIERS.values(), ids=CLASSIFIERS.keys())
every_image_model = pytest.mark.parametrize("part", IMAGES.values(), ids=IMAGES.keys())


def spec_of(part: Part, classes: int | None = None) -> DataSpec:
    """What a data set gives that the model takes: the one its parameters are counted for."""
    model: Model = part.load()
    shape, declared, vocabularies = model.example or (model.input_shape, 10, ())
    assert shape is not None
    return DataSpec(shape, declared if classes is None else classes, vocabularies)


def build(part: Part, classes: int | None = None) -> nn.Module:
    """One model with fresh weights."""
    module: nn.Module = part.load().build(spec_of(part, classes))
    return module


def batch(part: Part, classes: int = 10) -> tuple[Tensor, Tensor]:
    """A tiny random batch for one classifier: numbers, or ids without padding."""
    spec = spec_of(part)
    labels = torch.randint(classes, (BATCH,))
    if spec.vocabularies:
        return torch.randint(4, spec.vocabularies[0], (BATCH, *spec.shape)), labels
    return torch.randn(BATCH, *spec.shape), labels


@every_model
def test_weights_follow_the_global_stream(part: Part) -> None:
    """The same seed builds the same weights to the bit, another seed others (an operator's are fixed, or drawn alike)."""

    def weights(seed: int) -> Tensor:
        torch.manual_seed(seed)
        return nn.utils.parameters_to_vector([*build(part).parameters(), torch.zeros(1)]).detach()

    assert torch.equal(weights(1), weights(1))
    assert torch.equal(weights(1), weights(2)) == (part.fields.get("task") == "operator")


@every_model
def test_declared_parameters_are_the_trainable_ones(part: Part) -> None:
    """The declared count equals torch's on the declared example and stands in the file's docstring."""
    counted = sum(parameter.numel() for parameter in build(part).parameters() if parameter.requires_grad)

    assert part.load().parameters == counted
    assert f"{counted:,}" in (ast.get_docstring(part.tree) or "")


@every_model
def test_listing_needs_no_import(part: Part) -> None:
    """All fields but the factory are literals: what the source shows is what the object holds."""
    model: Model = part.load()
    fields = part.fields

    assert {"parameters", "article", "section", "repairs", "source"} <= fields.keys()
    assert {"input_shape", "example"} & fields.keys()
    assert {name: getattr(model, name) for name in fields} == fields
    assert model.task in CATALOG.parts("tasks")
    assert part.summary.endswith(".")
    assert f"Article {model.article}, section {model.section}" in (ast.get_docstring(part.tree) or "")
    assert all(value for name, value in fields.items() if name != "parameters")


@pytest.mark.parametrize("name", PARTS)
def test_refuses_inputs_of_another_form(name: str) -> None:
    """A data set of another form is a usage error that names the model."""
    with pytest.raises(UsageError, match=f"model '{name}': "):
        PARTS[name].load().build(DataSpec((2, 3, 5, 7, 11), 10))


@every_classifier
@pytest.mark.parametrize("classes", [2, 10, 37])
def test_gives_one_logit_per_class(part: Part, classes: int) -> None:
    """The output is [B, K] for any number of classes K, finite and not normalised."""
    logits_BK = build(part, classes)(batch(part)[0])

    assert (BATCH, classes) == tuple(logits_BK.shape)
    assert bool(logits_BK.isfinite().all())
    assert not torch.allclose(logits_BK.sum(1), torch.ones(BATCH))


@every_classifier
def test_one_step_moves_every_parameter(part: Part) -> None:
    """A training step reaches all trainable weights: no layer is left out of the forward pass."""
    module = build(part)
    inputs, labels = batch(part, spec_of(part).classes)
    trainable = {name: parameter for name, parameter in module.named_parameters() if parameter.requires_grad}
    before = {name: parameter.detach().clone() for name, parameter in trainable.items()}
    optimizer = torch.optim.SGD(trainable.values(), lr=0.5)

    torch.autograd.backward(F.cross_entropy(module(inputs), labels))
    optimizer.step()

    still = [name for name, now in trainable.items() if torch.equal(now, before[name])]
    assert set(still) <= set(SHIFTS.get(part.name, []))


@every_classifier
def test_learns_a_tiny_batch(part: Part) -> None:
    """Sixty steps on eight random samples at least halve the loss."""
    module = build(part)
    inputs, labels = batch(part, spec_of(part).classes)
    optimizer = torch.optim.Adam(module.parameters(), lr=2e-3)
    losses = []
    for _ in range(60):
        optimizer.zero_grad()
        loss = F.cross_entropy(module(inputs), labels)
        torch.autograd.backward(loss)
        optimizer.step()
        losses.append(loss.item())

    assert losses[-1] < losses[0] / 2


@every_image_model
def test_refuses_images_of_another_shape(part: Part) -> None:
    """A data set of another shape is a usage error that names the model and both shapes."""
    shape = spec_of(part).shape
    wrong = (*shape[:-1], 7)

    with pytest.raises(UsageError) as caught:
        part.load().build(DataSpec(wrong, 10))

    message = str(caught.value)
    assert all(piece in message for piece in (part.name, *("x".join(map(str, one)) for one in (wrong, shape))))


@every_image_model
def test_a_wrong_image_never_becomes_several_samples(part: Part) -> None:
    """A batch of larger images fails whatever its size: no row of the output is ever made of parts of samples."""
    channels, height, width = spec_of(part).shape
    module = build(part).eval()

    for size in (1, 9, 49, 64):
        with pytest.raises(RuntimeError, match="shapes cannot be multiplied"):
            module(torch.randn(size, channels, height + 8, width + 8))
