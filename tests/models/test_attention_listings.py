"""The attention listings of article 002: repaired, against their formulas; each defect on a construction of our own."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from harness.errors import UsageError
from harness.models import DataSpec
from harness.models._sinusoids import sinusoids
from harness.models.a002_attention import SummedAttention
from harness.models.a002_transformer_lstm import StackedLstms, summed_positions
from harness.models.p002_attention_bahdanau import AdditiveAttention
from tests.models.sequence_support import FLOATS, TEXTS, assert_equal, build, inputs, logits, states


def test_summed_attention_equals_its_formula() -> None:
    """Article 002's repaired attention, one pair of query and memory at a time, then its LSTM step by step."""
    module, x = build("a002_attention", FLOATS, hidden=7), inputs(FLOATS)
    assert isinstance(module, SummedAttention)
    expected = []
    for sample in x:
        attended_F = []
        for query_F in sample:
            scores = [(module.score(query_F) + module.score(key_F)).exp() for key_F in sample]
            context_F = sum(score * key_F for score, key_F in zip(scores, sample, strict=True)) / sum(scores)
            attended_F.append(query_F + context_F)
        expected.append(logits(module.model.recurrent, module.model.fc, attended_F))  # type: ignore[arg-type]

    assert_equal(module(x), torch.stack(expected))


@pytest.mark.parametrize("table", ["summed", "interleaved"])
def test_stacked_lstms_equal_their_equations(table: str) -> None:
    """Article 002's repaired "Transformer": embedding plus table, two LSTMs step by step, the last step classified."""
    module, ids_BT = build("a002_transformer_lstm", TEXTS, hidden=6, positions=table), inputs(TEXTS)
    assert isinstance(module, StackedLstms)
    table_TD = sinusoids(torch.zeros(1, 9, 6, dtype=torch.float64))
    if table == "summed":
        angles = [[t / 10000 ** (i / 6) for i in range(6)] for t in range(9)]
        table_TD = torch.tensor([[math.sin(angle) + math.cos(angle) for angle in row] for row in angles], dtype=torch.float64)
    steps_D = [list(sample + table_TD) for sample in module.embedding(ids_BT)]
    expected = [logits(module.decoder, module.fc, states(module.encoder, sample)) for sample in steps_D]

    torch.testing.assert_close(module(ids_BT), torch.stack(expected), rtol=0, atol=1e-6)


def test_a_text_longer_than_the_table_is_one_clear_error() -> None:
    """Building for longer texts, and giving longer ones, names length and limit; the encoder has no limit."""
    message = "model 'a002_transformer_lstm': texts of 9 steps, its table of positions holds 8; set max_length = 9 or more"
    with pytest.raises(UsageError, match=message):
        build("a002_transformer_lstm", TEXTS, max_length=8)

    module = build("a002_transformer_lstm", DataSpec((8,), 5, (30,)), hidden=6, max_length=8)
    with pytest.raises(UsageError, match=message):
        module(inputs(TEXTS))
    assert tuple(module(inputs(TEXTS)[:, :8]).shape) == (4, 5)
    assert tuple(build("p002_transformer_encoder", TEXTS)(inputs(DataSpec((600,), 5, (30,)), batch=1)).shape) == (1, 5)


def spread(x: Tensor, dim: int) -> float:
    """The largest difference along one axis."""
    return (x.amax(dim) - x.amin(dim)).max().item()


def summed_attention() -> SummedAttention:
    """Article 002's repaired attention on sequences of 9 steps of 6 numbers."""
    module = build("a002_attention", FLOATS, hidden=7)
    assert isinstance(module, SummedAttention)
    return module


def stacked_lstms() -> StackedLstms:
    """Article 002's repaired "Transformer" on texts of up to 50 ids."""
    module = build("a002_transformer_lstm", DataSpec((50,), 5, (30,)), hidden=12, max_length=50)
    assert isinstance(module, StackedLstms)
    return module


def test_a_listing_needs_another_listings_class() -> None:
    """002 attention, defect 1, and 002 Transformer, defect 1: a name from elsewhere fails; our files stand alone."""
    with pytest.raises(NameError):
        nn.Linear(network_of_another_listing.width, length_nobody_set)  # type: ignore[name-defined]  # noqa: F821

    assert tuple(summed_attention()(inputs(FLOATS)).shape) == (4, 5)
    assert tuple(stacked_lstms()(inputs(TEXTS)).shape) == (4, 5)


def test_a_network_has_no_size() -> None:
    """002 attention, defect 2: a module has no `size`; the score's width is that of the features."""
    with pytest.raises(AttributeError, match="'LSTM' object has no attribute 'size'"):
        nn.LSTM(6, 7).size(2)  # type: ignore[operator]

    assert summed_attention().score.in_features == 6


def test_weights_times_memory_misaligned() -> None:
    """002 attention, defect 3: without an axis for the queries the product fails, or mixes samples where T = batch."""
    weights_BTS1 = torch.rand(9, 9, 9, 1, dtype=torch.float64)
    with pytest.raises(RuntimeError, match=r"The size of tensor a \(12\) must match the size of tensor b \(8\)"):
        torch.rand(8, 12, 20, 1) * torch.rand(8, 20, 6)

    def misaligned(x_BTF: Tensor) -> Tensor:
        return (weights_BTS1 * x_BTF).sum(2)

    assert changes_of_sample_0(misaligned) > 0.1
    assert changes_of_sample_0(summed_attention()) == 0


def changes_of_sample_0(function: Callable[[Tensor], Tensor]) -> float:
    """How far the output for sample 0 moves when sample 1 of 9 changes."""
    x_BTF = inputs(FLOATS, batch=9)
    changed_BTF = x_BTF.index_fill(0, torch.tensor([1]), 1.0)
    return (function(x_BTF)[0] - function(changed_BTF)[0]).abs().max().item()


def test_two_inputs_for_a_network_of_one() -> None:
    """002 attention, defect 4: a second input fails; ours adds the context to the first."""
    module, x_BTF = summed_attention(), inputs(FLOATS)
    with pytest.raises(TypeError, match="takes 2 positional arguments but 3 were given"):
        module.model(x_BTF, x_BTF)

    assert_equal(module(x_BTF), module.model(x_BTF + module.weights(x_BTF) @ x_BTF))


def test_softmax_over_the_queries() -> None:
    """002 attention, defect 5: over the queries, weights are the same wherever they point and sum to anything."""
    module, x_BTF = summed_attention(), 3 * inputs(FLOATS)
    scores_BTS = module.score(x_BTF) + module.score(x_BTF).transpose(1, 2)
    printed_BTS, ours_BTS = scores_BTS.softmax(dim=1), module.weights(x_BTF)

    assert spread(printed_BTS, 2) < 1e-12
    assert (printed_BTS.sum(2) - 1).abs().max().item() > 0.3
    assert spread(ours_BTS, 2) > 0.1
    assert_equal(ours_BTS.sum(2), torch.ones(4, 9, dtype=torch.float64))


def test_a_sum_of_scores_ignores_the_query() -> None:
    """002 attention, defect 6: softmax cancels the query's part of a sum; inside a tanh it does not cancel."""
    attention, x_BTF = AdditiveAttention(6, dropout=0.0).double(), 3 * inputs(FLOATS)

    assert spread(summed_attention().weights(x_BTF), 1) < 1e-12
    assert spread(attention.weights(x_BTF), 1) > 0.01
    assert_equal(attention.weights(x_BTF).sum(2), torch.ones(4, 9, dtype=torch.float64))


def test_dropout_breaks_the_sum_of_weights_in_training_alone() -> None:
    """002 attention, defect 7: dropped weights no longer sum to 1, as usual; evaluation uses them whole."""
    module, x_BTF = summed_attention(), inputs(FLOATS)
    dropped_BTS = module.train().dropout(module.weights(x_BTF))

    assert (dropped_BTS.sum(2) - 1).abs().max().item() > 0.05
    assert torch.equal(module.eval()(x_BTF), module(x_BTF))


def test_the_divisor_overflows() -> None:
    """002 Transformer, defects 2 and 3: sin takes no float and 10000^(i / 2) none from 155 on; our table is finite."""
    with pytest.raises(TypeError, match="must be Tensor, not float"):
        torch.sin(0.5)  # type: ignore[arg-type]
    assert 10000 ** (154 / 2) == pytest.approx(1e308)
    with pytest.raises(OverflowError):
        10000 ** (155 / 2)

    assert bool(summed_positions(5000, 256).isfinite().all())


def test_an_axis_too_many() -> None:
    """002 Transformer, defect 4: an LSTM takes no fourth axis; ours gives it three."""
    with pytest.raises(ValueError, match="Expected input to be 2D or 3D, got 4D instead"):
        nn.LSTM(6, 7)(torch.zeros(4, 1, 9, 6))

    assert tuple(stacked_lstms().states(inputs(TEXTS)).shape) == (4, 9, 12)


def test_an_output_each_step_for_one_label_a_text() -> None:
    """002 Transformer, defect 5: logits of every step do not fit labels of texts; ours are the last step's."""
    module, ids_BT, labels_B = stacked_lstms(), inputs(TEXTS, batch=8), torch.zeros(8, dtype=torch.int64)
    with pytest.raises(RuntimeError, match=r"Expected target size \[8, 5\], got \[8\]"):
        F.cross_entropy(module.fc(module.states(ids_BT)), labels_B)

    assert_equal(module(ids_BT), module.fc(module.states(ids_BT))[:, -1])
    assert F.cross_entropy(module(ids_BT), labels_B).isfinite()


def test_a_table_longer_than_the_text() -> None:
    """002 Transformer, defect 6: the whole table fits texts of its length alone; ours is cut to the text."""
    with pytest.raises(RuntimeError, match=r"The size of tensor a \(40\) must match the size of tensor b \(50\)"):
        torch.zeros(8, 40, 12) + torch.zeros(1, 50, 12)

    assert [tuple(stacked_lstms()(inputs(DataSpec((length,), 5, (30,)))).shape) for length in (1, 40, 50)] == [(4, 5)] * 3


def test_a_plain_attribute_stays_behind() -> None:
    """002 Transformer, defect 7: a tensor that is no buffer neither moves with the module nor is stored; ours does both."""
    module = stacked_lstms()
    module.table = torch.zeros(50, 12)

    moved = module.to("meta")

    assert {"positions": "meta", "table": "cpu"} == {name: getattr(moved, name).device.type for name in ("positions", "table")}
    assert "positions" in module.state_dict()
    assert "table" not in module.state_dict()


def smallest_distance(table_LD: Tensor) -> float:
    """How far the two nearest positions of a table are apart."""
    return torch.pdist(table_LD.double()).min().item()


def test_positions_that_hardly_differ() -> None:
    """002 Transformer, defect 8: as printed 3 of 256 features change over 50 steps; repaired all do, of the paper's 226."""
    angles_LD = torch.arange(50)[:, None] / 10000.0 ** (torch.arange(256, dtype=torch.float64) / 2)
    printed_LD = angles_LD.sin() + angles_LD.cos()
    ours_LD, paper_LD = summed_positions(50, 256), sinusoids(torch.zeros(1, 50, 256))

    def changing(table_LD: Tensor) -> int:
        return int((table_LD.amax(0) - table_LD.amin(0) > 1e-3).sum())

    assert [changing(table_LD) for table_LD in (printed_LD, ours_LD, paper_LD)] == [3, 256, 226]
    assert smallest_distance(printed_LD) == pytest.approx(0.012, abs=0.001)
    assert smallest_distance(ours_LD) == pytest.approx(2.11, abs=0.005)
    assert smallest_distance(paper_LD) == pytest.approx(2.67, abs=0.005)


def test_no_step_sees_a_later_one() -> None:
    """002 Transformer, defect 9: its states are causal, as stacked LSTMs' are; in the real encoder every step sees all."""
    ids_BT = inputs(TEXTS)
    changed_BT = torch.cat([ids_BT[:, :6], ids_BT[:, 6:] % 29 + 1], dim=1)
    module, layer = stacked_lstms(), nn.TransformerEncoderLayer(12, 3, 20, batch_first=True, dtype=torch.float64).eval()

    assert_equal(module.states(changed_BT)[:, :6], module.states(ids_BT)[:, :6])
    assert not torch.allclose(module.states(changed_BT)[:, 6:], module.states(ids_BT)[:, 6:])
    encoded, changed = (layer(module.embedding(ids)) for ids in (ids_BT, changed_BT))
    assert not torch.allclose(encoded[:, :6], changed[:, :6])
