"""The experiments on the size of networks, against counts by hand, second implementations, scikit-learn and SciPy."""

from __future__ import annotations

import copy
import math
import tomllib
from pathlib import Path
from statistics import median

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from scipy import stats
from sklearn.linear_model import Ridge
from sklearn.metrics import r2_score
from sklearn.metrics.pairwise import cosine_distances
from torch import Tensor, nn

from harness.data import Split, Splits
from harness.errors import UsageError
from harness.experiments import (
    Setting,
    explanations_by_width,
    listing_sizes,
    network_size,
    pretrained_digits,
    pretrained_texts,
    random_labels,
    size_and_task,
    steps_to_fit,
    width_cost,
)
from harness.experiments._distortions import rotated, shifted
from harness.experiments._few_labels import accuracy_from, few_labels
from harness.models._last_step import LastStep

FRAGMENT = Path(__file__).parents[2] / "suites" / "_claims_scale.toml"

# --- sizes of the listings ---

LISTED = [62_006, 205_706, 54_538, 315_722, 895_498, 895_599, 2_133_514, 93_322, 206_922, 54_538, 751_146, 898_304]
"""Parameters by the layers that the articles give, worked out by hand."""


def test_sizes_of_the_listings_by_hand() -> None:
    """Of twelve networks one has a million parameters; the definitions of large differ by a factor of a hundred."""
    found = listing_sizes.EXPERIMENT.perform({}, seed=1)

    assert LISTED == [listing_sizes.parameters(model) for model in listing_sizes.listed(Setting(1))]
    assert (12, 1, 54_538, median(LISTED), 2_133_514, 1e6, 1e8) == tuple(found.values())


def right(model: nn.Module, split: Split) -> float:
    """Share of a split that a network tells right."""
    return float((model(split.inputs).argmax(dim=1) == split.labels).double().mean())


# --- moved and turned images ---


def test_moved_images_by_loops() -> None:
    """Pixel by pixel: each image moves as a whole by at most two pixels, and what comes in is 0; all moves occur."""
    images_NCHW = torch.rand(200, 2, 4, 5) + 1
    moves = set()
    for image_CHW, moved_CHW in zip(images_NCHW, shifted(images_NCHW, 2, torch.Generator().manual_seed(1)), strict=True):
        fits = [(d, r) for d in range(-2, 3) for r in range(-2, 3) if torch.equal(moved_by_loops(image_CHW, d, r), moved_CHW)]
        assert 1 == len(fits)
        moves.add(fits[0])
    assert 25 == len(moves)


def moved_by_loops(image_CHW: Tensor, down: int, right: int) -> Tensor:
    """The image moved, one pixel after another."""
    moved_CHW = torch.zeros_like(image_CHW)
    _, height, width = image_CHW.shape
    for row in range(height):
        for column in range(width):
            if 0 <= row - down < height and 0 <= column - right < width:
                moved_CHW[:, row, column] = image_CHW[:, row - down, column - right]
    return moved_CHW


def test_turned_images_keep_their_centre_and_their_distances() -> None:
    """The middle pixel stays; the weight of a small blob stays as far from the centre; no angle is above the limit."""
    blob_NCHW = torch.zeros(50, 1, 21, 21)
    blob_NCHW[:, 0, 9:12, 15:18] = 1.0  # three pixels wide, six to the right of the centre
    blob_NCHW[:, 0, 10, 10] = 0.5
    turned_NHW = rotated(blob_NCHW, 60.0, torch.Generator().manual_seed(2))[:, 0]
    places = torch.arange(21.0) - 10

    torch.testing.assert_close(torch.full((50,), 0.5), turned_NHW[:, 10, 10])
    turned_NHW[:, 9:12, 9:12] = 0.0
    weight_N = turned_NHW.sum(dim=(1, 2))
    across_N = (turned_NHW * places).sum(dim=(1, 2)) / weight_N
    down_N = (turned_NHW * places[:, None]).sum(dim=(1, 2)) / weight_N
    torch.testing.assert_close(torch.full((50,), 6.0), torch.hypot(across_N, down_N), rtol=0.02, atol=0.0)
    angles_N = torch.rad2deg(torch.atan2(down_N, across_N))
    assert angles_N.abs().max() < 61
    assert angles_N.min() < -30 < 30 < angles_N.max()


# --- a network of some size ---


@pytest.mark.parametrize(
    ("options", "size"),
    [
        ({"family": "mlp", "width": 7, "layers": 2}, 257 * 7 + 8 * 7 + 8 * 10),
        ({"family": "cnn", "width": 3}, 10 * 3 + (9 * 3 + 1) * 6 + (6 * 4 + 1) * 128 + 129 * 10),
        ({"family": "lstm", "width": 4, "layers": 1}, 100 * 4 + 4 * 4 * (4 + 4 + 2) + 5 * 10),
        ({"family": "transformer", "width": 8, "layers": 1}, 100 * 8 + (9 * 24 + 9 * 8) + (9 * 16 + 17 * 8) + 4 * 8 + 9 * 10),
    ],
)
def test_size_and_gap_by_hand(options: dict[str, object], size: int) -> None:
    """Parameters follow from the layers; the gap is the accuracies' difference; only the perceptron's images are shifted."""
    found = network_size.EXPERIMENT.perform(options | {"steps": 2}, seed=2)

    assert size == found["size"]
    assert found["train_accuracy"] is not None
    assert found["test_accuracy"] is not None
    assert found["train_accuracy"] - found["test_accuracy"] == found["generalisation_gap"]
    assert (options["family"] == "mlp") == (found["shifted_accuracy"] is not None)


def test_shifted_images_are_scored_one_by_one() -> None:
    """A network of known weights, on images moved and made noisy in plain loops from the same draws."""
    setting = Setting(4)
    digits = setting.data("digits", scale="unit", test_limit=60)
    model = setting.model("p003_mlp", setting.spec(digits))
    setting.train(model, digits, steps=60, lr=1e-2)

    stream = setting.generator("shifts")
    tops, lefts = torch.randint(3, (2, 60), generator=stream).tolist()
    noise_NCHW = 0.2 * torch.randn(60, 1, 8, 8, generator=stream)
    told = [
        int(model((moved_by_loops(image, 1 - top, 1 - left) + noise)[None]).argmax())
        for image, noise, top, left in zip(digits.test.inputs, noise_NCHW, tops, lefts, strict=True)
    ]

    expected = sum(one == label for one, label in zip(told, digits.test.labels.tolist(), strict=True)) / 60
    assert expected == network_size.accuracy_when_shifted(setting, model, digits.test)


@pytest.mark.parametrize("options", [{"family": "mlpp"}, {"width": 0}, {"family": "cnn", "layers": 2}, {"steps": 0}])
def test_what_cannot_be_built_is_refused(options: dict[str, object]) -> None:
    """Options are checked before anything is loaded."""
    with pytest.raises(UsageError, match="option"):
        network_size.run(Setting(1), **options)  # type: ignore[arg-type]


def test_equal_work_is_equal() -> None:
    """Parameters times steps of the three cases of equal work agree to one per cent."""
    cases = tomllib.loads(FRAGMENT.read_text(encoding="utf-8"))["case"]
    works = [
        (267 * case["experiment"]["width"] + 10) * case["experiment"]["steps"]
        for case in cases
        if case["name"].startswith("c07-equal-work")
    ]

    assert 3 == len(works)
    assert max(works) < 1.01 * min(works)


# --- random labels ---


def test_random_labels_know_nothing_of_the_digits() -> None:
    """A test of independence finds nothing, the images are the first 600, and another seed draws other labels."""
    digits = Setting(1).data("digits", scale="unit")
    first, second = (random_labels.relabelled(Setting(seed)) for seed in (1, 2))
    table = np.zeros((10, 10))
    np.add.at(table, (digits.train.labels[:600].numpy(), first.train.labels.numpy()), 1)

    assert stats.chi2_contingency(table).pvalue > 0.001
    assert torch.equal(digits.train.inputs[:600], first.train.inputs)
    assert not torch.equal(first.train.labels, second.train.labels)


def test_labels_that_are_all_the_same_are_learned_by_the_narrowest() -> None:
    """With one label nothing has to be kept in mind: 1.0 at width 1."""
    split = Split(torch.rand(100, 1, 8, 8), torch.full((100,), 7))
    splits = Splits(split, split, tuple("0123456789"))

    assert 1.0 == random_labels.fitted(Setting(1), splits, 1, 0.1, 40)


# --- cost by width ---


def test_every_width_is_timed() -> None:
    """A round gives every outcome, above 0."""
    found = width_cost.EXPERIMENT.perform({"rounds": 1}, seed=1)

    assert all(value is not None and value > 0 for value in found.values())


# --- size and task ---


def test_tasks_are_of_the_digits_they_name() -> None:
    """Two classes: all zeros and ones, no others. Ten turned: the labels of all, images that differ from the upright ones."""
    setting = Setting(1)
    digits = setting.data("digits", scale="unit")
    two, ten, turned = (size_and_task.samples(setting, task) for task in size_and_task.TASKS)

    assert {0, 1} == set(two.train.labels.tolist())
    assert int((digits.train.labels < 2).sum()) == len(two.train)
    assert torch.equal(digits.test.inputs, ten.test.inputs)
    assert torch.equal(digits.test.labels, turned.test.labels)
    assert not torch.equal(digits.test.inputs, turned.test.inputs)


def test_gains_are_from_the_narrowest_to_the_widest() -> None:
    """A gain is the accuracy of the last width less that of the first."""
    found = size_and_task.EXPERIMENT.perform({"steps": 2}, seed=1)

    for task in size_and_task.TASKS:
        widest, narrowest = found[f"{task}_128"], found[f"{task}_4"]
        assert widest is not None
        assert narrowest is not None
        assert widest - narrowest == found[f"gain_{task}"]


# --- pre-training ---


def test_few_labels_are_balanced_and_apart_from_validation() -> None:
    """Ten labels are two of each class, none of them among the samples that choose the rate; labels count from 0."""
    setting = Setting(1)
    digits = setting.data("digits", scale="unit")
    high = Splits(pretrained_digits.of_classes(digits.train, 5), pretrained_digits.of_classes(digits.test, 5), tuple("56789"))
    few = few_labels(setting, high, 10, 150)
    assert few.validation is not None

    assert int((digits.train.labels >= 5).sum()) == len(high.train)
    assert [2] * 5 == torch.bincount(few.train.labels).tolist()
    assert 150 == len(few.validation)
    distances = torch.cdist(few.train.inputs.flatten(1), few.validation.inputs.flatten(1))
    assert distances.min() > 0


def test_the_last_layer_starts_anew() -> None:
    """What learned other digits keeps its inner layers and gets back the last layer that both arms start from."""
    fresh, learned = (pretrained_digits.network(Setting(seed)) for seed in (1, 2))
    kept = learned.conv1.weight.detach().clone()
    start = pretrained_digits.starts(learned, fresh)["pretrained"]

    assert torch.equal(fresh.fc2.weight, start.fc2.weight)
    assert torch.equal(kept, start.conv1.weight)
    assert not torch.equal(fresh.conv1.weight, start.conv1.weight)


def test_the_best_rate_on_the_validation_split_is_scored() -> None:
    """A second implementation: Adam at three rates, batches from an epoch's order, the one that validation prefers."""
    setting = Setting(3)
    digits = setting.data("digits", scale="unit")
    high = Splits(pretrained_digits.of_classes(digits.train, 5), pretrained_digits.of_classes(digits.test, 5), tuple("56789"))
    few = few_labels(setting, high, 50, 150)
    start = pretrained_digits.network(setting)
    assert few.validation is not None
    outcomes = []
    for rate in (1e-3, 3e-3, 1e-2):
        model, shuffle, taken = copy.deepcopy(start), setting.generator("shuffle"), 0
        optimizer = torch.optim.Adam(model.parameters(), lr=rate)
        while taken < 100:
            for batch in torch.randperm(50, generator=shuffle).split(16)[: 100 - taken]:
                optimizer.zero_grad()
                F.cross_entropy(model(few.train.inputs[batch]), few.train.labels[batch]).backward()
                optimizer.step()
                taken += 1
        loss = F.cross_entropy(model(few.validation.inputs), few.validation.labels).item()
        outcomes.append((right(model, few.validation), -loss, right(model, few.test)))

    found = accuracy_from(setting, start, few, (1e-3, 3e-3, 1e-2), steps=100, batch_size=16)
    assert max(outcomes)[2] == pytest.approx(found, abs=0.006)  # one of 180 images


class Chain(LastStep):
    """Tells the next symbol as the chain that it is given does: its states are one-hot vectors of the favourite successor."""

    def __init__(self, favourites_S: Tensor) -> None:
        recurrent = nn.RNN(len(favourites_S), len(favourites_S), nonlinearity="relu", batch_first=True)
        embedding = nn.Embedding(len(favourites_S), len(favourites_S))
        super().__init__(recurrent, 2, embedding)
        with torch.no_grad():
            for parameter in self.parameters():
                parameter.zero_()
            embedding.weight.copy_(F.one_hot(favourites_S, len(favourites_S)).float())
            recurrent.weight_ih_l0.copy_(torch.eye(len(favourites_S)))


def test_the_loss_of_a_next_symbol_by_hand() -> None:
    """Symbols that follow the rule k -> k + 1 of 24, told with logits 0 and 3: −ln(e³ ÷ (e³ + 23)) each; any other, 3 more."""
    symbols = nn.Linear(24, 24, bias=False)
    with torch.no_grad():
        symbols.weight.copy_(3 * torch.eye(24))
    network = Chain((torch.arange(24) + 1) % 24)
    usual = math.log(math.exp(3) + 23) - 3
    ids_BT = torch.tensor([[5, 6, 7, 8], [20, 21, 22, 4]])  # five of six successors follow the rule

    found = pretrained_texts.next_symbol_loss(network, symbols, ids_BT)

    assert pytest.approx(usual + 3 / 6, rel=1e-5) == found.item()


def test_texts_are_continued_better_after_the_first_training() -> None:
    """From near ln 20 the loss falls; the classifying layer is as it was, embedding and LSTM are not."""
    setting = Setting(1)
    texts = setting.data("markov", length=20, shortest=20, vocabulary=24)
    network, before = (setting.model("a004_nlp_lstm", setting.spec(texts), embedding=8, hidden=16, layers=1) for _ in range(2))
    assert isinstance(network, LastStep)
    assert isinstance(before, LastStep)

    losses = [pretrained_texts.learn_to_continue(setting, network, texts, steps) for steps in (1, 40)]

    assert losses[1] < math.log(20) < losses[0] < math.log(24) + 0.2
    assert torch.equal(before.fc.weight, network.fc.weight)
    start = pretrained_texts.starts(network, before)["pretrained"]
    assert not torch.equal(before.recurrent.weight_hh_l0, start.recurrent.weight_hh_l0)


# --- explanations ---


def test_surrogates_are_scikit_learn_s_ridge_regressions() -> None:
    """Coefficients and R² of three weighted regressions with an intercept agree with a library's."""
    stream = torch.Generator().manual_seed(3)
    masks_MS = explanations_by_width.draw_masks(stream)
    answers_NM = torch.rand(3, len(masks_MS), generator=stream, dtype=torch.float64) + masks_MS[:, 4]
    weights_M = explanations_by_width.closeness(masks_MS)
    coefficients_NS, fits_N = explanations_by_width.fit_surrogates(masks_MS, answers_NM, weights_M)

    for answers_M, coefficients_S, fit in zip(answers_NM.numpy(), coefficients_NS.numpy(), fits_N.tolist(), strict=True):
        ridge = Ridge(alpha=1.0).fit(masks_MS.numpy(), answers_M, sample_weight=weights_M.numpy())
        np.testing.assert_allclose(ridge.coef_, coefficients_S, rtol=1e-8, atol=1e-10)
        expected = r2_score(answers_M, ridge.predict(masks_MS.numpy()), sample_weight=weights_M.numpy())
        assert expected == pytest.approx(fit, rel=1e-8)


def test_closeness_is_lime_s_kernel() -> None:
    """By scikit-learn's cosine distance from the whole image; an empty copy is a distance of 1 away."""
    masks_MS = explanations_by_width.draw_masks(torch.Generator().manual_seed(4))
    distances = cosine_distances(masks_MS.numpy(), np.ones((1, 16)))[:, 0]

    np.testing.assert_allclose(
        np.sqrt(np.exp(-(distances**2) / 0.25**2)), explanations_by_width.closeness(masks_MS), rtol=1e-9, atol=1e-12
    )
    assert math.exp(-8) == pytest.approx(explanations_by_width.closeness(torch.zeros(1, 16)).item())


def test_agreement_is_spearman_s_correlation() -> None:
    """As SciPy has it, row by row."""
    one, other = torch.randn(2, 5, 16, dtype=torch.float64, generator=torch.Generator().manual_seed(5))
    expected = [stats.spearmanr(a, b).statistic for a, b in zip(one.numpy(), other.numpy(), strict=True)]

    np.testing.assert_allclose(expected, explanations_by_width.spearman(one, other), rtol=1e-12)


class BlockReader(nn.Module):
    """Class 1's logit is a weighted sum of how bright the blocks are, class 0's is 0."""

    def __init__(self, weights_S: Tensor) -> None:
        super().__init__()
        self.pixels = nn.Parameter(weights_S.view(4, 4).repeat_interleave(2, 0).repeat_interleave(2, 1) / 4)

    def forward(self, x_BCHW: Tensor) -> Tensor:
        logit_B = (x_BCHW[:, 0] * self.pixels).sum(dim=(1, 2))
        return torch.stack([torch.zeros_like(logit_B), logit_B], dim=1)


def test_a_network_that_adds_up_blocks_is_explained() -> None:
    """Its small logit is nearly a linear function of the blocks: R² near 1, coefficients in the order of its weights."""
    weights_S = 0.2 * torch.randn(16, generator=torch.Generator().manual_seed(6))
    masks_MS = explanations_by_width.draw_masks(torch.Generator().manual_seed(7))
    images_NHW, labels_N = torch.ones(1, 8, 8), torch.tensor([1])

    coefficients_NS, fits_N = explanations_by_width.explain(BlockReader(weights_S), images_NHW, labels_N, masks_MS)

    assert fits_N.item() > 0.95
    assert stats.spearmanr(weights_S, coefficients_NS[0]).statistic > 0.95


def test_insertion_and_deletion_by_loops() -> None:
    """Blocks put in and taken out one after another, in plain loops over a network whose answers are known."""
    weights_S = torch.randn(16, generator=torch.Generator().manual_seed(8))
    coefficients_S = torch.randn(16, generator=torch.Generator().manual_seed(9))
    order = sorted(range(16), key=lambda block: -coefficients_S[block].item())
    inserted = [sum(weights_S[block].item() for block in order[:count]) for count in range(17)]
    deleted = [sum(weights_S[block].item() for block in order[count:]) for count in range(17)]

    for logits, insert in ((inserted, True), (deleted, False)):
        expected = sum(1 / (1 + math.exp(-logit)) for logit in logits) / 17
        found = explanations_by_width.in_order(
            BlockReader(weights_S), torch.ones(1, 8, 8), torch.tensor([1]), coefficients_S[None], insert=insert
        )
        assert expected == pytest.approx(found, rel=1e-5)


def test_an_answer_that_never_moves_has_no_fit() -> None:
    """With weights of 0 the probability is one half of all copies: no R², and none is made up."""
    masks_MS = explanations_by_width.draw_masks(torch.Generator().manual_seed(1))
    _, fits_N = explanations_by_width.explain(BlockReader(torch.zeros(16)), torch.ones(1, 8, 8), torch.tensor([1]), masks_MS)

    assert explanations_by_width.mean_of(fits_N) is None


def test_twins_differ_in_their_first_weights() -> None:
    """Two networks of one width and one seed: same shapes, other weights, alike in their spread; the first is the seed's."""
    setting = Setting(3)
    digits = setting.data("digits")
    first, second = explanations_by_width.twins(setting, digits, 64)

    for one, other, usual in zip(
        first.parameters(),
        second.parameters(),
        setting.model("p003_mlp", setting.spec(digits), hidden=64).parameters(),
        strict=True,
    ):
        assert torch.equal(usual, one)
        assert not torch.equal(one, other)
        assert (one.abs().max() - other.abs().max()).abs() < 0.1 * one.abs().max() + 0.02


def test_explanations_give_every_outcome() -> None:
    """A short training of narrow networks: shares and correlations in their ranges, faithfulness the difference."""
    found = explanations_by_width.EXPERIMENT.perform({"width": 8, "steps": 60}, seed=1)

    assert all(value is not None and -1 <= value <= 1 for value in found.values())
    assert found["insertion"] is not None
    assert found["deletion"] is not None
    assert found["insertion"] - found["deletion"] == found["faithfulness"]


# --- steps to fit ---


def test_steps_are_counted_by_a_second_loop() -> None:
    """Gradient descent by its formula, looked at every second step, reaches two thirds of the training split alike."""
    setting, rate = Setting(2), 0.1
    digits = setting.data("digits")
    model = setting.model("p003_mlp", setting.spec(digits), hidden=16)
    shuffle, step, reached = setting.generator("shuffle"), 0, 0
    while not reached:
        for batch in torch.randperm(len(digits.train), generator=shuffle).split(64):
            loss = F.cross_entropy(model(digits.train.inputs[batch]), digits.train.labels[batch])
            gradients = torch.autograd.grad(loss, list(model.parameters()))
            with torch.no_grad():
                for parameter, gradient in zip(model.parameters(), gradients, strict=True):
                    parameter -= rate * gradient
            step += 1
            if step % 2 == 0 and right(model, digits.train) >= 0.66:
                reached = step
                break

    assert reached == steps_to_fit.steps_at(setting, "sgd", rate, 16, 0.66, most=1000)
    assert steps_to_fit.steps_at(setting, "sgd", rate, 16, 0.66, most=reached - 1) is None


def test_the_fewest_steps_are_of_the_best_rate() -> None:
    """Giving up early changes nothing: the minimum over rates that each run to the end."""
    setting = Setting(1)
    each = [steps_to_fit.steps_at(setting, "adam", rate, 16, 0.6, most=500) for rate in steps_to_fit.RATES["adam"]]

    assert min(steps for steps in each if steps is not None) == steps_to_fit.fewest_steps(setting, "adam", 16, 0.6)


def test_slope_is_that_of_a_regression() -> None:
    """Against SciPy's line through logarithms; steps that halve with each doubling have a slope of −1; a lack gives none."""
    steps: dict[int, int | None] = {16: 120, 64: 60, 256: 44, 1024: 20}
    line = stats.linregress(np.log(list(steps)), np.log([count or 0 for count in steps.values()]))

    assert line.slope == pytest.approx(steps_to_fit.slope(steps))
    assert -1.0 == pytest.approx(steps_to_fit.slope({1: 80, 2: 40, 4: 20}))
    assert steps_to_fit.slope({1: 80, 2: None}) is None
