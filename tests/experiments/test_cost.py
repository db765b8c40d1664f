"""The experiments behind the claims on cost, explanations, privacy and formulas, against oracles of their own."""

from __future__ import annotations

import tomllib
from itertools import permutations
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
import torch.nn.functional as F
from scipy import signal, stats
from sklearn.metrics import roc_auc_score
from torch import Tensor, nn

from harness.data import Split
from harness.experiments import Setting, compressed_explanations, explanation_checks, platforms, speedups
from harness.experiments import convolution_formulas as formulas
from harness.experiments import cost_of_width as cost
from harness.experiments import deployment_of_width as deployment
from harness.experiments import storage_of_width as storage
from harness.experiments._fit import outputs
from harness.experiments.membership import area
from harness.experiments.membership import run as infer_membership
from harness.experiments.policy_formula import by_formula, slope_of_probability
from harness.experiments.policy_formula import run as ask_policy
from harness.models import DataSpec

SUITES = Path(__file__).parents[2] / "suites"


@pytest.fixture
def setting() -> Setting:
    """One run with seed 1."""
    return Setting(1)


def parameters_of(model: nn.Module) -> int:
    """Return the number of a model's parameters."""
    return sum(parameter.numel() for parameter in model.parameters())


def weights_of(model: nn.Module) -> npt.NDArray[np.floating]:
    """Return the weights of all linear layers, one after the other, biases left out."""
    layers = [layer for layer in model.modules() if isinstance(layer, nn.Linear)]
    return np.concatenate([layer.weight.detach().numpy().ravel() for layer in layers])


def slopes_of(claim: str) -> list[dict[str, Any]]:
    """Return the slope tests of a claim as the suite's file has them."""
    written = tomllib.loads((SUITES / "_claims_cost.toml").read_text())
    return [test for entry in written["claim"] if entry["id"] == claim for test in entry["test"] if test["kind"] == "slope"]


# ---- Cost over size ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("claim", ["C58", "C60", "C67"])
def test_slopes_over_maps_stand_at_the_networks_parameters(setting: Setting, claim: str) -> None:
    """The suite's numbers are the parameters of the networks measured; at 16 maps, those of article 004's own."""
    sizes = [parameters_of(cost.network(setting, maps)) for maps in cost.WIDTHS]
    article = parameters_of(setting.model("a004_cnn", DataSpec((1, 28, 28), 10)))

    assert [802 * maps**2 + 100 * maps + 10 for maps in cost.WIDTHS] == sizes
    assert sizes[cost.WIDTHS.index(16)] == article
    assert all(test["x"] == sizes for test in slopes_of(claim))


@pytest.mark.parametrize(("claim", "widths"), [("C59", storage.WIDTHS), ("C61", deployment.WIDTHS)])
def test_slopes_over_hidden_units_stand_at_the_networks_parameters(claim: str, widths: tuple[int, ...]) -> None:
    """A perceptron of 784 inputs and ten classes has 795 parameters a hidden unit, and ten more."""
    assert slopes_of(claim)
    assert all(test["x"] == [795 * width + 10 for width in widths] for test in slopes_of(claim))


def test_memory_of_a_training_step_holds_four_copies_of_the_weights(setting: Setting) -> None:
    """Weights, gradients and Adam's two moments are alive at once, and the images beside them."""
    batch = setting.data("digits", shape=(1, 28, 28)).train.take(torch.arange(16))
    trainer = cost.Trainer(cost.network(setting, 8))

    found = trainer.peak_bytes(batch)

    least = 4 * 4 * 52_138 + 16 * 784 * 4
    assert least < found < 3 * least


def test_time_to_a_target_that_is_never_reached_is_unknown(setting: Setting) -> None:
    """Two steps do not teach ten digits; a target of two classes told by one pixel is reached."""
    digits = setting.data("digits", shape=(1, 28, 28)).train
    few = digits.take(torch.arange(100))
    trainer = cost.Trainer(cost.network(setting, 4))
    assert trainer.seconds_to_target(few, few, setting.generator("shuffle"), 2, 1) is None

    labels = torch.arange(100) % 2
    plain = Split((2.0 * labels[:, None, None, None] - 1).expand(100, 1, 28, 28).contiguous(), labels)
    seconds = cost.Trainer(cost.network(setting, 4)).seconds_to_target(plain, plain, setting.generator("shuffle"), 200, 1)
    assert seconds is not None
    assert seconds > 0


def test_storage_has_closed_forms(setting: Setting) -> None:
    """A file holds four bytes a parameter and a few thousand of its own; a training holds weights, gradients, two moments and
    a counter for each of four tensors."""
    found = storage.run(setting)
    for width in storage.WIDTHS:
        parameters = 795 * width + 10
        assert 4 * parameters < (found[f"file_bytes_{width}"] or 0) < 4 * parameters + 5000
        assert found[f"training_bytes_{width}"] == 16 * parameters + 4 * 4
    assert found["file_bytes_per_parameter_4096"] == pytest.approx(4, rel=1e-3)
    assert found == storage.run(Setting(2))


def test_an_exported_network_gives_the_same_outputs() -> None:
    """A trace can be written and read back; one that freezes a branch it never saw is still equal on what it saw."""
    assert deployment.can_export(nn.Sequential(nn.Linear(3, 2), nn.ReLU()), torch.ones(1, 3))


def test_deployment_tells_every_width(setting: Setting, monkeypatch: pytest.MonkeyPatch) -> None:
    """All times are above 0, a 99th percentile is no less than the median, and every width can be exported."""
    monkeypatch.setattr(deployment, "WIDTHS", (8, 16))
    found = deployment.run(setting)

    assert found["exported"] == 2
    assert all((value or 0) > 0 for value in found.values())
    assert all((found[f"latency_p99_seconds_{w}"] or 0) >= (found[f"latency_seconds_{w}"] or 0) for w in (8, 16))


# ---- Compression and explanations ----------------------------------------------------------------------------------------


def test_pruning_holds_the_smallest_weights_at_zero(setting: Setting) -> None:
    """Nine tenths of the weights are zero after further training, and they are those that were smallest, over all layers."""
    digits = setting.data("digits", scale="unit")
    model = setting.model("p003_mlp", setting.spec(digits), hidden=16)
    sizes = np.concatenate(
        [layer.weight.detach().abs().numpy().ravel() for layer in model.modules() if isinstance(layer, nn.Linear)]
    )
    zeros = compressed_explanations.smallest(model, 0.9)

    compressed_explanations.fine_tune(model, digits.train, zeros, 5, setting.generator("further"))

    after = weights_of(model)
    assert np.array_equal(after == 0, sizes <= np.sort(sizes)[round(0.9 * len(sizes)) - 1])
    assert (after == 0).sum() == round(0.9 * len(sizes))


def test_rounded_weights_are_whole_multiples(setting: Setting) -> None:
    """Each weight is a whole number, −127 to 127, of 127ths of its layer's largest, and the nearest one."""
    model = nn.Linear(20, 10)
    small = compressed_explanations.rounded(nn.Sequential(model))[0]
    scale = model.weight.detach().abs().max() / 127

    steps = (small.weight / scale).detach()
    assert torch.allclose(steps, steps.round(), atol=1e-4)
    assert float(steps.abs().max()) <= 127.001
    assert float((small.weight - model.weight).detach().abs().max()) <= float(scale) * 0.5001
    assert torch.equal(small.bias, model.bias)


class Doubting(nn.Module):
    """Another network's probabilities times a share; the rest goes to a class that is never the true one."""

    def __init__(self, sure: nn.Module, share: float) -> None:
        super().__init__()
        self.sure, self.share = sure, share

    def forward(self, x_NCHW: Tensor) -> Tensor:
        """Return logarithms of the probabilities."""
        told_NK = self.sure(x_NCHW).softmax(dim=1) * self.share
        return torch.cat([told_NK, torch.full((len(told_NK), 1), 1 - self.share)], dim=1).log()


def test_doubt_alone_lowers_faithfulness_and_not_its_share(setting: Setting) -> None:
    """A network that is half as sure of every image halves faithfulness and certainty; faithfulness ÷ certainty stays."""
    digits = setting.data("digits", scale="unit")
    sure = setting.model("p003_mlp", setting.spec(digits), hidden=16)
    images_NHW, labels_N = digits.test.inputs[:5, 0], digits.test.labels[:5]
    coefficients_NS = torch.rand(5, 16, generator=setting.generator("coefficients"))
    whole_N = sure(images_NHW[:, None]).softmax(dim=1)[range(5), labels_N]

    found, doubted = (
        compressed_explanations.pointed(network, images_NHW, labels_N, coefficients_NS)
        for network in (sure, Doubting(sure, 0.5))
    )

    assert whole_N.mean().item() == pytest.approx(found["certainty"], rel=1e-5)
    assert found["faithfulness"] / 2 == pytest.approx(doubted["faithfulness"], rel=1e-3)
    assert found["certainty"] / 2 == pytest.approx(doubted["certainty"], rel=1e-5)
    assert found["share"] == pytest.approx(doubted["share"], rel=1e-3)


def test_compression_tells_sizes() -> None:
    """Pruned and distilled networks have as many weights as declared; the rounded one no more than the full one."""
    found = compressed_explanations.EXPERIMENT.perform({"steps": 20, "hidden": 16, "small": 4}, seed=1)
    weights = 16 * (64 + 10)

    assert (found["weights_full"] or 0) <= weights
    assert found["weights_pruned"] == pytest.approx(0.1 * weights, abs=2)
    assert (found["weights_distilled"] or 0) <= 4 * (64 + 10)
    assert (found["weights_rounded"] or 0) <= (found["weights_full"] or 0)


def glove_game(players: int = 3) -> Tensor:
    """Return the worth of all coalitions of a game: player 0 has a left glove, the others right ones; a pair is worth 1."""
    return torch.tensor([float(coalition & 1 and coalition > 1) for coalition in range(2**players)], dtype=torch.float64)


def test_shapley_values_of_the_glove_game() -> None:
    """The one with the rare glove gets 2/3, the two others 1/6 each (Shapley 1953)."""
    assert explanation_checks.shapley(glove_game()).tolist() == pytest.approx([2 / 3, 1 / 6, 1 / 6])


def test_shapley_values_are_means_over_all_orders() -> None:
    """A random game of five players: the mean of what each adds when players join, over all 120 orders."""
    worth = torch.randn(32, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    added = np.zeros(5)
    for order in permutations(range(5)):
        coalition = 0
        for player in order:
            added[player] += float(worth[coalition | 1 << player] - worth[coalition])
            coalition |= 1 << player

    assert explanation_checks.shapley(worth).tolist() == pytest.approx((added / 120).tolist())


def test_kernel_shap_of_all_coalitions_drawn_is_near_the_shapley_values() -> None:
    """With thousands of coalitions drawn by the kernel, the least squares come near the exact values and add up exactly."""
    masks = explanation_checks.coalitions(torch.Generator().manual_seed(4))
    weights = torch.linspace(-1, 1, 16, dtype=torch.float64)
    worth = lambda rows: torch.tanh(rows @ weights) + rows[:, 0] * rows[:, 1]  # noqa: E731
    exact = explanation_checks.shapley(worth(explanation_checks.all_coalitions()))

    found = explanation_checks.kernel_shap(masks, worth(masks))

    assert float(found.sum()) == pytest.approx(float(worth(masks)[1] - worth(masks)[0]))
    assert stats.spearmanr(found, exact).statistic > 0.98


def test_coalitions_are_drawn_as_the_kernel_weighs_sizes() -> None:
    """Sizes 1 and 15 are the likeliest; the share of each is within five standard errors of the kernel's."""
    sizes = explanation_checks.coalitions(torch.Generator().manual_seed(5))[2:].sum(1).long()
    kernel = np.array([15 / (size * (16 - size)) for size in range(1, 16)])
    expected = kernel / kernel.sum()
    shares = torch.bincount(sizes, minlength=16)[1:].numpy() / len(sizes)

    assert np.all(np.abs(shares - expected) < 5 * np.sqrt(expected / len(sizes)))


def test_a_linear_model_is_explained_exactly() -> None:
    """KernelSHAP of a linear function is its weights times its inputs, block by block."""
    linear = nn.Sequential(nn.Flatten(), nn.Linear(64, 10)).double()
    image = torch.rand(8, 8, dtype=torch.float64)
    masks = explanation_checks.coalitions(torch.Generator().manual_seed(6))

    assert explanation_checks.linear_error(linear, image, 3, masks) < 1e-9


def test_a_rewired_network_is_another_one_of_the_same_function() -> None:
    """Twice as many units, other weights, the same outputs but for rounding."""
    network = explanation_checks.perceptron(12).double()
    inputs = torch.randn(50, 1, 8, 8, dtype=torch.float64)

    other = explanation_checks.rewire(network, torch.Generator().manual_seed(7))

    assert other[1].weight.shape == (24, 64)
    assert torch.allclose(other(inputs), network(inputs), atol=1e-12)
    rows = {tuple(row) for row in network[1].weight.detach().tolist()}
    assert any(tuple(row) not in rows for row in other[1].weight.detach().tolist())


def test_checks_of_explanations(monkeypatch: pytest.MonkeyPatch) -> None:
    """Explanations follow the function: the same for a rewired network, others for random weights."""
    monkeypatch.setattr(explanation_checks, "IMAGES", 1)
    found = explanation_checks.EXPERIMENT.perform({"steps": 60, "hidden": 8}, seed=1)

    assert (found["rewired_change"] or 0) < 1e-9
    assert found["rewired_units"] == 2
    assert (found["linear_error"] or 1) < 1e-9
    assert (found["kernel_agreement"] or 0) > 0.8


# ---- Speed, platforms, privacy -------------------------------------------------------------------------------------------


def test_faster_ways_train_the_same_network(setting: Setting) -> None:
    """Another layout and a fused update give the same weights after a few steps, but for rounding."""
    splits = setting.data("digits", shape=(1, 28, 28))
    batch = splits.train.take(torch.arange(8))
    trained = []
    for name in ("plain", "both"):
        model = setting.model("a004_cnn", setting.spec(splits))
        step = speedups.stepper(model, speedups.WAYS[name], batch)
        for _ in range(3):
            step()
        trained.append(outputs(model, batch.inputs))

    assert torch.allclose(trained[0], trained[1], atol=1e-3)


def test_agreement_counts_equal_answers() -> None:
    """Two of three rows have their largest entry at the same place."""
    one = torch.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0]])
    other = torch.tensor([[9.0, 0.0], [0.0, 2.0], [0.0, 1.0]])

    assert platforms.agreement(one, other) == pytest.approx(2 / 3)
    assert speedups.agreement(nn.Identity(), nn.Identity(), one) == 1


def test_an_lstm_in_8_bits_takes_a_quarter_of_the_bytes(setting: Setting) -> None:
    """A quantised copy is there and nearly agrees with the model, which keeps its own weights."""
    rows = setting.data("digit_rows")
    model = setting.model("p004_lstm", setting.spec(rows), hidden=32)
    small = speedups.quantised(model)
    if small is None:
        pytest.skip("this torch has no dynamic quantisation")

    difference = (outputs(small, rows.test.inputs[:20]) - outputs(model, rows.test.inputs[:20])).abs().max()
    assert 0 < float(difference) < 0.1


def test_platforms_agree_but_for_rounding(setting: Setting) -> None:
    """Double precision and one image at a time are as near as float32 allows; bfloat16 is a hundred times farther, and near."""
    found = platforms.run(setting, steps=30)

    assert all((found[f"difference_{name}"] or 0) < 1e-4 for name in ("threads", "single", "plain", "float64"))
    assert 1e-4 < (found["difference_bfloat16"] or 0) < 0.3
    assert (found["agreement_float64"] or 0) > 0.998
    assert (found["agreement_gpu"] is None) == (not torch.cuda.is_available())


def test_area_of_membership_inference_against_scikit_learn() -> None:
    """The area under the curve equals scikit-learn's, ties included."""
    draw = np.random.default_rng(1)
    members, others = draw.integers(0, 20, 70) / 10, draw.integers(5, 25, 90) / 10
    expected = roc_auc_score([1] * 70 + [0] * 90, -np.concatenate([members, others]))

    assert area(torch.from_numpy(members), torch.from_numpy(others)) == pytest.approx(expected)


def test_untrained_networks_give_nothing_away(setting: Setting) -> None:
    """After one step training and test images look alike to the attacker."""
    found = infer_membership(setting, steps=1, hidden=8)

    assert all(abs((value or 0) - 0.5) < 0.1 for value in found.values())


# ---- Formulas ------------------------------------------------------------------------------------------------------------


def test_formulas_of_convolution_against_scipy() -> None:
    """The repaired formula is SciPy's correlation; the one as written sums what an index table of its own picks."""
    image, weight, bias = formulas.whole(6, 6), formulas.whole(3, 3), formulas.whole(4, 1)[:, 0]
    expected = signal.correlate2d(image.numpy(), weight.numpy(), mode="valid") + 2.0
    padded = np.zeros((20, 20))
    padded[7:13, 7:13] = image.numpy()
    written = np.array(
        [[(padded[7 - i : 10 - i, 7 - j : 10 - j] * weight.numpy()).sum() + float(bias[i]) for j in range(4)] for i in range(4)]
    )

    values, outside = formulas.as_written(image, weight, bias)

    assert np.array_equal(formulas.repaired(image, weight, 2.0).numpy(), expected)
    assert np.array_equal(values.numpy(), written)
    assert outside == 108


def test_formulas_of_convolution(setting: Setting) -> None:
    """As written, each fails; repaired, each is exact; the same numbers for every seed."""
    found = formulas.run(setting)

    assert (found["value_error"] or 0) > 0
    assert found["value_error_repaired"] == found["gradient_error_repaired"] == 0
    assert (found["weight_accepted"], found["weight_accepted_repaired"]) == (0, 1)
    assert (found["gradient_defined"], found["gradient_shape_agrees"]) == (0, 0)
    assert found == formulas.run(Setting(2))


def test_the_reference_gradient_against_differences() -> None:
    """Autograd's gradient of the weights equals what the output's weighed sum changes by, half a step to both sides."""
    image, weight = formulas.whole(9, 9), formulas.whole(3, 3) + 0.25
    _, output_gradient, known = formulas.reference(image, weight)

    def total(changed: Tensor) -> float:
        return float((F.relu(F.conv2d(image[None, None], changed[None, None])[0, 0]) * output_gradient).sum())

    nudge = torch.zeros_like(weight)
    nudge[1, 2] = 2.0**-20
    assert (total(weight + nudge) - total(weight - nudge)) * 2.0**19 == pytest.approx(float(known[1, 2]))


def test_a_policy_by_formula_and_by_text(setting: Setting) -> None:
    """The formula gives one action a state, without a slope; draws follow the probabilities, and have one."""
    found = ask_policy(setting)

    assert found["actions_formula"] == 1
    assert found["actions_text"] == 2
    assert (found["frequency_error"] or 1) < 5 * np.sqrt(0.25 / 2000)
    assert found["gradient_formula"] == 0
    assert (found["gradient_text"] or 0) > 0


def test_slope_of_a_softmax_policy_has_a_closed_form() -> None:
    """d log π(a) / d bias_k is [k = a] − π_k; with one state and no weights that is largest at the action taken."""
    policy = nn.Linear(4, 2).double()
    state = torch.zeros(1, 4, dtype=torch.float64)
    chance = policy(state).softmax(1)[0].detach()
    action = int(by_formula(policy, state)[0])

    slope = slope_of_probability(policy, state, torch.tensor([[action]]))

    assert slope == pytest.approx(float(1 - chance[action]))
