"""Options of models: what is no truth value, no number, no word or far too large is refused at once, by name."""

from __future__ import annotations

import math
from typing import Any

import pytest

from harness.catalog import Catalog, Part
from harness.errors import UsageError
from harness.models import DataSpec

PARTS = Catalog().parts("models")
HUGE = 10**12
FLAGS = [
    ("p000_mha", "positions"),
    ("p004_gru", "bidirectional"),
    ("p004_lstm", "bidirectional"),
    ("p004_rnn_seq2seq", "attention"),
    ("p004_transformer_mt", "norm_first"),
]
REALS = [
    ("p004_lstm", "forget_bias", "-100 to 100"),
    ("p004_clip", "max_norm", "1e-06 to 1e+06"),
    ("p004_imgproc", "sigma", "0.01 to 100"),
]
WORDS = [
    ("p000_conv_op", "formula"),
    ("p001_rnn_relu", "init"),
    ("p004_imgproc", "operator"),
    ("p004_lstm", "pool"),
    ("p004_transformer_mt", "tie"),
]


def refusal(part: Part, **options: Any) -> str:
    """What building the model for its own example says of options that are not allowed."""
    model = part.load()
    shape, classes, vocabularies = model.example or (model.input_shape, 10, ())
    with pytest.raises(UsageError) as caught:
        model.build(DataSpec(shape, classes, vocabularies), **options)
    return str(caught.value)


@pytest.mark.parametrize(("name", "option"), FLAGS)
@pytest.mark.parametrize("value", ["no", "false", 0, 1, None, []])
def test_a_flag_is_true_or_false(name: str, option: str, value: object) -> None:
    """`attention = "no"` does not build the model with attention."""
    assert f"model {name!r}: option {option} = {value!r}: neither true nor false" == refusal(PARTS[name], **{option: value})


def test_every_flag_is_checked() -> None:
    """The table holds each option of a model whose default is True or False."""
    found = [
        (name, option) for name, part in PARTS.items() for option, default in part.options.items() if isinstance(default, bool)
    ]

    assert sorted(FLAGS) == sorted(found)


@pytest.mark.parametrize(("name", "option", "limits"), REALS)
@pytest.mark.parametrize("value", ["x", None, True, [1.0], math.nan, math.inf, -math.inf, 1e12])
def test_a_real_is_a_number_within_its_limits(name: str, option: str, limits: str, value: object) -> None:
    """No word, no truth value, nothing infinite and nothing beyond the limits, which are named."""
    expected = f"model {name!r}: option {option} = {value!r}: not a number in reach; allowed: {limits}"

    assert expected == refusal(PARTS[name], **{option: value})


@pytest.mark.parametrize(("name", "option"), WORDS)
@pytest.mark.parametrize("value", [["last"], {}, None, 1, True])
def test_a_choice_is_a_word(name: str, option: str, value: object) -> None:
    """A list, a table or a number is no word, whatever it holds."""
    assert refusal(PARTS[name], **{option: value}).startswith(f"model {name!r}: option {option} = {value!r}: unknown")


@pytest.mark.parametrize("name", [name for name, part in PARTS.items() if "layers" in part.options])
def test_layers_without_end_are_refused(name: str) -> None:
    """Layers are built one by one: a million million of them would never be."""
    assert f"model {name!r}: option layers = {HUGE}: not a whole number in reach; allowed: 1 to 1000" == refusal(
        PARTS[name], layers=HUGE
    )


@pytest.mark.parametrize("name", ["p004_gru", "p004_lstm"])
def test_a_width_without_end_is_refused(name: str) -> None:
    """Looking for the width of as many parameters ends, whatever the width it is counted against."""
    message = refusal(PARTS[name], equal="parameters", hidden=10**9)

    assert f"model {name!r}: option hidden = 1000000000: not a whole number in reach; allowed: 1 to 1000000" == message
