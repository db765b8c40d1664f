"""Experiments on convolution, pooling and activation: networks against closed forms and against the catalogue's own."""

from __future__ import annotations

import itertools
from typing import Any, get_args

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from scipy.optimize import linprog
from sklearn.linear_model import LogisticRegression
from torch import Tensor, nn

from harness.catalog import Catalog
from harness.errors import UsageError
from harness.experiments import Experiment, Setting
from harness.experiments._digit_nets import ARTICLE_001, Article001Net, Downsampling, TwoStages, lenet_or_small
from harness.experiments.convolution_or_mlp import MARGIN, load, networks, scattered
from harness.experiments.pooling_costs import count_parameters
from harness.experiments.speech_convolution import perceptron
from harness.experiments.without_activation import affine_error, rings, stages, xor_best_line
from harness.models import DataSpec

WAYS: tuple[Downsampling, ...] = get_args(Downsampling)


def experiment_of(name: str) -> Experiment:
    """The experiment of that name."""
    experiment: Experiment = Catalog().load("experiments", name)
    return experiment


def performed(name: str, **options: Any) -> dict[str, float | None]:
    """The outcomes at seed 1."""
    return experiment_of(name).perform(options, seed=1)


# ---- What pooling saves -------------------------------------------------------------------------------------------------


def parameters_by_hand(features: int) -> int:
    """Parameters of the two convolutions and three linear layers, the first of which takes so many values."""
    return (25 + 1) * 6 + (6 * 25 + 1) * 16 + (features + 1) * 120 + (120 + 1) * 84 + (84 + 1) * 10


def flops_by_hand(second_side: int, features: int) -> int:
    """Operations of a forward pass whose second convolution gives maps of that side: 2 for each multiply-add."""
    convolutions = 24 * 24 * 6 * 25 + second_side**2 * 16 * 6 * 25
    return 2 * (convolutions + features * 120 + 120 * 84 + 84 * 10)


def test_counts_follow_from_the_layers() -> None:
    """781,706, 205,706 and 44,426 parameters; 3,650,640, 2,498,640 and 563,280 operations; averaged 2,742 always."""
    found = performed("pooling_costs")
    features = {"none": 16 * 20 * 20, "one": 16 * 10 * 10, "two": 16 * 4 * 4}
    sides = {"none": 20, "one": 20, "two": 8}

    for poolings in ARTICLE_001:
        averaged = 2 * (24 * 24 * 6 * 25 + sides[poolings] ** 2 * 16 * 6 * 25 + 16 * 10)
        assert parameters_by_hand(features[poolings]) == found[f"parameters_{poolings}"]
        assert flops_by_hand(sides[poolings], features[poolings]) == found[f"flops_{poolings}"]
        assert 26 * 6 + 151 * 16 + 17 * 10 == found[f"average_parameters_{poolings}"] == 2_742
        assert averaged == found[f"average_flops_{poolings}"]
    assert [781_706, 205_706, 44_426] == [found[f"parameters_{poolings}"] for poolings in ARTICLE_001]
    assert [3_650_640, 2_498_640, 563_280] == [found[f"flops_{poolings}"] for poolings in ARTICLE_001]
    assert [2_093_120, 480_320] == [found["average_flops_none"], found["average_flops_two"]]
    assert (6 * 24 * 24, 6 * 12 * 12) == (found["values_before"], found["values_after"])


def test_counts_are_the_same_for_every_seed() -> None:
    """They are declared exact, and no seed moves them."""
    experiment = experiment_of("pooling_costs")

    assert "exact" == experiment.metric_class
    assert experiment.perform({}, seed=1) == experiment.perform({}, seed=2)


@pytest.mark.parametrize(("poolings", "model"), [("one", "a001_cnn_onepool"), ("two", "a000_lenet_gray28")])
def test_the_networks_are_the_catalogues(poolings: str, model: str) -> None:
    """With the weights of article 001's and 000's networks the same logits come out."""
    own, catalogues = Article001Net(*ARTICLE_001[poolings]).double(), Catalog().load("models", model)
    other = catalogues.build(DataSpec((1, 28, 28), 10)).double()
    own.load_state_dict(dict(zip(own.state_dict(), other.state_dict().values(), strict=True)))
    x_BCHW = torch.randn(3, 1, 28, 28, dtype=torch.float64)

    torch.testing.assert_close(other(x_BCHW), own(x_BCHW), rtol=1e-10, atol=1e-12)


def test_times_are_of_the_declared_networks() -> None:
    """Each outcome is a CPU time above 0, and fewer than five measurements are refused."""
    found = performed("pooling_time", repeats=5)

    assert all(value is not None and value > 0 for value in found.values())
    with pytest.raises(UsageError, match="option repeats = 4"):
        performed("pooling_time", repeats=4)


# ---- Ways of halving a picture --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("side", [8, 16, 28])
def test_ways_of_halving_differ_in_nothing_else(side: int) -> None:
    """As many maps and as many values before the linear layers; pooling and stride have as many parameters, windows more."""
    counts = {}
    for way in WAYS:
        network = TwoStages(side, way)
        flat = next(place for place, layer in enumerate(network.layers) if isinstance(layer, nn.Flatten))
        maps = network.layers[:flat](torch.zeros(2, 1, side, side))
        assert (2, 32, side // 4, side // 4) == tuple(maps.shape)
        assert (2, 10) == tuple(network(torch.zeros(2, 1, side, side)).shape)
        counts[way] = count_parameters(network)
    linear = (32 * (side // 4) ** 2 + 1) * 64 + 65 * 10

    assert (9 + 1) * 16 + (16 * 9 + 1) * 32 + linear == counts["max"] == counts["average"] == counts["stride"]
    first, second = side // 2 + 1, side // 4 + 1
    assert (first**2 + 1) * 16 + (16 * second**2 + 1) * 32 + linear == counts["window"]


def halved(x_BCHW: Tensor, weight: Tensor, bias: Tensor, way: str) -> Tensor:
    """A stage by functions; a stride of 2 takes every second place of the convolution without one."""
    if way == "window":
        return F.conv2d(x_BCHW, weight, bias).clamp(min=0)
    y_BCHW = F.conv2d(x_BCHW, weight, bias, padding=1).clamp(min=0)
    if way == "stride":
        return y_BCHW[:, :, ::2, ::2]
    blocks = y_BCHW.unflatten(3, (-1, 2)).unflatten(2, (-1, 2))
    return blocks.amax(dim=(3, 5)) if way == "max" else blocks.mean(dim=(3, 5))


@pytest.mark.parametrize("way", WAYS)
def test_stages_equal_functions(way: Downsampling) -> None:
    """Convolutions, poolings by reshaping, strides by slicing and matrix products give the network's logits."""
    network = TwoStages(16, way).double()
    x_BCHW = torch.randn(3, 1, 16, 16, dtype=torch.float64)
    weights = [parameter.detach() for parameter in network.parameters()]

    y_BCHW = halved(halved(x_BCHW, *weights[0:2], way), *weights[2:4], way)
    expected_BK = (y_BCHW.flatten(1) @ weights[4].T + weights[5]).clamp(min=0) @ weights[6].T + weights[7]

    torch.testing.assert_close(expected_BK, network(x_BCHW).detach(), rtol=1e-10, atol=1e-12)


def test_every_way_is_scored_clean_and_moved() -> None:
    """One epoch gives an accuracy for each way, and each of the two shifts; those on 2,880 moved digits are shares of them."""
    found = performed("downsampling", epochs=1)

    assert {f"{way}{ending}" for way in WAYS for ending in ("", "_moved_1", "_moved_2")} == set(found)
    for name, value in found.items():
        samples = 2880 if "moved" in name else 360
        assert value is not None
        assert abs(value * samples - round(value * samples)) < 1e-6


def test_the_network_fits_the_pictures() -> None:
    """28x28 pixels get the LeNet of the articles, 8x8 the two stages, with the weights of the seed's own stream."""
    setting = Setting(3)
    small, again = (lenet_or_small(setting, setting.data("digits")) for _ in range(2))
    large = lenet_or_small(setting, setting.data("digits", shape=(1, 28, 28)))

    assert isinstance(small, TwoStages)
    assert 44_426 == count_parameters(large)
    assert all(torch.equal(first, second) for first, second in zip(small.parameters(), again.parameters(), strict=True))


# ---- Convolution against a perceptron -------------------------------------------------------------------------------------


def test_networks_are_equal_in_parameters() -> None:
    """LeNet and perceptron differ by 0.2 %; the frozen LeNet holds as many but learns only its linear layers."""
    setting = Setting(1)
    built = {name: build() for name, build in networks(setting, load(setting, "digits")).items()}
    held = {name: sum(parameter.numel() for parameter in network.parameters()) for name, network in built.items()}

    assert {"cnn": 44_426, "mlp": 44_530, "random": 44_426} == held
    assert 0.0024 > held["mlp"] / held["cnn"] - 1 > 0
    assert 257 * 120 + 121 * 84 + 85 * 10 == count_parameters(built["random"])


def test_random_filters_stay_as_they_were() -> None:
    """After training, the filters are the LeNet's first ones, bit for bit, and the linear layers are not."""
    setting = Setting(1)
    splits = load(setting, "digits")
    build = networks(setting, splits)
    first, network = build["cnn"](), build["random"]()
    setting.train(network, splits, steps=2)

    same = {name: torch.equal(before, network.get_parameter(name)) for name, before in first.named_parameters()}
    assert {"conv1.weight", "conv1.bias", "conv2.weight", "conv2.bias"} == {name for name, equal in same.items() if equal}


def test_moved_digits_lose_nothing_and_test_digits_stay() -> None:
    """Every digit keeps its ink wherever it lies; test digits lie where they do for every seed, training digits do not."""
    setting = Setting(1)
    centred = load(setting, "digits")
    first, other = (scattered(centred, Setting(seed).generator("places")) for seed in (1, 2))

    assert (1437, 1, 28, 28) == tuple(first.train.inputs.shape)
    assert 0 == centred.train.inputs[:, :, :MARGIN].sum() == centred.train.inputs[..., -MARGIN:].sum()
    torch.testing.assert_close(centred.train.inputs.sum(dim=(1, 2, 3)), first.train.inputs.sum(dim=(1, 2, 3)))
    assert torch.equal(first.test.inputs, other.test.inputs)
    assert not torch.equal(first.train.inputs, other.train.inputs)
    corners = [(image[0].any(1).nonzero().min().item(), image[0].any(0).nonzero().min().item()) for image in first.test.inputs]
    assert 9 <= len({row for row, _ in corners})


def test_speech_networks_are_equal_in_parameters() -> None:
    """The perceptron has 141,795 parameters, within 1.6 % of the convolutional network's 143,968; 36 units would exceed it."""
    spec = DataSpec((101, 40), 10)
    network = Catalog().load("models", "p001_cnn_speech").build(spec)

    assert 4041 * 35 + 36 * 10 == count_parameters(perceptron(spec)) == 141_795
    assert 143_968 == count_parameters(network) < 4041 * 36 + 37 * 10


# ---- Activation -----------------------------------------------------------------------------------------------------------


class Squares(nn.Module):
    """x², for which f(a + b − c) − f(a) − f(b) + f(c) = 2(a − c)(b − c)."""

    def forward(self, x: Tensor) -> Tensor:
        """Return the squares."""
        return x.square()


def test_distance_from_an_affine_map_in_closed_form() -> None:
    """For x² the largest difference is that of 2(a − c)(b − c), relative to the largest of a² + b² − c²."""
    inputs = torch.randn(30, 5, dtype=torch.float64)
    a, b, c = inputs[:10], inputs[10:20], inputs[20:]
    expected = (2 * (a - c) * (b - c)).abs().max() / (a**2 + b**2 - c**2).abs().max()

    assert float(expected) == pytest.approx(affine_error(Squares(), inputs), rel=1e-9)


def test_without_activation_the_network_is_one_matrix() -> None:
    """Its logits are those of the matrix and the shift read off from 64 unit pictures; with ReLU they are not."""
    pictures = torch.rand(90, 1, 8, 8, dtype=torch.float64)
    units = torch.eye(64, dtype=torch.float64).view(64, 1, 8, 8)
    close = {}
    for activation in (False, True):
        network = stages(activation).double().eval()
        shift = network(torch.zeros(1, 1, 8, 8, dtype=torch.float64)).detach()
        matrix = network(units).detach() - shift
        close[activation] = torch.allclose(pictures.flatten(1) @ matrix + shift, network(pictures).detach(), atol=1e-9)
        assert close[activation] == (affine_error(network, pictures) < 1e-12)

    assert {False: True, True: False} == close


def separable(labels: tuple[bool, ...]) -> bool:
    """Whether a line parts the four corners of a square as labelled: a linear program with a margin of 1."""
    points = np.array(list(itertools.product((0, 1), repeat=2)))
    signs = np.where(labels, 1, -1)[:, None]
    rows = -signs * np.hstack([points, np.ones((4, 1))])
    return bool(linprog(np.zeros(3), A_ub=rows, b_ub=-np.ones(4), bounds=[(None, None)] * 3).success)


def test_no_line_gets_more_of_xor_than_three_points() -> None:
    """Of all 14 ways in which a line parts the square, found by linear programs, the best agrees with XOR at three corners."""
    xor = (False, True, True, False)
    ways = [labels for labels in itertools.product((False, True), repeat=4) if separable(labels)]
    shares = [sum(found == wanted for found, wanted in zip(way, xor, strict=True)) / 4 for way in ways]

    assert 14 == len(ways)
    assert max(shares) == xor_best_line() == 0.75


def test_rings_lie_where_they_should() -> None:
    """Points of the two classes lie around radius 1 and 2, at all angles, as many of one as of the other."""
    split = rings(Setting(1).generator("points")).train
    radii = split.inputs.norm(dim=1)

    assert 200 == int(split.labels.sum())
    for label, radius in ((0, 1.0), (1, 2.0)):
        found = radii[split.labels == label]
        assert abs(float(found.mean()) - radius) < 0.05
        assert abs(float(found.std()) - 0.15) < 0.03
    assert float(split.inputs.mean(dim=0).norm()) < 0.25


def test_without_activation_it_does_as_well_as_logistic_regression() -> None:
    """On the rings networks without ReLU stay where scikit-learn's linear classifier is, near chance; with ReLU nearly all
    points are told apart."""
    found = performed("without_activation", steps=150)
    points = rings(Setting(1).generator("points"))
    linear = LogisticRegression().fit(points.train.inputs.numpy(), points.train.labels.numpy())
    expected = linear.score(points.test.inputs.numpy(), points.test.labels.numpy())

    assert found["rings_relu"] is not None
    assert found["rings_linear"] is not None
    assert found["rings_relu"] > 0.97
    assert abs(found["rings_linear"] - expected) < 0.12
    assert found["affine_error_linear"] is not None
    assert found["affine_error_linear"] < 1e-12
    assert found["xor_best_line"] == 0.75
