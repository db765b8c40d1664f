"""Digit rows: the digits as sequences, sample for sample."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
import torch.nn.functional as F

from harness.data import LoadContext, digits
from harness.data.digit_rows import DATASET, load
from harness.digests import tensors_digest
from harness.errors import UsageError

CONTEXT = LoadContext(Path("/nonexistent/data"), None, Path("/nonexistent"))
RECORDED = {
    "standard": "e525c72207f5f680cea407aced2a3754f3881d52bb52e342f1bae036f1c66a4d",
    "raw": "466133264c81d57d1374cfef86ce70555115e7206e430414069fdbb3df4ae25f",
}
"""SHA-256 of training inputs and labels and test inputs and labels."""


@pytest.mark.parametrize("scale", RECORDED)
def test_the_bytes_are_the_recorded_ones(scale: str) -> None:
    """The data set is the same on every machine and in every release."""
    splits = load(CONTEXT, scale=scale)
    tensors = (splits.train.inputs, splits.train.labels, splits.test.inputs, splits.test.labels)

    assert RECORDED[scale] == tensors_digest(tensors)


def test_rows_are_those_of_the_enlarged_digits() -> None:
    """Step t is row t of the 28x28 image that image models get: same samples, same order, same labels."""
    rows, images = load(CONTEXT), digits.load(LoadContext(Path(), (1, 28, 28), Path()))

    for split, other in ((rows.train, images.train), (rows.test, images.test)):
        assert torch.equal(other.inputs[:, 0], split.inputs)
        assert torch.equal(other.labels, split.labels)
        for step in range(28):
            assert torch.equal(other.inputs[:, 0, step], split.inputs[:, step])
    assert images.classes == rows.classes
    assert (28, 28) == DATASET.shape == tuple(rows.train.inputs.shape[1:])


def test_images_are_enlarged_bilinearly() -> None:
    """PyTorch's own interpolation of the 8x8 images gives the same grey levels, to rounding."""
    small = digits.load(CONTEXT, scale="raw").test.inputs
    expected = F.interpolate(small, (28, 28), mode="bilinear", align_corners=False)

    assert (load(CONTEXT, scale="raw").test.inputs - expected[:, 0]).abs().max() <= 0.51


@pytest.mark.parametrize(("scale", "low", "high"), [("unit", 0, 1), ("raw", 0, 255)])
def test_scales_are_those_of_the_digits(scale: str, low: float, high: float) -> None:
    """unit goes from 0 to 1, raw from 0 to 255."""
    inputs = load(CONTEXT, scale=scale).train.inputs

    assert (low, high) == (inputs.min().item(), inputs.max().item())


def test_a_limit_gives_a_prefix_and_may_leave_classes_out() -> None:
    """Five samples are the first five; they cannot show all ten classes, which stay classes."""
    whole, part = load(CONTEXT), load(CONTEXT, train_limit=5, test_limit=3)

    assert torch.equal(whole.train.inputs[:5], part.train.inputs)
    assert torch.equal(whole.test.labels[:3], part.test.labels)
    assert len(part.train.labels.unique()) <= 5 < len(part.classes) == 10


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"train_limit": 1438}, "option train_limit = 1438: not a number of samples; allowed: 1 to 1437"),
        ({"test_limit": 0}, "option test_limit = 0: not a number of samples; allowed: 1 to 360"),
        ({"scale": "unity"}, "option scale = 'unity': unknown, did you mean 'unit'"),
    ],
)
def test_an_option_that_is_not_allowed_is_a_usage_error(options: dict[str, object], message: str) -> None:
    """The message names the option, what was found and what is allowed."""
    with pytest.raises(UsageError, match=message):
        load(CONTEXT, **options)  # type: ignore[arg-type]
