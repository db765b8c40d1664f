"""The speech models: parameters and operations by hand, and a second implementation in loops."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from harness.catalog import Catalog
from harness.errors import UsageError
from harness.models import DataSpec, Model

SPEC = DataSpec((101, 40), 10)

FIRST = 32 * (20 * 5) + 32
"""Parameters of the first convolution: 32 windows of 20 by 5, a bias each."""


def gru(features: int, hidden: int) -> int:
    """Parameters of one two-way GRU layer: three gates, weights of input and state, two biases, twice."""
    return 2 * (3 * hidden * features + 3 * hidden * hidden + 2 * 3 * hidden)


PARAMETERS = {
    # 101 windows leave (101 - 20) / 8 + 1 = 11 steps, 40 bands (40 - 5) / 2 + 1 = 18 places
    "p000_crnn_speech": FIRST + gru(32 * 18, 32) + gru(64, 32) + 65 * 64 + 65 * 10,
    "p000_rnn_speech": gru(40, 72) + gru(144, 72) + 145 * 10,
    # 11 x 18 less a border of one is 9 x 16, pooled 4 x 8
    "p001_cnn_speech": FIRST + 48 * 32 * 9 + 48 + (48 * 4 * 8 + 1) * 82 + 83 * 10,
}

every_model = pytest.mark.parametrize("name", PARAMETERS)


def load(name: str, spec: DataSpec = SPEC, **options: int) -> nn.Module:
    """A model with fresh weights."""
    model: Model = Catalog().load("models", name)
    module: nn.Module = model.build(spec, **options)
    return module


@every_model
def test_parameters_follow_from_the_layers(name: str) -> None:
    """Counted by hand, declared and held by the module: one number."""
    assert PARAMETERS[name] == sum(parameter.numel() for parameter in load(name).parameters())
    assert PARAMETERS[name] == Catalog().part("models", name).fields["parameters"]


def test_the_crnn_has_the_published_number_and_the_others_as_many() -> None:
    """143,978 by the specification; the recurrent and the convolutional network are within 5 % of it."""
    counts = {name: sum(parameter.numel() for parameter in load(name).parameters()) for name in PARAMETERS}

    assert 143_978 == counts["p000_crnn_speech"]
    assert all(abs(count / 143_978 - 1) <= 0.05 for count in counts.values())


@pytest.fixture
def _plain_kernels() -> Iterator[None]:
    """Leave oneDNN out: the counter does not see all of its kernels."""
    (enabled, *_) = torch.backends.mkldnn.set_flags(False)
    yield
    torch.backends.mkldnn.set_flags(enabled)


@pytest.mark.usefixtures("_plain_kernels")
def test_the_crnn_counts_the_published_operations() -> None:
    """torch's counter gives the specification's two numbers for one sample, forward and training."""
    module = load("p000_crnn_speech")
    with FlopCounterMode(display=False) as forward_counter:
        logits_BK = module(torch.randn(1, 101, 40))
    with FlopCounterMode(display=False) as backward_counter:
        torch.autograd.backward(F.cross_entropy(logits_BK, torch.tensor([3])))

    assert 4_250_368 == forward_counter.get_total_flops()
    assert 11_459_328 == forward_counter.get_total_flops() + backward_counter.get_total_flops()


def convolve(x_CHW: Tensor, conv: nn.Conv2d) -> Tensor:
    """One convolution of one sample as a sum over its window."""
    height, width = conv.weight.shape[2:]
    windows = x_CHW.unfold(1, height, int(conv.stride[0])).unfold(2, width, int(conv.stride[1]))  # C x S x G x h x w
    assert conv.bias is not None
    return torch.einsum("csghw,ochw->osg", windows, conv.weight) + conv.bias[:, None, None]


def one_way(x_SF: Tensor, weights: list[Tensor]) -> Tensor:
    """Return the states of one way of a GRU layer, [S, H], by its equations."""
    w_ih, w_hh, b_ih, b_hh = weights
    h_H = torch.zeros(w_hh.shape[1], dtype=x_SF.dtype)
    states = []
    for x_F in x_SF:
        from_input, from_state = (w_ih @ x_F + b_ih).chunk(3), (w_hh @ h_H + b_hh).chunk(3)
        reset = torch.sigmoid(from_input[0] + from_state[0])
        update = torch.sigmoid(from_input[1] + from_state[1])
        candidate = torch.tanh(from_input[2] + reset * from_state[2])
        h_H = (1 - update) * candidate + update * h_H
        states.append(h_H)
    return torch.stack(states)


def two_ways(x_SF: Tensor, module: nn.GRU) -> Tensor:
    """Return the last state of each way of the top layer, [2·H]: the way back ends at the first step."""
    weights = [weight.detach() for weight in module.parameters()]
    for layer in range(module.num_layers):
        there, back = weights[8 * layer : 8 * layer + 4], weights[8 * layer + 4 : 8 * layer + 8]
        there_SH, back_SH = one_way(x_SF, there), one_way(x_SF.flip(0), back).flip(0)
        x_SF = torch.cat([there_SH, back_SH], dim=1)
    return torch.cat([there_SH[-1], back_SH[0]])


def second_crnn(module: nn.Module, x_TF: Tensor) -> Tensor:
    """The CRNN of one sample by hand."""
    conv, recurrent, fc1, fc2 = module.children()
    assert isinstance(conv, nn.Conv2d)
    x_CSG = convolve(x_TF[None], conv).clamp(min=0)
    x_SF = torch.stack([x_CSG[:, step].flatten() for step in range(x_CSG.shape[1])])
    gru_ = next(recurrent.children())
    assert isinstance(gru_, nn.GRU)
    logits: Tensor = fc2(fc1(two_ways(x_SF, gru_)).clamp(min=0))
    return logits


def second_rnn(module: nn.Module, x_TF: Tensor) -> Tensor:
    """The recurrent network of one sample by hand."""
    recurrent, fc = module.children()
    gru_ = next(recurrent.children())
    assert isinstance(gru_, nn.GRU)
    logits: Tensor = fc(two_ways(x_TF, gru_))
    return logits


def second_cnn(module: nn.Module, x_TF: Tensor) -> Tensor:
    """The convolutional network of one sample by hand."""
    conv1, conv2, fc1, fc2 = module.children()
    assert isinstance(conv1, nn.Conv2d)
    assert isinstance(conv2, nn.Conv2d)
    x_CSG = convolve(convolve(x_TF[None], conv1).clamp(min=0), conv2).clamp(min=0)
    pooled = x_CSG.unfold(1, 2, 2).unfold(2, 2, 2).amax(dim=(3, 4))
    logits: Tensor = fc2(fc1(pooled.flatten()).clamp(min=0))
    return logits


SECOND = {"p000_crnn_speech": second_crnn, "p000_rnn_speech": second_rnn, "p001_cnn_speech": second_cnn}


@every_model
@pytest.mark.parametrize("shape", [(101, 40), (52, 21)])
def test_equals_a_second_implementation(name: str, shape: tuple[int, int]) -> None:
    """Sums over windows and the gates' equations, from the same weights, give the same logits at any size."""
    module = load(name, DataSpec(shape, 7)).double()
    x_BTF = torch.randn(3, *shape, dtype=torch.float64)

    with torch.no_grad():
        expected_BK = torch.stack([SECOND[name](module, x_TF) for x_TF in x_BTF])
        torch.testing.assert_close(expected_BK, module(x_BTF), rtol=1e-10, atol=1e-12)


def test_read_at_the_last_step_in_time_the_way_back_never_learns_to_recur() -> None:
    """There the way back has seen one step only; read where it ends, every weight has a gradient."""
    module = nn.GRU(4, 3, batch_first=True, bidirectional=True)
    (gradient,) = torch.autograd.grad(
        module(torch.randn(2, 9, 4))[0][:, -1].square().sum(), [module.get_parameter("weight_hh_l0_reverse")]
    )
    assert not gradient.any()

    ours = load("p000_rnn_speech", hidden=5)
    torch.autograd.backward(ours(torch.randn(2, 101, 40)).square().sum())
    assert all(bool(parameter.grad is not None and parameter.grad.any()) for parameter in ours.parameters())


@every_model
def test_images_are_refused(name: str) -> None:
    """A data set of another form is a usage error that names the model and both forms."""
    with pytest.raises(UsageError) as caught:
        load(name, DataSpec((1, 28, 28), 10))

    assert f"model '{name}': the data set gives images (channels, height, width)" in str(caught.value)
    assert "the model takes sequences (steps, features) of numbers only" in str(caught.value)


@pytest.mark.parametrize(("name", "least"), [("p000_crnn_speech", (20, 5)), ("p001_cnn_speech", (44, 11))], ids=["crnn", "cnn"])
def test_the_shortest_recording_is_as_documented(name: str, least: tuple[int, int]) -> None:
    """The smallest size works; one step or one feature less is a usage error that names both sizes."""
    steps, features = least
    assert (2, 10) == tuple(load(name, DataSpec(least, 10))(torch.randn(2, *least)).shape)

    for shape in ((steps - 1, features), (steps, features - 1)):
        wanted = f"sequences of {shape[0]} steps of {shape[1]} features, the model needs at least {steps} steps of {features};"
        with pytest.raises(UsageError, match=wanted):
            load(name, DataSpec(shape, 10))


def test_widths_are_options() -> None:
    """A suite may make each network smaller; a width of nothing is a usage error."""
    assert (1, 10) == tuple(load("p000_crnn_speech", hidden=8, width=16)(torch.randn(1, 101, 40)).shape)
    assert (1, 10) == tuple(load("p001_cnn_speech", maps=4, width=8)(torch.randn(1, 101, 40)).shape)
    with pytest.raises(UsageError, match="model 'p000_rnn_speech': option layers = 0"):
        load("p000_rnn_speech", layers=0)
