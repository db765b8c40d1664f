"""The defects of the articles' recurrent listings, each shown on a construction of our own beside its repair."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from harness.errors import UsageError
from harness.models import DataSpec
from harness.models._last_step import LastStep
from harness.models._recurrent import Recurrent
from tests.models.sequence_support import FLOATS, TEXTS, assert_equal, build, inputs


def test_sizes_and_inputs_left_open() -> None:
    """001, defects 1 and 2: an ellipsis is neither a size nor a batch; ours takes both from the data set."""
    with pytest.raises(TypeError, match="input_size should be of type int, got: ellipsis"):
        nn.RNN(..., 128)
    with pytest.raises(AttributeError, match="'ellipsis' object has no attribute 'size'"):
        (...).size(0)  # type: ignore[attr-defined]

    assert tuple(build("a001_rnn", FLOATS)(inputs(FLOATS)).shape) == (4, 5)


def test_text_says_relu_and_listing_takes_tanh() -> None:
    """001: the listing's states stay within 1; those of ReLU, which the text names, do not and are never negative."""
    x_BTF = 100 * inputs(FLOATS)
    listing, text = build("a001_rnn", FLOATS), build("p001_rnn_relu", FLOATS)
    assert isinstance(listing, LastStep)
    assert isinstance(text, Recurrent)

    tanh_BTH, relu_BTH = listing.recurrent(x_BTF)[0], text.recurrent(x_BTF)[0]

    assert tanh_BTH.min().item() < -0.9
    assert tanh_BTH.abs().max().item() <= 1
    assert relu_BTH.min().item() == 0
    assert relu_BTH.max().item() > 10


def test_a_state_in_float32() -> None:
    """001 and 004: a zero state that stays in float32 fails on other numbers; ours takes them as they are."""
    x_BTF = inputs(FLOATS)
    with pytest.raises(RuntimeError, match="must have the same dtype"):
        nn.RNN(6, 7, 2, batch_first=True, dtype=torch.float64)(x_BTF, torch.zeros(2, 4, 7))

    for name in ("a001_rnn", "a004_rnn"):
        assert build(name, FLOATS)(x_BTF).dtype == torch.float64
        assert build(name, FLOATS).bfloat16()(x_BTF.bfloat16()).dtype == torch.bfloat16


def test_a_state_on_the_cpu() -> None:
    """004: a zero state that stays on the CPU fails elsewhere (meta stands in for a GPU); ours follows its input."""
    x_BTF = inputs(FLOATS).to("meta")
    with pytest.raises(RuntimeError, match="not at the same device"):
        nn.RNN(6, 7, 2, batch_first=True, device="meta", dtype=torch.float64)(x_BTF, torch.zeros(2, 4, 7, dtype=torch.float64))

    assert build("a004_rnn", FLOATS).to("meta")(x_BTF).device.type == "meta"


def test_ids_for_an_lstm_of_numbers() -> None:
    """002: a batch of ids passes for one sample and fails on its state; ours is refused before training."""
    with pytest.raises(RuntimeError, match="For unbatched 2-D input, hx and cx should also be 2-D"):
        nn.LSTM(50, 7, 2, batch_first=True)(torch.zeros(64, 50), (torch.zeros(2, 64, 7), torch.zeros(2, 64, 7)))

    with pytest.raises(UsageError, match=r"'a002_lstm': the data set gives texts .* the model takes sequences"):
        build("a002_lstm", TEXTS)


def test_the_last_step_may_be_padding() -> None:
    """002 and 004: behind 30 PAD the listing reads nearly the same of every text; the canonical LSTM ignores PAD."""
    ids_BT = inputs(TEXTS)
    padded_BT = torch.cat([ids_BT, torch.zeros(4, 30, dtype=torch.int64)], dim=1)
    listing, canonical = build("a004_nlp_lstm", TEXTS), build("p004_lstm", TEXTS)

    def differences(ids: Tensor) -> float:
        """How far the listing's logits of four texts are apart."""
        deviation: float = listing(ids).std(0).max().item()
        return deviation

    assert differences(padded_BT) < 1e-3 < differences(ids_BT) / 5
    assert_equal(canonical(padded_BT), canonical(ids_BT))


def test_an_lstm_by_another_name() -> None:
    """002 and 004: what the texts call a plain recurrent layer has four gates; the plain one has one."""
    rows = {}
    for name, spec in (("a001_rnn", FLOATS), ("a004_rnn", FLOATS), ("a002_lstm", FLOATS), ("a004_nlp_lstm", TEXTS)):
        module = build(name, spec, hidden=7)
        rows[name] = len(module.get_parameter("recurrent.weight_hh_l0")) // 7

    assert rows == {"a001_rnn": 1, "a004_rnn": 1, "a002_lstm": 4, "a004_nlp_lstm": 4}


def test_numbers_for_an_embedding() -> None:
    """004: numbers in place of ids fail inside the embedding; ours is refused before training."""
    with pytest.raises(RuntimeError, match=r"indices.* to have one of the following scalar types: Long, Int"):
        nn.Embedding(30, 6)(torch.zeros(4, 9))

    with pytest.raises(UsageError, match=r"'a004_nlp_lstm': the data set gives sequences .* the model takes texts"):
        build("a004_nlp_lstm", DataSpec((9, 6), 5))
