"""The experiments behind the claims on training, against closed forms, hand-computed values and second implementations."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from harness.data import Split
from harness.experiments import Setting, optimiser_grid, seed_spread
from harness.experiments._cpu_time import cpu_seconds
from harness.experiments._fit import accuracy, fit, outputs
from harness.experiments.gan_two_sample import generated, learn, two_sample
from harness.experiments.inference_passes import forward, forward_and_backward, peak
from harness.experiments.inference_passes import run as pass_over
from harness.experiments.loss_falls import MODELS
from harness.experiments.loss_falls import run as train_all
from harness.experiments.loss_functions import run as compare_losses
from harness.experiments.loss_functions import squared_error
from harness.experiments.optimiser_state import run as measure_state
from harness.experiments.policy_trials import episodes_until, without_opinion
from harness.experiments.policy_trials import run as try_policies
from harness.experiments.recommendation_lists import Popularity
from harness.experiments.recommendation_lists import run as recommend
from harness.experiments.seeded_loop import run as run_loops
from harness.experiments.seeded_loop import same
from harness.experiments.selection_optimism import run as choose
from harness.experiments.selection_optimism import summary
from harness.experiments.update_direction import quadratic_change
from harness.experiments.update_direction import run as step_both_ways
from harness.experiments.update_time import run as time_updates
from harness.probes.flops import count_flops
from harness.tasks.adversarial import start


@pytest.fixture
def setting() -> Setting:
    """One run with seed 1."""
    return Setting(1)


def shapes_of(model: nn.Module) -> int:
    """Return the number of a model's trainable parameters."""
    return sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)


# ---- The loop by hand, and the clock -------------------------------------------------------------------------------------


def test_fit_gives_the_same_weights_as_the_harness_loop(setting: Setting) -> None:
    """The loop by hand takes the same batches as the harness's own, and ends at the same bits, mid-epoch too."""
    digits = setting.data("digits")
    mine, theirs = (setting.model("p003_mlp", setting.spec(digits), hidden=8) for _ in range(2))

    fit(mine, digits.train, torch.optim.Adam(mine.parameters(), 1e-3), steps=30, order=setting.generator("shuffle"))
    setting.train(theirs, digits, steps=30)

    assert all(torch.equal(a, b) for a, b in zip(mine.parameters(), theirs.parameters(), strict=True))


def test_fit_looks_and_ends_when_told(setting: Setting) -> None:
    """Looks come every so many steps, and one that returns True is the last."""
    digits = setting.data("digits")
    model = setting.model("p003_mlp", setting.spec(digits), hidden=4)
    seen: list[int] = []

    def look(step: int) -> bool:
        seen.append(step)
        return step == 9

    optimizer, order = torch.optim.SGD(model.parameters(), 0.1), setting.generator("shuffle")
    assert fit(model, digits.train, optimizer, steps=100, order=order, every=3, look=look)

    assert seen == [3, 6, 9]


def test_fit_stops_at_a_loss_that_is_not_finite(setting: Setting) -> None:
    """A rate without measure ends the training, which says so."""
    digits = setting.data("digits")
    model = setting.model("p003_mlp", setting.spec(digits), hidden=4)

    finite = fit(model, digits.train, torch.optim.SGD(model.parameters(), 1e30), steps=50, order=setting.generator("shuffle"))

    assert not finite


def test_fit_with_a_falling_rate_is_the_linear_schedule_of_recipes(setting: Setting) -> None:
    """Step k of n has the rate times 1 − k/n: a parabola's way with plain gradient descent, step by step."""
    point = nn.Linear(1, 1, bias=False)
    with torch.no_grad():
        point.weight.fill_(1.0)
    split = Split(torch.ones(1, 1), torch.zeros(1))
    optimizer = torch.optim.SGD(point.parameters(), 0.25)

    fit(point, split, optimizer, steps=4, order=setting.generator("shuffle"), loss=lambda y, _: (y**2).mean(), decay=True)

    assert point.weight.item() == pytest.approx(math.prod(1 - 2 * 0.25 * (1 - k / 4) for k in range(4)))
    assert optimizer.param_groups[0]["lr"] == pytest.approx(0.25 / 4)


def test_accuracy_and_outputs_leave_no_trace() -> None:
    """Scoring counts the right ones, keeps the training mode, and gives a tensor that gradients may pass."""
    model = nn.Sequential(nn.Dropout(0.5), nn.Identity())
    inputs = torch.eye(4)
    split = Split(inputs, torch.tensor([0, 1, 2, 0]))

    assert accuracy(model, split) == 0.75
    assert model.training
    assert not outputs(model, inputs).is_inference()


def test_cpu_seconds_lets_actions_take_turns() -> None:
    """Each action is called once for nothing and then once a round, in turns."""
    calls: list[str] = []

    took = cpu_seconds({"a": lambda: calls.append("a"), "b": lambda: calls.append("b")}, rounds=3)

    assert calls == ["a", "b"] * 4
    assert set(took) == {"a", "b"}
    assert min(took.values()) >= 0


# ---- Optimisers ----------------------------------------------------------------------------------------------------------


def test_networks_of_the_grid_are_of_one_size(setting: Setting) -> None:
    """The three networks have 9,166, 9,232 and 9,166 parameters, and each is built with the same weights again."""
    images = setting.data("digits")
    builds = [optimiser_grid.prepared(setting, images, network)[1] for network in optimiser_grid.NETWORKS]

    assert [shapes_of(build()) for build in builds] == [9_166, 9_232, 9_166]
    for build in builds:
        assert all(torch.equal(a, b) for a, b in zip(build().parameters(), build().parameters(), strict=True))


def test_a_training_of_the_grid_that_diverges_knows_nothing(setting: Setting) -> None:
    """A loss that is not finite counts as accuracy 0 and as all steps."""
    splits, build = optimiser_grid.prepared(setting, setting.data("digits"), "cnn")

    def make(parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
        return torch.optim.SGD(parameters, 1e30)

    trained = optimiser_grid.train(setting, build(), make, (splits.train, splits.test, splits.test), 20, 5)

    assert (trained.validation, trained.test, trained.reached) == (0.0, 0.0, 20)


def test_the_grid_finds_the_first_step_at_the_target(setting: Setting, monkeypatch: pytest.MonkeyPatch) -> None:
    """Steps to the target are those of the first look at which it holds; with a target of 0, the first look of all."""
    monkeypatch.setattr(optimiser_grid, "TARGET", 0.0)
    splits, build = optimiser_grid.prepared(setting, setting.data("digits"), "rnn")

    def make(parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
        return torch.optim.SGD(parameters, 0.1)

    trained = optimiser_grid.train(setting, build(), make, (splits.train, splits.test, splits.test), 20, 5)

    assert trained.reached == 5
    assert trained.validation == trained.test  # the same split was given for both


def test_the_grid_tells_gains_and_steps(setting: Setting, monkeypatch: pytest.MonkeyPatch) -> None:
    """A gain is the difference of the two families' accuracies; steps are a multiple of the looks, at most all."""
    monkeypatch.setattr(optimiser_grid, "NETWORKS", ("cnn",))
    found = optimiser_grid.run(setting, steps=10, every=5)

    for network in optimiser_grid.NETWORKS:
        adaptive, sgd = found[f"accuracy_{network}_adaptive"], found[f"accuracy_{network}_sgd"]
        assert adaptive is not None
        assert sgd is not None
        assert found[f"gain_{network}"] == pytest.approx(adaptive - sgd)
        assert found[f"steps_{network}_sgd"] in (5, 10)


def test_state_of_optimisers_has_a_closed_form(setting: Setting) -> None:
    """SGD remembers nothing, momentum and RMSprop one number a parameter, Adam two; these count steps, 4 bytes a tensor."""
    found = measure_state(setting)
    parameters, tensors = 101_770, 4

    assert found["state_sgd"] == 0
    assert found["state_momentum"] == 1
    assert found["state_rmsprop"] == pytest.approx(1 + tensors / parameters)
    assert found["state_adam"] == pytest.approx(2 + tensors / parameters)
    assert found["step_bytes_adam"] == 4 * tensors


def test_updates_are_timed_for_each_optimiser(setting: Setting) -> None:
    """Every optimiser has a time above 0."""
    found = time_updates(setting, rounds=1, updates=3)

    assert set(found) == {"update_seconds_sgd", "update_seconds_rmsprop", "update_seconds_adam"}
    assert all(value is not None and value > 0 for value in found.values())


def test_calibration_error_against_a_loop_over_bins() -> None:
    """The error equals that of a plain loop over ten bins, is 0 for certainty that is right and 1 for certainty that is not."""
    draw = torch.Generator().manual_seed(3)
    logits, labels = torch.randn(500, 5, generator=draw), torch.randint(5, (500,), generator=draw)
    probability = logits.double().softmax(1).numpy()
    confidence, predicted = probability.max(1), probability.argmax(1)
    expected = 0.0
    for low in range(10):
        inside = (confidence >= low / 10) & (confidence < (low + 1) / 10 if low < 9 else confidence <= 1)
        if inside.any():
            gap = (predicted == labels.numpy())[inside].mean() - confidence[inside].mean()
            expected += abs(gap) * inside.mean()

    assert seed_spread.calibration_error(logits, labels) == pytest.approx(expected)
    sure = F.one_hot(labels, 5) * 1000.0
    assert seed_spread.calibration_error(sure, labels) == pytest.approx(0)
    assert seed_spread.calibration_error(sure, (labels + 1) % 5) == pytest.approx(1)


def test_steadiness_counts_what_failed() -> None:
    """A training whose loss was not finite is one that failed, with accuracy 0, and so is one at chance."""
    inputs = torch.eye(10).repeat(3, 1)
    test = Split(inputs, torch.arange(10).repeat(3))
    right, wrong = nn.Linear(10, 10, bias=False), nn.Linear(10, 10, bias=False)
    with torch.no_grad():
        right.weight.copy_(100 * torch.eye(10))
        wrong.weight.copy_(100 * torch.eye(10).roll(1, 0))

    found = seed_spread.steadiness([right, right, wrong, None], test)

    assert found["failed"] == 2
    assert found["spread"] == pytest.approx(np.std([1, 1, 0, 0], ddof=1))
    assert found["calibration_error"] == pytest.approx(1 / 3)


def test_replicas_draw_weights_of_their_own(setting: Setting) -> None:
    """Redrawn weights depend on the seed alone, and the global stream is where it was."""
    digits = setting.data("digits")
    models = [setting.model("p003_mlp", setting.spec(digits), hidden=4) for _ in range(3)]
    before = torch.get_rng_state()
    for model, seed in zip(models, (5, 5, 6), strict=True):
        seed_spread.redraw(model, seed)

    assert torch.equal(before, torch.get_rng_state())
    first, again, other = (next(model.parameters()) for model in models)
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_steadiness_of_a_short_run() -> None:
    """All outcomes are there; a range of rates is at least half a decade, because the best one counts."""
    found = seed_spread.EXPERIMENT.perform({"steps": 5, "replicas": 2, "hidden": 4}, seed=1)

    assert all((found[f"rate_decades_{name}"] or 0) >= 0.5 for name in ("sgd", "adam"))


def test_direction_of_updates_on_a_parabola_by_hand() -> None:
    """L(0) = 50; a step of 1/8 takes each distance k times 1 ± k/8: the values were worked out by hand."""
    along = sum(k**3 * ((1 + k / 8) ** 2 - 1) / 2 for k in range(1, 5))

    assert quadratic_change(1 / 8) == 54.40625 == along
    assert quadratic_change(-1 / 8) == -34.09375


def test_direction_of_updates_on_networks(setting: Setting) -> None:
    """A small step along the gradient raises every loss and one against it lowers every one, whatever the run's seed."""
    found = step_both_ways(setting)

    assert (found["networks_along"], found["networks_against"]) == (0, 20)
    assert found == step_both_ways(Setting(2))


# ---- Losses, inference, validation ---------------------------------------------------------------------------------------


def test_losses_of_all_models_start_near_that_of_guessing(setting: Setting) -> None:
    """Every named model is trained; a fresh classifier of ten classes has a loss near ln 10."""
    found = train_all(setting, steps=5)

    assert found["models"] == len(MODELS)
    assert found["loss_first"] == pytest.approx(math.log(10), abs=0.1)
    assert 0 <= (found["falling"] or 0) <= len(MODELS)


def test_passes_of_inference_have_closed_forms(setting: Setting) -> None:
    """Predictions need no backward pass; a perceptron's costs its last layer two forward passes and its first layer one."""
    found = pass_over(setting)
    first, last = 2 * 784 * 128, 2 * 128 * 10

    assert found["logit_difference"] == 0
    assert (found["gradients"], found["parameters"]) == (0, 8)
    assert found["flop_ratio_least"] == pytest.approx((2 * first + 3 * last) / (first + last))
    assert 2 < (found["flop_ratio_least"] or 0) < (found["flop_ratio_most"] or 0) < 3
    assert (found["memory_ratio"] or 0) > 1


def test_memory_of_passes_counts_what_is_kept() -> None:
    """A forward pass alone holds weights, input and one layer's values at a time; with a backward pass every layer's."""
    model = nn.Sequential(*(layer for _ in range(6) for layer in (nn.Linear(50, 50, bias=False), nn.Tanh())))
    inputs, labels = torch.randn(200, 50), torch.randint(50, (200,))

    alone, both = peak(lambda: forward(model, inputs)), peak(lambda: forward_and_backward(model, inputs, labels))

    weights, values = 6 * 50 * 50 * 4, 200 * 50 * 4
    assert weights + 2 * values <= alone <= weights + 4 * values
    assert both >= weights + 7 * values
    assert count_flops(lambda: forward(model, inputs)) == 6 * 2 * 200 * 50 * 50


def test_choosing_an_epoch_with_planted_scores() -> None:
    """Validation chooses its best epoch, the first of equals; the best on the test set may be another."""
    scores = [(0.80, 0.85), (0.90, 0.88), (0.90, 0.91), (0.85, 0.95), (0.88, 0.93)]

    assert summary(scores) == {
        "best_on_test": 0.95,
        "chosen_by_validation": 0.88,
        "validation_last": 0.88,
        "test_last": 0.93,
    }


def test_choosing_by_the_test_set_is_never_the_worse_figure(setting: Setting) -> None:
    """The best test accuracy of all epochs is at least that of the epoch that validation chose."""
    found = choose(setting, samples=200, epochs=4, hidden=8)

    assert (found["best_on_test"] or 0) >= (found["chosen_by_validation"] or 0) > 0


def test_squared_error_by_hand() -> None:
    """Outputs 0.5 and 0 for class 0 of two: ((0.5 − 1)² + 0²) ÷ 2; its gradient is 2 (output − target) ÷ 2."""
    logits = torch.tensor([[0.5, 0.0]], requires_grad=True)
    loss = squared_error(logits, torch.tensor([0]))
    loss.backward()

    assert loss.item() == 0.125
    assert logits.grad is not None
    assert logits.grad.tolist() == [[-0.5, 0.0]]


def test_both_losses_learn_more_than_chance(setting: Setting) -> None:
    """Forty steps with either loss are enough to do better than guessing one of ten."""
    found = compare_losses(setting, steps=40, hidden=32)

    assert all((value or 0) > 0.3 for value in found.values())


# ---- Agents, generators, lists, seeds ------------------------------------------------------------------------------------


def test_episodes_until_a_mean_return() -> None:
    """The mean of the last two is 4 at the fourth episode; never reached, all episodes count."""
    assert episodes_until([0, 1, 3, 5, 9], wanted=4, window=2) == 4
    assert episodes_until([4, 4, 0], wanted=4, window=2) == 2
    assert episodes_until([0, 0, 0], wanted=4, window=2) == 3


def test_a_policy_without_opinion_takes_every_action_alike(setting: Setting) -> None:
    """A copy has all weights 0, so that all actions are equally likely; the policy itself keeps its own."""
    cart = setting.data("cartpole", train_episodes=10)
    policy = setting.model("p000_rl_policy", setting.spec(cart))
    blank = without_opinion(policy)

    assert torch.equal(blank(torch.randn(5, 4)).softmax(1), torch.full((5, 2), 0.5))
    assert any(parameter.any() for parameter in policy.parameters())


def test_policies_of_pure_chance_score_as_is_known(setting: Setting) -> None:
    """Chance balances for about 22 steps, and wins 43.7 % of the games (standard error 2.2 points over 500)."""
    found = try_policies(setting, updates=5, game_updates=1)

    assert 18 < (found["return_chance"] or 0) < 27
    assert found["wins_chance"] == pytest.approx(0.437, abs=0.075)
    assert found["episodes_to_150"] == 50


def test_a_judge_tells_apart_what_differs_and_nothing_else(setting: Setting) -> None:
    """Two halves of one sample cannot be told apart, black and white images always."""
    noise = torch.rand(800, 1, 28, 28, generator=torch.Generator().manual_seed(1))

    assert two_sample(setting, noise[:400], noise[400:], 60) == pytest.approx(0.5, abs=0.15)
    assert two_sample(setting, torch.zeros(100, 1, 28, 28), torch.ones(100, 1, 28, 28), 60) == 1


def test_a_generator_and_its_judge_learn_in_turns(setting: Setting) -> None:
    """One epoch moves both parts, in either order; images made have 256 values from 0 to 1."""
    digits = setting.data("digits", shape=(1, 28, 28), scale="unit", train_limit=64)
    for order in ("generator_first", "discriminator_first"):
        model = setting.model("p004_gan_dcgan28", setting.spec(digits), width=4)
        before = [parameter.detach().clone() for parameter in model.parameters()]

        assert list(learn(model, start(digits, order=order), digits.train, 1, setting.generator("shuffle"))) == [1]

        assert all(not torch.equal(a, b) for a, b in zip(before, model.parameters(), strict=True))
    images = generated(model, digits.train.inputs[:5])
    assert images.shape == (5, 1, 28, 28)
    assert torch.equal((images * 255).round() / 255, images)
    assert 0 <= float(images.min()) <= float(images.max()) <= 1


def test_popularity_recommends_what_most_like(setting: Setting) -> None:
    """A list by popularity finds what a plain count and sort finds, whoever asks."""
    likes = setting.data("ratings")
    counts = np.bincount(likes.train.labels.numpy(), minlength=100)
    hits = []
    for user, item in zip(likes.test.inputs.tolist(), likes.test.labels.tolist(), strict=True):
        rated = set(likes.train.labels[likes.train.inputs == user].tolist())
        ahead = [other for other in range(100) if other not in rated and other != item and counts[other] >= counts[item]]
        hits.append(len(ahead) < 10)

    found = recommend(setting, epochs=1)

    assert found["recall_popular"] == pytest.approx(np.mean(hits))
    scores = Popularity(likes.train, 100)(torch.tensor([[3], [4]]), torch.arange(100)[None])
    assert scores.tolist() == [counts.tolist()] * 2


def test_what_a_seed_fixes(setting: Setting) -> None:
    """The same loop ends at the same bits; without its evaluations the one global generator gives other orders, and generators
    of the loaders' own give the same."""
    found = run_loops(setting)

    assert found["equal_again"] == found["equal_own_generators"] == found["equal_own_generators_without_evaluation"] == 1
    assert found["equal_without_evaluation"] == 0


def test_equal_weights_are_equal_to_the_last_bit() -> None:
    """One unit in the last place is a difference."""
    one = torch.ones(3)

    assert same([one], [one.clone()]) == 1
    assert same([one], [torch.nextafter(one, 2 * one)]) == 0
