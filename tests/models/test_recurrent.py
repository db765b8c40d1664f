"""The recurrent classifiers against their equations, evaluated one step at a time, and against counts by hand."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from harness.errors import UsageError
from harness.models import DataSpec
from harness.models._recurrent import Recurrent, equal_width
from tests.models.sequence_support import FLOATS, TEXTS, assert_equal, build, inputs, logits, real_vectors, trainable

ROWS, STEPS, IDS = DataSpec((28, 28), 10), DataSpec((50, 100), 10), DataSpec((50,), 10, (5000,))
LISTINGS = ("a001_rnn", "a002_lstm", "a004_rnn")
CANONICAL = ("p000_rnn", "p001_rnn_relu", "p004_gru", "p004_lstm")

each_canonical = pytest.mark.parametrize("name", CANONICAL)


def layer(gates: int, inputs: int, hidden: int, biases: int = 2) -> int:
    """Parameters of one recurrent layer."""
    return gates * hidden * (inputs + hidden + biases)


COUNTS: list[tuple[str, DataSpec, dict[str, Any], int, int]] = [
    ("a001_rnn", ROWS, {}, layer(1, 28, 128) + layer(1, 128, 128) + 129 * 10, 54_538),
    ("a001_rnn", STEPS, {}, layer(1, 100, 128) + layer(1, 128, 128) + 129 * 10, 63_754),
    ("a004_rnn", ROWS, {}, layer(1, 28, 128) + layer(1, 128, 128) + 129 * 10, 54_538),
    ("a002_lstm", STEPS, {}, layer(4, 100, 256) + layer(4, 256, 256) + 257 * 10, 895_498),
    ("a004_nlp_lstm", IDS, {}, 5000 * 100 + layer(4, 100, 128) + layer(4, 128, 128) + 129 * 10, 751_146),
    ("p000_rnn", STEPS, {}, layer(1, 100, 128, biases=1) + 129 * 10, 30_730 - 128),
    ("p001_rnn_relu", STEPS, {"init": "identity"}, layer(1, 100, 128, biases=1) + 129 * 10, 30_730 - 128),
    ("p004_gru", STEPS, {}, layer(3, 100, 128) + 129 * 10, 89_610),
    ("p004_lstm", STEPS, {}, layer(4, 100, 128) + 129 * 10, 119_050),
    ("p004_lstm", STEPS, {"forget_bias": 1.0}, layer(4, 100, 128) + 129 * 10, 119_050),
    ("p004_gru", STEPS, {"bidirectional": True}, 2 * layer(3, 100, 128) + 257 * 10, 2 * 88_320 + 2_570),
    ("p004_lstm", IDS, {"embedding": 32, "layers": 2}, 5000 * 32 + layer(4, 32, 128) + layer(4, 128, 128) + 1290, 376_330),
]


@pytest.mark.parametrize(("name", "spec", "options", "counted", "number"), COUNTS)
def test_parameters_follow_from_the_layers(
    name: str, spec: DataSpec, options: dict[str, Any], counted: int, number: int
) -> None:
    """Counted from the layers, as one number (published, where it is the default) and held by the module: all equal."""
    assert number == counted
    assert number == trainable(build(name, spec, **options))


def test_the_second_bias_is_held_at_zero() -> None:
    """Training the Elman network moves everything but torch's second bias, which stays zero."""
    module = build("p000_rnn", FLOATS, hidden=7)
    optimizer = torch.optim.SGD(module.parameters(), lr=0.5)
    torch.autograd.backward(F.cross_entropy(module(inputs(FLOATS)), torch.arange(4)))
    before = {name: parameter.detach().clone() for name, parameter in module.named_parameters()}

    optimizer.step()

    same = [name for name, parameter in module.named_parameters() if torch.equal(parameter, before[name])]
    assert same == ["recurrent.bias_hh_l0"]
    assert not before["recurrent.bias_hh_l0"].any()


@pytest.mark.parametrize("name", [*LISTINGS, "a004_nlp_lstm"])
def test_listings_equal_their_equations(name: str) -> None:
    """Two layers from a zero state, the last step classified, evaluated step by step."""
    spec = TEXTS if name == "a004_nlp_lstm" else FLOATS
    module, x = build(name, spec, hidden=7), inputs(spec)
    assert isinstance(module.recurrent, nn.RNNBase)
    assert isinstance(module.fc, nn.Linear)
    embedding = module.embedding if isinstance(module.embedding, nn.Embedding) else None

    expected = [logits(module.recurrent, module.fc, real_vectors(embedding, sample)) for sample in x]

    assert module.recurrent.num_layers == 2
    assert_equal(module(x), torch.stack(expected))


VARIANTS: list[tuple[str, dict[str, Any]]] = [
    ("p000_rnn", {}),
    ("p001_rnn_relu", {}),
    ("p001_rnn_relu", {"init": "identity"}),
    *(
        (name, {"layers": layers, "bidirectional": bidirectional, "pool": pool})
        for name in ("p004_gru", "p004_lstm")
        for layers, bidirectional in ((1, False), (2, False), (1, True), (2, True))
        for pool in ("last", "mean", "max")
    ),
]


def reference(module: nn.Module, x: Tensor, pool: str) -> Tensor:
    """A canonical network's logits, computed from each sample's real steps alone."""
    assert isinstance(module, Recurrent)
    embedding = None if module.steps.embed is None else module.steps.embed.get_submodule("0")
    assert embedding is None or isinstance(embedding, nn.Embedding)
    return torch.stack([logits(module.recurrent, module.fc, real_vectors(embedding, sample), pool) for sample in x])


@pytest.mark.parametrize("spec", [FLOATS, TEXTS], ids=["floats", "texts"])
@pytest.mark.parametrize(("name", "options"), VARIANTS)
def test_canonical_networks_equal_their_equations(name: str, options: dict[str, Any], spec: DataSpec) -> None:
    """Every variant on numbers, and on texts of all lengths whose PAD the second computation never sees."""
    module, x = build(name, spec, hidden=7, embedding=6, **options), inputs(spec, batch=9)
    if spec is TEXTS:
        x = x * (torch.arange(9) <= torch.arange(9)[:, None])

    assert_equal(module(x), reference(module, x, options.get("pool", "last")))


@pytest.mark.parametrize(("name", "options"), VARIANTS)
def test_pad_is_ignored_wherever_it_stands(name: str, options: dict[str, Any]) -> None:
    """More PAD behind, before or within a text leaves its logits as they are."""
    module, ids_BT = build(name, TEXTS, hidden=7, **options), inputs(TEXTS)
    nothing_BT = torch.zeros(len(ids_BT), 3, dtype=torch.int64)
    expected = module(ids_BT)

    for padded in ((ids_BT, nothing_BT), (nothing_BT, ids_BT), (ids_BT[:, :4], nothing_BT, ids_BT[:, 4:])):
        assert_equal(module(torch.cat(padded, dim=1)), expected)


@each_canonical
def test_a_text_of_pad_alone_counts_as_one_step(name: str) -> None:
    """Nothing but PAD gives the logits of one PAD, finite, and finite gradients."""
    module = build(name, TEXTS)
    logits_BK = module(torch.zeros(2, 9, dtype=torch.int64))
    torch.autograd.backward(F.cross_entropy(logits_BK, torch.tensor([0, 1])))

    assert_equal(logits_BK, module(torch.zeros(2, 1, dtype=torch.int64)))
    assert all(bool(parameter.grad.isfinite().all()) for parameter in module.parameters() if parameter.grad is not None)


@pytest.mark.parametrize("name", ["p004_gru", "p004_lstm"])
@pytest.mark.parametrize("options", [{}, {"layers": 2}, {"bidirectional": True}, {"layers": 3, "bidirectional": True}])
@pytest.mark.parametrize("spec", [STEPS, DataSpec((50,), 6, (40,))], ids=["floats", "texts"])
def test_equal_parameters_is_the_widest_within_the_plain_networks(name: str, options: dict[str, Any], spec: DataSpec) -> None:
    """`equal = "parameters"` has no more parameters than the Elman network, and one unit more would have."""
    budget = trainable(build("p000_rnn", spec))
    module = build(name, spec, equal="parameters", **options)
    assert isinstance(module, Recurrent)
    width = module.recurrent.hidden_size

    assert trainable(module) <= budget < trainable(build(name, spec, hidden=width + 1, **options))


def test_equal_widths_by_hand() -> None:
    """Against 30,602 parameters on 100 features and 10 classes: 61 GRU units (30,449) or 49 LSTM units (30,096)."""
    assert trainable(build("p004_gru", STEPS, equal="parameters")) == layer(3, 100, 61) + 62 * 10 == 30_449
    assert trainable(build("p004_lstm", STEPS, equal="parameters")) == layer(4, 100, 49) + 50 * 10 == 30_096


@pytest.mark.parametrize("hidden", [1, 2, 3, 40, 1000, 1_000_000])
def test_equal_width_of_any_width(hidden: int) -> None:
    """The width is worked out at once, up to the largest allowed: the widest within the budget, and 1 at least."""

    def gated(width: int) -> int:
        return layer(4, 100, width) + (width + 1) * 10

    width = equal_width(100, hidden, 10, gates=4, layers=1, bidirectional=False)
    budget = hidden * (100 + hidden + 1) + (hidden + 1) * 10

    assert width == 1 or gated(width) <= budget
    assert gated(width + 1) > budget


def test_forget_bias_moves_the_forget_gate_alone() -> None:
    """The same seed with a forget bias of 1 differs by 1 in each layer's forget gates and nowhere else."""
    weights = []
    for bias in (0.0, 1.0):
        torch.manual_seed(4)
        weights.append(dict(build("p004_lstm", FLOATS, hidden=3, layers=2, forget_bias=bias).named_parameters()))

    for name, parameter in weights[0].items():
        difference = torch.zeros_like(parameter)
        if "bias_ih" in name:
            difference[3:6] = 1
        torch.testing.assert_close(weights[1][name] - parameter, difference, rtol=0, atol=1e-7)


def test_identity_start_keeps_the_state() -> None:
    """With recurrent weights the identity and no bias, ReLU keeps a state to the bit; torch's own start loses it."""
    x_BTF = torch.zeros(3, 200, 6, dtype=torch.float64)
    x_BTF[:, 0] = torch.randn(3, 6, dtype=torch.float64)

    kept = build("p001_rnn_relu", FLOATS, init="identity")
    lost = build("p001_rnn_relu", FLOATS)

    assert torch.equal(kept(x_BTF), kept(x_BTF[:, :1]))
    assert kept.get_parameter("recurrent.weight_ih_l0").std().item() == pytest.approx(0.001, rel=0.1)
    assert not torch.allclose(lost(x_BTF), lost(x_BTF[:, :1]))


@pytest.mark.parametrize("name", ["p004_gru", "p004_lstm"])
def test_dropout_acts_in_training_alone(name: str) -> None:
    """Dropout changes a training pass of texts each time and no evaluation; without it both are equal."""
    ids_BT = inputs(TEXTS)
    dropped, plain = build(name, TEXTS, dropout=0.5), build(name, TEXTS)

    assert torch.equal(dropped(ids_BT), dropped(ids_BT))
    assert not torch.equal(dropped.train()(ids_BT), dropped(ids_BT))
    assert torch.equal(plain(ids_BT), plain.train()(ids_BT))


@pytest.mark.parametrize("name", [*LISTINGS, "a004_nlp_lstm", *CANONICAL])
def test_autocast_to_bfloat16_trains(name: str) -> None:
    """Under bf16 autocast logits are near those of float32 and every gradient is finite."""
    spec = TEXTS if name == "a004_nlp_lstm" else FLOATS
    module, x = build(name, spec).float(), inputs(spec)
    x = x if spec is TEXTS else x.float()
    with torch.autocast("cpu", torch.bfloat16):
        logits_BK = module(x)
    torch.autograd.backward(F.cross_entropy(logits_BK, torch.arange(4)))

    torch.testing.assert_close(logits_BK.float(), module(x), rtol=0, atol=0.05)
    assert all(bool(each.grad.isfinite().all()) for each in module.parameters() if each.grad is not None)


REFUSED: list[tuple[str, DataSpec, dict[str, Any], str]] = [
    ("a001_rnn", FLOATS, {"hidden": 0}, "model 'a001_rnn': option hidden = 0: not a whole number in reach"),
    ("a002_lstm", FLOATS, {"layers": 1, "dropout": 0.5}, "option dropout = 0.5: it acts between layers and layers = 1"),
    ("a004_nlp_lstm", TEXTS, {"dropout": 1.0}, "option dropout = 1.0: not a number in reach; allowed: 0 to below 1"),
    ("p001_rnn_relu", FLOATS, {"init": "zeros"}, "option init = 'zeros': unknown; allowed: default, identity"),
    ("p004_gru", FLOATS, {"pool": "first"}, "option pool = 'first': unknown; allowed: last, mean, max"),
    ("p004_lstm", FLOATS, {"equal": "width"}, "option equal = 'width': unknown; allowed: hidden, parameters"),
    ("p004_lstm", DataSpec((1, 28, 28), 10), {}, "'p004_lstm': the data set gives images"),
    ("p000_rnn", DataSpec((9,), 5, (30, 40)), {}, "'p000_rnn': the data set gives texts .* with a target text"),
    ("p000_rnn", DataSpec((), 5), {}, r"the data set gives inputs of shape \(\), the model takes sequences .* or texts"),
]


@pytest.mark.parametrize(("name", "spec", "options", "message"), REFUSED)
def test_refuses_what_it_cannot_use(name: str, spec: DataSpec, options: dict[str, Any], message: str) -> None:
    """An option or a data set that is not allowed is a usage error that names it and what is allowed."""
    with pytest.raises(UsageError, match=message):
        build(name, spec, **options)
