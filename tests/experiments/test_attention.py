"""The experiments on attention and Transformers, against formulas, loops in plain Python and counts by hand."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from harness.errors import MeasuringError
from harness.experiments import (
    Setting,
    attention_formula,
    attention_weights,
    cost_over_lengths,
    listed_transformer,
    order_and_positions,
    text_tasks,
    work_over_lengths,
)
from harness.models.p000_attention_article import FORMULAS

# --- work and cost over lengths ---


def test_the_longest_of_several_chains_counts() -> None:
    """x → sin → cos → add is three operations, x → add one; a parameter itself is none; a mere number has no chain."""
    x = torch.tensor(1.0, requires_grad=True)

    assert 3 == work_over_lengths.depth(x.sin().cos() + x)
    assert (0, 0) == (work_over_lengths.depth(x), work_over_lengths.depth(torch.tensor(1.0)))


def test_a_chain_may_be_longer_than_pythons_stack() -> None:
    """Five thousand sines one after the other are five thousand operations."""
    x = torch.tensor(1.0, requires_grad=True)
    result: Tensor = x
    for _ in range(5000):
        result = result.sin()

    assert 5000 == work_over_lengths.depth(result)


def linear(inputs: int, outputs: int) -> int:
    """Floating-point operations of a linear layer on one vector, its bias left out as in the harness's count."""
    return 2 * inputs * outputs


def test_work_follows_from_the_layers() -> None:
    """Depth grows by the same number of operations with every step, but for the Transformer's; FLOPs are those of the products.

    A recurrent layer multiplies input and state by 64 x 64 numbers for each gate; an encoder layer has four such products, two
    of 64 x 128, and meets each of the T steps twice, by score and by weight. A linear layer tells ten classes at the end.
    """
    found = work_over_lengths.EXPERIMENT.perform({}, seed=1)

    def readout(length: int) -> float:
        return linear(64, 10) / length

    for name, gates in (("rnn", 1), ("lstm", 4), ("gru", 3)):
        growth = float(found[f"depth_{name}_64"] or 0) - float(found[f"depth_{name}_16"] or 0)
        assert (0.0, True) == (growth % 48, growth > 0)
        for length in (16, 256):
            assert 2 * gates * 2 * linear(64, 64) + readout(length) == pytest.approx(found[f"flops_{name}_{length}"])
    assert found["depth_transformer_16"] == found["depth_transformer_64"]
    for length in (16, 256):
        layer = 4 * linear(64, 64) + 2 * linear(64, 128) + 2 * linear(64, length)
        assert linear(64, 64) + 2 * layer + readout(length) == pytest.approx(found[f"flops_transformer_{length}"])


def test_lstm_and_transformer_have_about_the_same_number_of_parameters() -> None:
    """By hand: two LSTM layers of width 64 with two biases each; two encoder layers with a projection. Within a tenth."""
    networks = {name: cost_over_lengths.build(Setting(1), name) for name in ("lstm", "transformer")}
    counts = {name: sum(parameter.numel() for parameter in network.parameters()) for name, network in networks.items()}
    lstm = 2 * 4 * 64 * (64 + 64 + 2) + 65 * 10
    encoder = 65 * 64 + 2 * (4 * 65 * 64 + 65 * 128 + 129 * 64 + 4 * 64) + 65 * 10

    assert {"lstm": lstm, "transformer": encoder} == counts
    assert abs(encoder / lstm - 1) < 0.1


def test_a_timed_training_step_leaves_gradients_and_inference_leaves_none() -> None:
    """The training pass gives every parameter the gradient of the mean cross-entropy; the other one makes no graph."""
    setting = Setting(1)
    model = cost_over_lengths.build(setting, "gru")
    train, infer = cost_over_lengths.passes_of(setting, model, 3, 5)
    infer()
    assert all(parameter.grad is None for parameter in model.parameters())

    train()

    stream = setting.generator("inputs")
    x_BTF, labels_B = torch.randn(3, 5, 64, generator=stream), torch.randint(10, (3,), generator=stream)
    chances_BK = model(x_BTF).softmax(dim=1)
    loss = -chances_BK[torch.arange(3), labels_B].log().mean()
    expected = torch.autograd.grad(loss, list(model.parameters()))
    for parameter, gradient in zip(model.parameters(), expected, strict=True):
        torch.testing.assert_close(parameter.grad, gradient)


def test_every_network_and_length_is_timed() -> None:
    """One sequence of each length, once: 40 times a token, all above 0."""
    found = cost_over_lengths.EXPERIMENT.perform({"tokens": 1, "repeats": 1}, seed=1)

    assert 40 == len(found)
    assert all(seconds is not None and seconds > 0 for seconds in found.values())


@pytest.mark.parametrize("subnormals", [False, True])
def test_subnormal_numbers_are_computed_with_only_where_asked_for(subnormals: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """1e-30 of 1e-10 is no normal number: 0 while the passes are timed, unless asked for, and itself again afterwards."""
    seen: list[float] = []

    def product(*_: object) -> float:
        seen.append(float(torch.full((8,), 1e-30).mul(1e-10)[0]))
        return 1.0

    monkeypatch.setattr(cost_over_lengths, "seconds_of", product)
    cost_over_lengths.EXPERIMENT.perform({"tokens": 1, "repeats": 1, "subnormals": subnormals}, seed=1)

    assert all((value > 0) == subnormals for value in seen)
    assert len(seen) == 80
    assert product() == 1.0
    assert seen[-1] > 0


def test_a_cpu_without_the_switch_measures_nothing_else_unasked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where subnormal numbers cannot be taken as 0 the run fails with the reason, and measures with them where told to."""
    monkeypatch.setattr(torch, "set_flush_denormal", lambda on: False)

    with pytest.raises(MeasuringError, match="cannot take subnormal numbers as 0"):
        cost_over_lengths.EXPERIMENT.perform({"tokens": 1, "repeats": 1}, seed=1)
    assert cost_over_lengths.EXPERIMENT.perform({"tokens": 1, "repeats": 1, "subnormals": True}, seed=1)


# --- positions ---


def test_the_printed_table_is_the_articles_formula() -> None:
    """One number at a time, up to the features whose divisor is still a float; beyond them sin 0 + cos 0 = 1."""
    table_TD = order_and_positions.printed(50, 256)

    rows = [[math.sin(t / 10000 ** (i / 2)) + math.cos(t / 10000 ** (i / 2)) for i in range(154)] for t in range(50)]
    torch.testing.assert_close(table_TD[:, :154], torch.tensor(rows, dtype=torch.float64))
    assert torch.equal(torch.ones(50, 102, dtype=torch.float64), table_TD[:, 154:])


def test_visible_features_of_tables_by_hand() -> None:
    """Of three features one moves by 2, one by half of what is visible; positions 0 and 1 are nearest, 1 apart."""
    table_TD = torch.tensor([[0.0, 7.0, 0.0], [1.0, 7.0, 0.0], [2.0, 7.0, order_and_positions.VISIBLE / 2]])

    assert (1, 1.0) == order_and_positions.visible(table_TD)


def test_three_features_of_the_printed_table_move() -> None:
    """Divisors are 1, 100, 10,000 and 1,000,000: over 50 steps the third still moves by .005, the fourth by 5e-5."""
    assert 3 == order_and_positions.visible(order_and_positions.printed(50, 256))[0]


def test_attention_without_positions_is_blind_to_order() -> None:
    """Of 32 texts in another order all keep their logits without positions, none with the paper's."""
    setting = Setting(1)
    splits = setting.data("recall", length=16, classes=8, vocabulary=12, train_samples=8, test_samples=32)
    order_T = torch.randperm(16, generator=torch.Generator().manual_seed(1))

    blind = {
        name: order_and_positions.blind(
            order_and_positions.build(setting, setting.spec(splits), 16, table).double(), splits.test.inputs, order_T
        )
        for name, table in order_and_positions.TABLES.items()
    }

    assert (32, 0) == (blind["none"], blind["sinusoids"])


# --- the formula ---


def test_the_articles_formula_needs_three_equal_sizes() -> None:
    """Of 27 combinations of three sizes it can be evaluated for the three with n = m = d, the correct one for all."""
    stream = torch.Generator().manual_seed(1)

    refused = {name: attention_formula.refused(formula, stream) for name, formula in FORMULAS.items()}

    assert {"article": 24, "correct": 0} == refused
    assert attention_formula.SHAPES == len(attention_formula.SIZES) ** 3
    assert attention_formula.runs(FORMULAS["article"], stream, 4, 4, 4)


def test_only_the_articles_formula_notices_the_order_of_keys_and_values() -> None:
    """All 32 samples change under the article's formula, none under torch's own attention or the correct one."""
    stream = torch.Generator().manual_seed(1)

    def fused(q: Tensor, k: Tensor, v: Tensor, out: Tensor) -> Tensor:
        return F.scaled_dot_product_attention(q, k, v) @ out

    formulas = {**FORMULAS, "fused": fused}
    noticed = {name: attention_formula.noticed(formula, stream) for name, formula in formulas.items()}

    assert {"article": 32, "correct": 0, "fused": 0} == noticed


def test_one_head_is_attention_by_its_formula() -> None:
    """With the correct formula, one text at a time: softmax of scaled products, times values and output, mean, readout."""
    torch.manual_seed(1)
    model = attention_formula.OneHead(FORMULAS["correct"]).double()
    ids_BT = torch.randint(4, 12, (3, 16))
    angles = [[t / 10000 ** (2 * (i // 2) / 16) for i in range(16)] for t in range(16)]
    table_TD = torch.tensor(
        [[(math.cos if i % 2 else math.sin)(angle) for i, angle in enumerate(row)] for row in angles], dtype=torch.float64
    )
    expected = []
    for ids_T in ids_BT:
        x_TD = model.embedding(ids_T) + table_TD
        q, k, v = (x_TD @ layer.weight.T for layer in (model.query, model.key, model.value))
        mixed_TD = torch.stack([sum_of(torch.exp(k @ q_D / 4), v) for q_D in q]) @ model.output
        expected.append(model.fc.weight @ mixed_TD.mean(0) + model.fc.bias)

    torch.testing.assert_close(model(ids_BT), torch.stack(expected), rtol=0, atol=1e-6)


def sum_of(weights_S: Tensor, v_SD: Tensor) -> Tensor:
    """The mean of vectors by weights that need not sum to 1."""
    return (weights_S[:, None] * v_SD).sum(0) / weights_S.sum()


# --- weights ---


def test_rows_unlike_the_first_are_counted() -> None:
    """Of four rows one differs from the first, one by less than rounding."""
    rows = torch.tensor([[1.0, 2.0], [1.0, 2.0], [1.0, 2.5], [1.0, 2.0 + 1e-12]], dtype=torch.float64)

    assert 1 == attention_weights.unlike_first(rows)


def test_weights_depend_on_query_memory_or_both() -> None:
    """A softmax of a sum a + b over queries loses b, over the memory loses a; only a non-linear score makes pairs."""
    found = attention_weights.EXPERIMENT.perform({}, seed=1)

    expected = {"printed": (11, 0, 0), "repaired": (0, 11, 0), "bahdanau": (11, 11, 11)}
    for name, counts in expected.items():
        assert counts == (found[f"queries_{name}"], found[f"memories_{name}"], found[f"pairs_{name}"])


# --- the listing ---


def test_the_printed_transformer_neither_attends_nor_looks_ahead() -> None:
    """No operation of it attends, and of 20 states the six from the replaced step on change; the encoder does both."""
    found = listed_transformer.EXPERIMENT.perform({}, seed=1)

    assert (0, 0, 6) == (found["attentions_listing"], found["before_listing"], found["after_listing"])
    assert (14, 6) == (found["before_encoder"], found["after_encoder"])
    assert (found["attentions_encoder"] or 0) >= listed_transformer.LAYERS


@pytest.mark.parametrize(("attends", "model"), [(1, nn.Softmax(dim=1)), (0, nn.Linear(3, 3))])
def test_attention_is_known_by_its_operations(attends: int, model: nn.Module) -> None:
    """A softmax is one; a linear layer has none."""
    assert attends == listed_transformer.attentions(model, torch.randn(2, 3))


# --- tasks ---


def test_opinions_are_odd_and_their_majority_is_the_class() -> None:
    """Counted word by word: 1, 3 or 5 opinions in every text, more praise than blame exactly in class 1; both classes half."""
    splits = text_tasks.opinions(torch.Generator().manual_seed(1))
    neutral = text_tasks.FIRST + text_tasks.NEUTRAL

    seen = set()
    for ids, label in zip(splits.test.inputs.tolist(), splits.test.labels.tolist(), strict=True):
        blame, praise = ids.count(neutral), ids.count(neutral + 1)
        seen.add(blame + praise)
        assert label == (praise > blame)
    assert {1, 3, 5} == seen
    assert 0.5 == pytest.approx(splits.train.labels.float().mean().item(), abs=0.02)


def test_translations_replace_each_word_by_its_own_and_turn_them_round() -> None:
    """Each word has one translation throughout, no two the same; the last word's comes first; then come blanks."""
    splits = text_tasks.translations(torch.Generator().manual_seed(1))
    dictionary: dict[int, int] = {}

    for ids, label in zip(splits.train.inputs.tolist(), splits.train.labels.tolist(), strict=True):
        assert [text_tasks.FIRST + text_tasks.LETTERS] * text_tasks.WORDS == ids[text_tasks.WORDS :]
        for word, translation in zip(ids[: text_tasks.WORDS], label[::-1], strict=True):
            assert translation == dictionary.setdefault(word, translation)
    assert text_tasks.LETTERS == len(dictionary) == len(set(dictionary.values()))


@pytest.mark.parametrize("name", text_tasks.NETWORKS)
def test_a_transducer_says_a_word_at_each_blank(name: str) -> None:
    """Logits [B, words, blanks]; only the recurrent ones cannot let a word depend on a blank behind it."""
    torch.manual_seed(1)
    model = text_tasks.Transducer(name, 15, 16).double()
    ids_BT = torch.randint(4, 14, (2, 10))
    other_BT = ids_BT.clone()
    other_BT[:, -1] = 14
    before, after = model(ids_BT), model(other_BT)

    assert (2, 10, 5) == tuple(before.shape)
    assert (name != "transformer") == torch.equal(before[:, :, :4], after[:, :, :4])
    assert not torch.equal(before[:, :, 4], after[:, :, 4])
