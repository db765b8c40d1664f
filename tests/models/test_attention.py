"""The attention classifiers against their formulas, evaluated one sample at a time, and against counts by hand."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from harness.errors import UsageError
from harness.models import DataSpec
from harness.models._sinusoids import sinusoids
from harness.models.p000_mha import AttentionMean, MultiHeadAttention
from harness.models.p002_attention_bahdanau import AdditiveAttention
from harness.models.p002_transformer_encoder import EncoderMean
from tests.models.sequence_support import FLOATS, TEXTS, assert_equal, build, inputs, logits, real_vectors, trainable

STEPS, IDS = DataSpec((50, 100), 10), DataSpec((50,), 10, (100,))
CANONICAL = ("p000_mha", "p002_attention_bahdanau", "p002_transformer_encoder")
SMALL: dict[str, dict[str, Any]] = {
    "p000_mha": {"width": 12, "heads": 3, "positions": True},
    "p002_attention_bahdanau": {"hidden": 7, "embedding": 6},
    "p002_transformer_encoder": {"width": 12, "heads": 3, "ff": 20},
}

each_canonical = pytest.mark.parametrize("name", CANONICAL)
each_spec = pytest.mark.parametrize("spec", [FLOATS, TEXTS], ids=["floats", "texts"])


def linear(inputs: int, outputs: int) -> int:
    """Parameters of a linear layer with a bias."""
    return (inputs + 1) * outputs


def lstm(features: int, hidden: int) -> int:
    """Parameters of two LSTM layers."""
    return 4 * hidden * (features + hidden + 2) + 4 * hidden * (hidden + hidden + 2)


def encoder(width: int, ff: int) -> int:
    """Parameters of two encoder layers: four projections, two linear layers and two normalisations each."""
    return 2 * (4 * linear(width, width) + linear(width, ff) + linear(ff, width) + 2 * 2 * width)


COUNTS: list[tuple[str, DataSpec, dict[str, Any], int, int]] = [
    ("a002_attention", STEPS, {}, linear(100, 1) + lstm(100, 256) + linear(256, 10), 895_599),
    ("a002_transformer_lstm", IDS, {}, 100 * 256 + 2 * lstm(256, 256) + linear(256, 10), 2_133_514),
    ("p002_attention_bahdanau", STEPS, {}, 2 * linear(100, 100) + linear(100, 1) + lstm(100, 256) + linear(256, 10), 915_799),
    ("p002_transformer_encoder", IDS, {}, 100 * 64 + encoder(64, 128) + linear(64, 10), 73_994),
    ("p002_transformer_encoder", IDS, {"width": 128, "ff": 256}, 100 * 128 + encoder(128, 256) + linear(128, 10), 279_050),
    (
        "p002_transformer_encoder",
        IDS,
        {"width": 256, "heads": 8, "ff": 1024},
        100 * 256 + encoder(256, 1024) + linear(256, 10),
        1_607_690,
    ),
    ("p002_transformer_encoder", STEPS, {}, linear(100, 64) + encoder(64, 128) + linear(64, 10), 74_058),
    ("p000_mha", IDS, {}, 100 * 64 + 4 * 64 * 64 + linear(64, 10), 23_434),
    ("p000_mha", STEPS, {"positions": True}, linear(100, 64) + 4 * 64 * 64 + linear(64, 10), 23_498),
]


@pytest.mark.parametrize(("name", "spec", "options", "counted", "number"), COUNTS)
def test_parameters_follow_from_the_layers(
    name: str, spec: DataSpec, options: dict[str, Any], counted: int, number: int
) -> None:
    """Counted from the layers, as one number (published, but for the last three) and held by the module: all equal."""
    assert number == counted
    assert number == trainable(build(name, spec, **options))


def positions(steps: int, width: int) -> Tensor:
    """Vaswani's positions, one number at a time: sine and cosine take turns."""
    waves = (math.sin, math.cos)
    rows = [[waves[i % 2](t / 10000 ** (2 * (i // 2) / width)) for i in range(width)] for t in range(steps)]
    return torch.tensor(rows, dtype=torch.float64)


@pytest.mark.parametrize("width", [2, 7, 64])
def test_positions_follow_the_paper(width: int) -> None:
    """Sine and cosine of the same angle take turns, for any number of steps and an odd width too."""
    torch.testing.assert_close(
        sinusoids(torch.zeros(1, 300, width, dtype=torch.float64)), positions(300, width), rtol=0, atol=1e-4
    )


def embedded(module: AttentionMean | EncoderMean, sample: Tensor) -> Tensor:
    """One sample's real steps as vectors with positions, [T, D]."""
    if module.steps.embed is not None:
        layer = module.steps.embed.get_submodule("0")
        assert isinstance(layer, nn.Embedding)
        x_TD = torch.stack(real_vectors(layer, sample))
    else:
        assert isinstance(module.steps.project, nn.Linear)
        x_TD = sample @ module.steps.project.weight.T + module.steps.project.bias
    return x_TD + sinusoids(x_TD[None])


def heads(query_TD: Tensor, key_SD: Tensor, value_SD: Tensor, count: int) -> Tensor:
    """softmax(Q K^T / sqrt(d_k)) V of each head side by side, one query and one head at a time."""
    rows = []
    for query_D in query_TD:
        parts = []
        for q_E, k_SE, v_SE in zip(query_D.chunk(count), key_SD.chunk(count, 1), value_SD.chunk(count, 1), strict=True):
            scores_S = (k_SE @ q_E / math.sqrt(len(q_E))).exp()
            parts.append(scores_S / scores_S.sum() @ v_SE)
        rows.append(torch.cat(parts))
    return torch.stack(rows)


def normalised(x_TD: Tensor, layer: nn.LayerNorm) -> Tensor:
    """Each step less its mean over its deviation."""
    centred_TD = x_TD - x_TD.mean(1, keepdim=True)
    return centred_TD / (centred_TD.square().mean(1, keepdim=True) + 1e-5).sqrt() * layer.weight + layer.bias


def encoded(x_TD: Tensor, layer: nn.TransformerEncoderLayer) -> Tensor:
    """One encoder layer as the paper has it: attention, sum, normalise, two linear layers, sum, normalise."""
    attention = layer.self_attn
    q_TD, k_TD, v_TD = (x_TD @ attention.in_proj_weight.T + attention.in_proj_bias).chunk(3, dim=1)
    gathered_TD = heads(q_TD, k_TD, v_TD, attention.num_heads)
    x_TD = normalised(x_TD + attention.out_proj(gathered_TD), layer.norm1)
    hidden_TF = (x_TD @ layer.linear1.weight.T + layer.linear1.bias).clamp(min=0)
    return normalised(x_TD + hidden_TF @ layer.linear2.weight.T + layer.linear2.bias, layer.norm2)


def mha_logits(module: nn.Module, sample: Tensor) -> Tensor:
    """`p000_mha` on one sample's real steps."""
    assert isinstance(module, AttentionMean)
    x_TD, attention = embedded(module, sample), module.attention
    q_TD, k_TD, v_TD = (x_TD @ layer.weight.T for layer in (attention.query, attention.key, attention.value))
    return module.fc((heads(q_TD, k_TD, v_TD, attention.heads) @ attention.output.weight.T).mean(0))  # type: ignore[no-any-return]


def encoder_logits(module: nn.Module, sample: Tensor) -> Tensor:
    """`p002_transformer_encoder` on one sample's real steps."""
    assert isinstance(module, EncoderMean)
    x_TD = embedded(module, sample)
    for layer in module.layers:
        assert isinstance(layer, nn.TransformerEncoderLayer)
        x_TD = encoded(x_TD, layer)
    return module.fc(x_TD.mean(0))  # type: ignore[no-any-return]


def bahdanau_logits(module: nn.Module, sample: Tensor) -> Tensor:
    """`p002_attention_bahdanau` on one sample's real steps, one pair of query and memory at a time."""
    embedding, attention = module.get_submodule("steps").embed, module.get_submodule("steps.attention")
    assert isinstance(attention, AdditiveAttention)
    memory_F = real_vectors(embedding.get_submodule("0") if isinstance(embedding, nn.Module) else None, sample)  # type: ignore[arg-type]
    attended_F = []
    for query_F in memory_F:
        pairs = [attention.score.weight[0] @ torch.tanh(attention.query(query_F) + attention.key(key_F)) for key_F in memory_F]
        scores = [(pair + attention.score.bias[0]).exp() for pair in pairs]
        context_F = sum(score * key_F for score, key_F in zip(scores, memory_F, strict=True)) / sum(scores)
        attended_F.append(query_F + context_F)
    return logits(module.recurrent, module.fc, attended_F)  # type: ignore[arg-type]


REFERENCES = {
    "p000_mha": mha_logits,
    "p002_attention_bahdanau": bahdanau_logits,
    "p002_transformer_encoder": encoder_logits,
}


@each_spec
@each_canonical
def test_canonical_networks_equal_their_formulas(name: str, spec: DataSpec) -> None:
    """On numbers, and on texts of all lengths whose PAD the second computation never sees."""
    module, x = build(name, spec, **SMALL[name]), inputs(spec, batch=9)
    if spec is TEXTS:
        x = x * (torch.arange(9) <= torch.arange(9)[:, None])

    assert_equal(module(x), torch.stack([REFERENCES[name](module, sample) for sample in x]))


@each_canonical
def test_pad_is_ignored_wherever_it_stands(name: str) -> None:
    """More PAD behind, before or within a text leaves its logits as they are, in training mode too."""
    module, ids_BT = build(name, TEXTS, **SMALL[name], dropout=0.0).train(), inputs(TEXTS)
    nothing_BT = torch.zeros(len(ids_BT), 3, dtype=torch.int64)
    expected = module(ids_BT)

    for padded in ((ids_BT, nothing_BT), (nothing_BT, ids_BT), (ids_BT[:, :4], nothing_BT, ids_BT[:, 4:])):
        assert_equal(module(torch.cat(padded, dim=1)), expected)


@each_canonical
def test_a_text_of_pad_alone_counts_as_one_step(name: str) -> None:
    """Nothing but PAD gives the logits of one PAD, finite, and finite gradients."""
    module = build(name, TEXTS, **SMALL[name])
    logits_BK = module(torch.zeros(2, 9, dtype=torch.int64))
    torch.autograd.backward(F.cross_entropy(logits_BK, torch.tensor([0, 1])))

    assert_equal(logits_BK, module(torch.zeros(2, 1, dtype=torch.int64)))
    assert all(bool(parameter.grad.isfinite().all()) for parameter in module.parameters() if parameter.grad is not None)


def test_multi_head_attention_equals_torchs() -> None:
    """With torch's weights the written formula is nn.MultiheadAttention, masked or not."""
    ours = MultiHeadAttention(64, 4).double()
    theirs = nn.MultiheadAttention(64, 4, bias=False, batch_first=True, dtype=torch.float64)
    x_BTD, lengths_B = torch.randn(3, 8, 64, dtype=torch.float64), torch.tensor([8, 5, 1])
    with torch.no_grad():
        theirs.in_proj_weight.copy_(torch.cat([ours.query.weight, ours.key.weight, ours.value.weight]))
        theirs.out_proj.weight.copy_(ours.output.weight)

    assert_equal(ours(x_BTD), theirs(x_BTD, x_BTD, x_BTD)[0])
    padding_BT = torch.arange(8) >= lengths_B[:, None]
    assert_equal(ours(x_BTD, lengths_B), theirs(x_BTD, x_BTD, x_BTD, key_padding_mask=padding_BT)[0])


def test_encoder_equals_torchs_stack() -> None:
    """With the same weights the layers are torch's nn.TransformerEncoder."""
    module, x = build("p002_transformer_encoder", FLOATS, **SMALL["p002_transformer_encoder"]), inputs(FLOATS)
    assert isinstance(module, EncoderMean)
    layer = nn.TransformerEncoderLayer(12, 3, 20, batch_first=True, dtype=torch.float64)
    theirs = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False).eval()
    theirs.layers.load_state_dict(module.layers.state_dict())

    x_BTD = torch.stack([embedded(module, sample) for sample in x])
    assert_equal(module(x), module.fc(theirs(x_BTD).mean(1)))


def test_encoder_layers_start_apart() -> None:
    """No two layers start from the same weights, as copies of one would."""
    module = build("p002_transformer_encoder", FLOATS)

    assert not torch.equal(module.get_parameter("layers.0.linear1.weight"), module.get_parameter("layers.1.linear1.weight"))


def test_order_matters_with_positions_alone() -> None:
    """One layer of attention and a mean cannot see the order of steps; with positions it can."""
    ids_BT = inputs(TEXTS)
    bag, ordered = build("p000_mha", TEXTS), build("p000_mha", TEXTS, positions=True)

    assert_equal(bag(ids_BT.flip(1)), bag(ids_BT))
    assert not torch.allclose(ordered(ids_BT.flip(1)), ordered(ids_BT))


@pytest.mark.parametrize("name", [*CANONICAL, "a002_attention", "a002_transformer_lstm"])
def test_autocast_to_bfloat16_trains(name: str) -> None:
    """Under bf16 autocast logits are near those of float32 and every gradient is finite."""
    spec = FLOATS if name == "a002_attention" else TEXTS
    module, x = build(name, spec).float(), inputs(spec)
    x = x if spec is TEXTS else x.float()
    with torch.autocast("cpu", torch.bfloat16):
        logits_BK = module(x)
    torch.autograd.backward(F.cross_entropy(logits_BK, torch.arange(4)))

    torch.testing.assert_close(logits_BK.float(), module(x), rtol=0, atol=0.05)
    assert all(bool(each.grad.isfinite().all()) for each in module.parameters() if each.grad is not None)


REFUSED: list[tuple[str, DataSpec, dict[str, Any], str]] = [
    ("p000_mha", TEXTS, {"heads": 5}, "model 'p000_mha': option heads = 5: does not divide width = 64"),
    ("p002_transformer_encoder", TEXTS, {"layers": 0}, "option layers = 0: not a whole number in reach"),
    (
        "p002_attention_bahdanau",
        TEXTS,
        {"dropout": True},
        "option dropout = True: not a number in reach; allowed: 0 to below 1",
    ),
    (
        "a002_transformer_lstm",
        TEXTS,
        {"positions": "learned"},
        "positions = 'learned': unknown.*; allowed: summed, interleaved",
    ),
    ("a002_transformer_lstm", FLOATS, {}, "the data set gives sequences .* the model takes texts"),
    ("a002_attention", TEXTS, {}, "the data set gives texts .* the model takes sequences"),
]


@pytest.mark.parametrize(("name", "spec", "options", "message"), REFUSED)
def test_refuses_what_it_cannot_use(name: str, spec: DataSpec, options: dict[str, Any], message: str) -> None:
    """An option or a data set that is not allowed is a usage error that names it and what is allowed."""
    with pytest.raises(UsageError, match=message):
        build(name, spec, **options)
