"""The translators: counted by hand, against torch's own layers and plain loops, with exact padding and no look ahead."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, cast

import pytest
import torch
from torch import Tensor, nn

from harness.catalog import Catalog
from harness.errors import UsageError
from harness.models import DataSpec
from harness.models._translator import Translator
from harness.vocabulary import PAD, START

SOURCE_WORDS, TARGET_WORDS = 30, 23
CASES: dict[str, tuple[str, dict[str, Any]]] = {
    "transformer": ("p004_transformer_mt", {}),
    "transformer-norm-first": ("p004_transformer_mt", {"norm_first": True, "tie": "none"}),
    "gru": ("p004_rnn_seq2seq", {"attention": False}),
    "gru-attention": ("p004_rnn_seq2seq", {}),
}
each_case = pytest.mark.parametrize("case", CASES)


def make(name: str, source: int = SOURCE_WORDS, target: int = TARGET_WORDS, **options: Any) -> nn.Module:
    """One translator with fresh weights, in evaluation mode."""
    module: nn.Module = Catalog().load("models", name).build(DataSpec((9,), 0, (source, target)), **options)
    return module.eval()


def build(case: str) -> nn.Module:
    """One of the cases."""
    name, options = CASES[case]
    return make(name, **options)


def texts() -> tuple[Tensor, Tensor]:
    """Four pairs of unequal lengths, padded."""
    source_BS = torch.randint(4, SOURCE_WORDS, (4, 7))
    target_BT = torch.randint(4, TARGET_WORDS, (4, 6))
    target_BT[:, 0] = START
    for row, (own, other) in enumerate(((7, 6), (4, 6), (1, 3), (6, 1))):
        source_BS[row, own:] = PAD
        target_BT[row, other:] = PAD
    return source_BS, target_BT


def linear(inputs: int, outputs: int) -> int:
    """Weights and biases of a linear layer."""
    return (inputs + 1) * outputs


def transformer_count(width: int, ff: int, layers: int, source: int, target: int, *, tie: str, norm_first: bool) -> int:
    """Weights of a Transformer, by arithmetic."""
    attention, feed, norm = 4 * linear(width, width), linear(width, ff) + linear(ff, width), 2 * width
    stacks = layers * (attention + feed + 2 * norm) + layers * (2 * attention + feed + 3 * norm)
    tables = {"none": source + 2 * target, "output": source + target, "all": target}[tie] * width
    return stacks + tables + (2 * norm if norm_first else 0)


def recurrent_count(width: int, embedding: int, source: int, target: int, *, attention: bool) -> int:
    """Weights of a recurrent pair, by arithmetic; a GRU has three gates, each of two linear layers."""
    seen = 2 * width
    encoder = 2 * 3 * (linear(embedding, width) + linear(width, width))
    decoder = 3 * (linear(embedding + seen, width) + linear(width, width))
    weighing = width * width + linear(seen, width) + width if attention else 0
    output = linear(width + seen + embedding, embedding) + linear(embedding, target)
    return (source + target) * embedding + encoder + linear(seen, width) + weighing + decoder + output


def counted(module: nn.Module) -> int:
    """Trainable numbers, shared ones once."""
    return sum(parameter.numel() for parameter in module.parameters())


@pytest.mark.parametrize("tie", ["none", "output", "all"])
@pytest.mark.parametrize("norm_first", [False, True])
def test_transformer_parameters_follow_from_the_layers(tie: str, norm_first: bool) -> None:
    """Counted by arithmetic and held by the module: one number, also at other widths."""
    small = make("p004_transformer_mt", 100, 100, tie=tie, norm_first=norm_first)
    wide = make("p004_transformer_mt", 50, 50, width=96, heads=3, layers=3, ff=80, tie=tie, norm_first=norm_first)

    assert transformer_count(64, 256, 2, 100, 100, tie=tie, norm_first=norm_first) == counted(small)
    assert transformer_count(96, 80, 3, 50, 50, tie=tie, norm_first=norm_first) == counted(wide)


@pytest.mark.parametrize("attention", [False, True])
def test_recurrent_parameters_follow_from_the_layers(attention: bool) -> None:
    """Counted by arithmetic and held by the module: one number, also at other widths."""
    small = make("p004_rnn_seq2seq", 100, 100, attention=attention)
    wide = make("p004_rnn_seq2seq", 50, 40, width=48, embedding=20, attention=attention)

    assert recurrent_count(64, 64, 100, 100, attention=attention) == counted(small)
    assert recurrent_count(48, 20, 50, 40, attention=attention) == counted(wide)


@each_case
def test_padding_changes_no_logit(case: str) -> None:
    """A pair alone, without padding, has the logits that it has in a padded batch with longer ones."""
    model = build(case)
    source_BS, target_BT = texts()
    logits_BTV = model(source_BS, target_BT)

    for row in range(4):
        own, other = int((source_BS[row] != PAD).sum()), int((target_BT[row] != PAD).sum())
        alone_TV = model(source_BS[row : row + 1, :own], target_BT[row : row + 1, :other])[0]
        torch.testing.assert_close(alone_TV, logits_BTV[row, :other], rtol=1e-5, atol=1e-5)


@each_case
def test_what_comes_later_changes_no_earlier_logit(case: str) -> None:
    """Another id at place 3 of the target moves the logits from place 3 on, and none before."""
    model = build(case)
    source_BS, target_BT = texts()
    source_BS, target_BT = source_BS[:2], target_BT[:2]
    other_BT = target_BT.clone()
    other_BT[:, 3] = 4 + (target_BT[:, 3] - 3) % (TARGET_WORDS - 4)

    before, after = model(source_BS, target_BT), model(source_BS, other_BT)

    torch.testing.assert_close(before[:, :3], after[:, :3], rtol=0, atol=1e-6)
    assert ((before[:, 3:] - after[:, 3:]).abs().amax(dim=(1, 2)) > 1e-4).all()


@each_case
def test_the_source_matters(case: str) -> None:
    """Another word in the source moves the logits of its pair alone."""
    model = build(case)
    source_BS, target_BT = texts()
    other_BS = source_BS.clone()
    other_BS[1, 0] = 4 + (source_BS[1, 0] - 3) % (SOURCE_WORDS - 4)

    moved_B = (model(source_BS, target_BT) - model(other_BS, target_BT)).abs().amax(dim=(1, 2))

    assert [False, True, False, False] == (moved_B > 1e-5).tolist()


@each_case
def test_steps_give_the_logits_of_teacher_forcing(case: str) -> None:
    """One id at a time from the kept state gives what the whole target gives at once."""
    model = build(case)
    translator = cast(Translator, model)
    source_BS, target_BT = texts()
    expected_BTV = model(source_BS, target_BT)

    state = translator.encode(source_BS)
    for place, token_B in enumerate(target_BT.unbind(1)):
        logits_BV, state = translator.step(state, token_B)
        torch.testing.assert_close(expected_BTV[:, place], logits_BV, rtol=1e-5, atol=1e-5)


@each_case
def test_state_has_the_batch_first(case: str) -> None:
    """Picking rows of the state is picking texts: reordered, the steps give reordered logits."""
    translator = cast(Translator, build(case))
    source_BS, _ = texts()
    rows = torch.tensor([2, 0, 0, 3, 1])
    first_B = torch.tensor([5, 6, 7, 8])

    _, state = translator.step(translator.encode(source_BS), torch.full((4,), START))
    expected_BV, _ = translator.step(state, first_B)
    picked_BV, _ = translator.step(tuple(part.index_select(0, rows) for part in state), first_B[rows])

    torch.testing.assert_close(expected_BV[rows], picked_BV, rtol=1e-5, atol=1e-6)


@each_case
def test_a_source_of_padding_alone_gives_numbers(case: str) -> None:
    """A text without a single id is no reason for NaN, nor for a gradient of NaN."""
    model = build(case)
    loss = model(torch.full((2, 5), PAD), torch.tensor([[START, 5], [START, 6]])).sum()
    torch.autograd.backward(loss)

    assert math.isfinite(loss.item())
    assert all(part.grad is None or bool(part.grad.isfinite().all()) for part in model.parameters())


@each_case
def test_bfloat16_autocast_stays_near(case: str) -> None:
    """Under bf16 autocasting the chances of the next id differ by rounding alone."""
    model = build(case)
    pair = texts()
    expected = model(*pair).softmax(2)

    with torch.autocast("cpu", torch.bfloat16):
        found = model(*pair).float().softmax(2)

    torch.testing.assert_close(expected, found, rtol=0, atol=0.05)


def copy_attention(mine: Any, theirs: nn.MultiheadAttention) -> None:
    """Give torch's attention the weights of ours."""
    assert theirs.in_proj_weight is not None
    theirs.in_proj_weight.copy_(torch.cat((mine.query.weight, mine.key_value.weight)))
    theirs.in_proj_bias.copy_(torch.cat((mine.query.bias, mine.key_value.bias)))
    theirs.out_proj.load_state_dict(mine.out.state_dict())


def copy_layer(mine: Any, theirs: Any, *, decoder: bool) -> None:
    """Give one of torch's layers the weights of ours."""
    copy_attention(mine.attention, theirs.self_attn)
    theirs.linear1.load_state_dict(mine.feed[0].state_dict())
    theirs.linear2.load_state_dict(mine.feed[2].state_dict())
    arounds = (
        [mine.around_attention, mine.around_cross, mine.around_feed] if decoder else [mine.around_attention, mine.around_feed]
    )
    if decoder:
        copy_attention(mine.cross, theirs.multihead_attn)
    for number, around in enumerate(arounds, start=1):
        getattr(theirs, f"norm{number}").load_state_dict(around.norm.state_dict())


@pytest.mark.parametrize("norm_first", [False, True])
def test_transformer_equals_torchs_own(norm_first: bool) -> None:
    """torch's encoder and decoder layers with copied weights give the same logits, in both orders of normalisation."""
    model: Any = make("p004_transformer_mt", norm_first=norm_first, tie="none")
    for parameter in model.parameters():
        nn.init.normal_(parameter, std=0.3)
    arguments: dict[str, Any] = {"d_model": 64, "nhead": 4, "dim_feedforward": 256, "dropout": 0.0, "batch_first": True}
    layers = [
        (
            nn.TransformerEncoderLayer(**arguments, norm_first=norm_first),
            nn.TransformerDecoderLayer(**arguments, norm_first=norm_first),
        )
        for _ in range(2)
    ]
    source_BS, target_BT = texts()
    mask_BS, causal_TT = source_BS == PAD, torch.ones(6, 6, dtype=torch.bool).triu(1)

    with torch.no_grad():
        for number, (encoder, decoder) in enumerate(layers):
            copy_layer(model.encoder[number], encoder, decoder=False)
            copy_layer(model.decoder[number], decoder, decoder=True)
        x_BSE, y_BTE = (
            table.weight[ids] * 8 + positions(ids.shape[1])
            for table, ids in ((model.source, source_BS), (model.target, target_BT))
        )
        for encoder, _ in layers:
            x_BSE = encoder(x_BSE, src_key_padding_mask=mask_BS)
        x_BSE = model.encoder_norm(x_BSE)
        for _, decoder in layers:
            y_BTE = decoder(y_BTE, x_BSE, tgt_mask=causal_TT, memory_key_padding_mask=mask_BS)
        expected = model.decoder_norm(y_BTE) @ model.out.weight.T

        torch.testing.assert_close(expected, model(source_BS, target_BT), rtol=1e-4, atol=1e-4)


def positions(count: int) -> Tensor:
    """Vaswani et al. 2017, section 3.5, number by number, for width 64."""
    table = torch.empty(count, 64)
    for place in range(count):
        for pair in range(32):
            angle = place / 10000 ** (2 * pair / 64)
            table[place, 2 * pair], table[place, 2 * pair + 1] = math.sin(angle), math.cos(angle)
    return table


@torch.no_grad()
def test_bahdanau_attention_in_loops() -> None:
    """Scores v · tanh(W s + U h), softmax over the real positions, weighted mean: each by a loop."""
    model: Any = make("p004_rnn_seq2seq", width=3, embedding=4)
    attention = model.attention
    state_BH, memory_BSM = torch.randn(2, 3), torch.randn(2, 5, 6)
    lengths = (5, 2)
    mask_BS = torch.tensor([[place < own for place in range(5)] for own in lengths])

    found = attention(state_BH, attention.key(memory_BSM), memory_BSM, mask_BS)

    for row, own in enumerate(lengths):
        scores = [
            float(
                attention.score.weight[0]
                @ torch.tanh(attention.state.weight @ state_BH[row] + attention.key(memory_BSM[row, place]))
            )
            for place in range(own)
        ]
        total = sum(math.exp(score) for score in scores)
        expected = sum(memory_BSM[row, place] * (math.exp(score) / total) for place, score in enumerate(scores))
        torch.testing.assert_close(cast(Tensor, expected), found[row], rtol=1e-5, atol=1e-6)


@torch.no_grad()
def test_without_attention_the_source_is_one_summary() -> None:
    """The decoder in loops: torch's own GRU reads the source each way, its last states are all that is seen of it."""
    model: Any = make("p004_rnn_seq2seq", attention=False)
    source_BS, target_BT = texts()

    for row in range(4):
        own, other = int((source_BS[row] != PAD).sum()), int((target_BT[row] != PAD).sum())
        _, last_2H = model.encoder(model.source.weight[source_BS[row, :own]])
        seen_M = last_2H.flatten()
        state_H = torch.tanh(model.bridge(seen_M))
        for place in range(other):
            word_E = model.target.weight[target_BT[row, place]]
            state_H = model.cell(torch.cat((word_E, seen_M)), state_H)
            hidden_E = torch.tanh(model.hidden(torch.cat((state_H, seen_M, word_E))))
            expected_V = model.out(hidden_E)
            torch.testing.assert_close(expected_V, model(source_BS, target_BT)[row, place], rtol=1e-4, atol=1e-5)


def test_tied_weights_are_one() -> None:
    """tie = output shares target embedding and output, all the source's too, none shares nothing."""
    none, output, both = (cast(Any, make("p004_transformer_mt", 20, 20, tie=tie)) for tie in ("none", "output", "all"))

    assert none.out.weight is not none.target.weight
    assert output.out.weight is output.target.weight is not output.source.weight
    assert both.out.weight is both.target.weight is both.source.weight


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"width": 66}, "option heads = 4: does not divide width = 66"),
        ({"tie": "both"}, "option tie = 'both': unknown; allowed: none, output, all"),
        ({"tie": "all"}, "option tie = 'all': the vocabularies have 30 and 23 ids"),
        ({"layers": 0}, "option layers = 0"),
        ({"dropout": 1.0}, "option dropout = 1.0"),
        ({"norm_first": "no"}, "option norm_first = 'no': neither true nor false"),
    ],
)
def test_wrong_options_are_refused(options: dict[str, Any], message: str) -> None:
    """An option that is not allowed is a usage error that says what is."""
    with pytest.raises(UsageError) as refused:
        make("p004_transformer_mt", **options)
    assert str(refused.value).startswith(f"model 'p004_transformer_mt': {message}")


@pytest.mark.parametrize("name", ["p004_transformer_mt", "p004_rnn_seq2seq"])
def test_data_without_pairs_is_refused(name: str) -> None:
    """A translator is not built for texts of one vocabulary, nor for images."""
    factory: Callable[..., nn.Module] = Catalog().load("models", name).build
    for spec in (DataSpec((9,), 2, (30,)), DataSpec((1, 8, 8), 10)):
        with pytest.raises(UsageError, match="with a target text of another vocabulary only"):
            factory(spec)
