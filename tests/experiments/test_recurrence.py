"""The experiments on recurrent networks and their gradients, against closed forms, autograd and counts by hand."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from harness.errors import UsageError
from harness.experiments import (
    Setting,
    batch_gradients,
    clipped_gradients,
    clipped_training,
    hidden_activations,
    recall_span,
    step_dependence,
    trained_gradients,
)
from harness.experiments._dependence import changed_steps
from harness.models import DataSpec
from harness.models._recurrent import Recurrent

# --- which steps a state depends on ---


def sums(x_BTF: Tensor) -> Tensor:
    """At each step the sum up to it: a network that reads from left to right."""
    return x_BTF.cumsum(dim=1)


def test_a_running_sum_changes_from_the_replaced_step_on() -> None:
    """Of seven steps with the fifth replaced, the three from it on change; summed from the right, the five up to it."""
    x_BTF, other_BF = torch.randn(2, 7, 3), torch.randn(2, 3)

    assert (0, 3) == changed_steps(sums, x_BTF, other_BF, 4)
    assert (4, 1) == changed_steps(lambda x_BTF: sums(x_BTF.flip(1)).flip(1), x_BTF, other_BF, 4)


def test_recurrent_states_see_what_was_before_and_attention_sees_all() -> None:
    """With step 15 of 20 replaced, six states change in every recurrent network, all twenty where both sides are seen."""
    found = step_dependence.EXPERIMENT.perform({}, seed=1)

    one_way = {f"{name}_{side}": count for name in ("rnn", "lstm", "gru") for side, count in (("before", 0), ("after", 6))}
    all_ways = {f"{name}_{side}": n for name in ("both_ways", "attention") for side, n in (("before", 14), ("after", 6))}
    assert one_way | all_ways == found


def test_autograd_agrees_on_what_a_state_depends_on() -> None:
    """The derivative of state 10 by input 15 is 0, that of state 15 by input 10 is not: by autograd, not by replacing."""
    x_BTF = torch.randn(1, 20, 8, dtype=torch.float64, requires_grad=True)
    states_BTH = nn.RNN(8, 8, batch_first=True).double()(x_BTF)[0]
    (by_inputs_of_10,) = torch.autograd.grad(states_BTH[0, 9].sum(), x_BTF, retain_graph=True)
    (by_inputs_of_15,) = torch.autograd.grad(states_BTH[0, 14].sum(), x_BTF)

    assert (0.0, True) == (by_inputs_of_10[0, 14].norm().item(), bool(by_inputs_of_15[0, 9].norm() > 0))


# --- recall ---


class First(nn.Module):
    """Tells the first symbol without having learnt anything; `right` False: always says symbol 0."""

    def __init__(self, *, right: bool) -> None:
        super().__init__()
        self.right, self.scale = right, nn.Parameter(torch.tensor(1.0))

    def forward(self, ids_BT: Tensor) -> Tensor:
        """Return 9 for what is said and 0 for the rest, [B, SYMBOLS]."""
        said_B = ids_BT[:, 0] - 4 if self.right else torch.zeros_like(ids_BT[:, 0])
        return self.scale * 9 * F.one_hot(said_B, recall_span.SYMBOLS).float()


def test_labels_are_the_first_symbols_and_seeds_draw_others() -> None:
    """Ids start behind the four special ones; the first of a sequence is its label; another seed gives other sequences."""
    split = recall_span.draw(Setting(1).generator("a"), 100, 6)

    assert torch.equal(split.inputs[:, 0] - 4, split.labels)
    assert (4, 11) == (int(split.inputs.min()), int(split.inputs.max()))
    assert not torch.equal(split.inputs, recall_span.draw(Setting(2).generator("a"), 100, 6).inputs)


def test_learning_stops_at_the_first_look_that_finds_a_length_solved() -> None:
    """A network that is right from the start takes 25 steps; one that cannot be right takes the budget and guesses 1 in 8."""
    solved = recall_span.learn(Setting(1), First(right=True), 5, lr=1e-6, budget=90, batch=4)
    steps, accuracy = recall_span.learn(Setting(1), First(right=False), 5, lr=1e-6, budget=90, batch=4)

    assert (25, 1.0) == solved
    assert 90 == steps
    assert 1 / 8 == pytest.approx(accuracy, abs=4 * math.sqrt(1 / 8 * 7 / 8 / 500))


def test_parameters_of_the_networks_follow_from_their_layers() -> None:
    """Embedding of 12 ids, recurrent layer, readout of 8 classes at width 16; an Elman layer has one bias, gates have two."""
    setting = Setting(1)
    counts = {}
    for name in ("rnn", "lstm", "gru"):
        model = recall_span.build(setting, name, 5, hidden=16, equal="hidden", forget_bias=0.0)
        counts[name] = sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)

    around = 12 * 16 + 17 * 8
    assert {"rnn": around + 16 * 33, "lstm": around + 4 * 16 * 34, "gru": around + 3 * 16 * 34} == counts


def test_a_length_that_is_not_solved_ends_the_run() -> None:
    """Twenty-five steps at a rate of 1e-6 solve nothing: the longest is 0, and no second length was tried."""
    found = recall_span.EXPERIMENT.perform({"lr": 1e-6, "budget": 25, "batch": 2, "hidden": 4}, seed=1)

    assert (0, 25) == (found["longest"], found["trained_steps"])
    with pytest.raises(UsageError, match="option network = 'elman'"):
        recall_span.run(Setting(1), network="elman")


# --- gradients on their way back ---


def test_slope_of_a_network_whose_gradient_halves_at_each_step() -> None:
    """Recurrent weights of half the identity, states of 0: the gradient halves with each step back, a slope of ln 0.5."""
    splits = Setting(1).data("recall", length=8, classes=4, vocabulary=12, train_samples=4, test_samples=6)
    model = trained_gradients.build(Setting(1), "tanh", DataSpec((8,), 4, (12,)), 5)
    with torch.no_grad():
        model.recurrent.get_parameter("weight_hh_l0").copy_(0.5 * torch.eye(5))
        model.recurrent.get_parameter("bias_ih_l0").zero_()
        for parameter in model.steps.parameters():
            parameter.zero_()

    assert math.log(0.5) == pytest.approx(trained_gradients.gradient_slope(model, splits.test), abs=1e-5)


def test_a_training_ends_where_the_task_is_solved() -> None:
    """A GRU that learns is left at the first look at which 95 % are told right, and at none before it."""
    setting = Setting(1)
    told = trained_gradients.learned(setting, "gru", lr=0.01, budget=400, hidden=16)
    test = recall_span.draw(setting.generator("test of 10"), recall_span.TEST, 10)
    short, whole = (trained_gradients.build(setting, "gru", trained_gradients.task(), 16) for _ in range(2))
    steps, _ = recall_span.learn(setting, short, 10, lr=0.01, budget=int(told["steps"]) - 1, batch=32)
    recall_span.learn(setting, whole, 10, lr=0.01, budget=int(told["steps"]), batch=32)

    assert told["steps"] in range(recall_span.LOOK, 400, recall_span.LOOK)
    assert told["steps"] - 1 == steps  # at no look before was the task solved
    assert 0.95 <= told["accuracy"] == setting.score(whole, test)["accuracy"]
    assert told["slope"] == pytest.approx(trained_gradients.gradient_slope(whole, test))
    assert 1 == told["attempts"]


def test_a_training_that_is_stuck_begins_again_with_another_seed() -> None:
    """A GRU that needs more steps than another seed's, and may not take them, ends as that of the other seed does."""
    first, second = (
        trained_gradients.learned(Setting(seed), "gru", lr=0.01, budget=400, hidden=8)
        for seed in (10, 10 + trained_gradients.SEEDS_APART)
    )
    again = trained_gradients.learned(Setting(10), "gru", lr=0.01, budget=int(second["steps"]), hidden=8)

    assert first["steps"] > second["steps"]
    assert second | {"attempts": 2} == again


def test_slopes_of_networks_that_hardly_moved_are_those_of_fresh_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    """One step at a rate of 1e-6: slopes are as before, and accuracies and steps say that nothing is learned."""
    monkeypatch.setattr(trained_gradients, "ATTEMPTS", 1)
    found = trained_gradients.EXPERIMENT.perform({"lr": 1e-6, "budget": 1, "hidden": 4}, seed=1)

    for name in trained_gradients.NETWORKS:
        assert found[f"fresh_{name}"] == pytest.approx(found[f"slope_{name}"], abs=1e-3)
        assert (1, 1) == (found[f"steps_{name}"], found[f"attempts_{name}"])
        assert (found[f"accuracy_{name}"] or 0.0) < 0.5


def test_an_open_lstm_starts_with_forget_gates_one_higher() -> None:
    """The bias of the forget gates, the second quarter, is 1 higher than in the plain LSTM of the seed; all else is equal."""
    spec = DataSpec((8,), 4, (12,))
    plain, opened = (trained_gradients.build(Setting(1), name, spec, 5).state_dict() for name in ("lstm", "lstm_open"))
    raised = {name: opened[name] - plain[name] for name in plain}

    expected_4H = torch.cat([torch.zeros(5), torch.ones(5), torch.zeros(10)])
    torch.testing.assert_close(raised.pop("recurrent.bias_ih_l0"), expected_4H)
    assert not any(difference.any() for difference in raised.values())


# --- clipping ---


def unrolled_and_layer() -> tuple[clipped_gradients.Unrolled, nn.RNN]:
    """The unrolled network, and torch's layer with its weights."""
    network, layer = clipped_gradients.Unrolled(), nn.RNN(8, 32, batch_first=True).double()
    with torch.no_grad():
        layer.weight_ih_l0.copy_(network.inputs)
        layer.bias_ih_l0.copy_(network.bias)
        layer.weight_hh_l0.copy_(network.steps[0])
        layer.bias_hh_l0.zero_()
    return network, layer


def test_the_parts_of_steps_add_up_to_the_layers_gradient() -> None:
    """The gradients by the fifty copies of the recurrent weights sum to torch's own by the one matrix."""
    network, layer = unrolled_and_layer()
    x_BTF, labels_B = torch.randn(3, 50, 8, dtype=torch.float64), torch.tensor([1, 5, 9])
    of_steps = torch.autograd.grad(F.cross_entropy(network(x_BTF), labels_B), list(network.steps))
    loss = F.cross_entropy(network.readout(layer(x_BTF)[0][:, -1]), labels_B)
    (whole,) = torch.autograd.grad(loss, layer.weight_hh_l0)

    torch.testing.assert_close(torch.stack(of_steps).sum(0), whole, rtol=1e-10, atol=1e-14)


def test_clipping_scales_by_limit_over_norm_and_never_up() -> None:
    """(3, 4) clipped to 1 is (0.6, 0.8) but for torch's 1e-6; clipped to 10 it stays as it is in every bit."""
    network = nn.Linear(2, 1, bias=False).double()
    raw = (torch.tensor([[3.0, 4.0]], dtype=torch.float64),)

    torch.testing.assert_close(clipped_gradients.clipped(network, raw, 1.0)[0], raw[0] / (5 + 1e-6), rtol=1e-12, atol=0)
    assert torch.equal(raw[0], clipped_gradients.clipped(network, raw, 10.0)[0])


def test_growth_is_seen_where_there_is_some() -> None:
    """Of three tensors one grew, one shrank and one stayed: one."""
    before = [torch.tensor([3.0, 4.0])] * 3

    assert 1 == clipped_gradients.grown(before, [torch.tensor(pair) for pair in ([0.0, 6.0], [4.0, 0.0], [4.0, 3.0])])


def test_clipping_makes_no_part_of_a_gradient_larger() -> None:
    """54 tensors, fifty of them the recurrent weights of one step: none has grown, and no small gradient was touched."""
    found = clipped_gradients.EXPERIMENT.perform({}, seed=3)

    elements = 32 * 8 + 32 + 50 * 32 * 32 + 10 * 33
    assert {"tensors": 54, "elements": elements, "steps": 50} == {
        name: found[name] for name in ("tensors", "elements", "steps")
    }
    assert {0.0} == {found[name] for name in ("tensors_grown", "elements_grown", "steps_grown", "small_changed")}


def test_recurrent_weights_start_orthogonal_times_the_gain() -> None:
    """W Wᵀ is the gain's square times the identity, in both networks."""
    for name in ("tanh", "relu"):
        model = clipped_training.build(Setting(1), name, DataSpec((20,), 8, (12,)), 16, 1.5)
        weight_HH = model.recurrent.get_parameter("weight_hh_l0")

        torch.testing.assert_close(weight_HH @ weight_HH.T, 2.25 * torch.eye(16), rtol=0, atol=1e-5)


def test_stability_is_told_at_both_ends() -> None:
    """A rate of next to nothing leaves all losses about those of guessing; one of 50 blows up both networks unless clipped."""
    calm = clipped_training.EXPERIMENT.perform({"lr": 1e-9, "steps": 20, "gain": 0.5}, seed=1)
    wild = clipped_training.EXPERIMENT.perform({"lr": 50.0, "steps": 20}, seed=1)

    assert {1.0} == {value for name, value in calm.items() if name.startswith("stable")}
    assert [1.0] * 4 == pytest.approx([value for name, value in calm.items() if name.startswith("loss")], abs=0.1)
    assert (0.0, 0.0) == (wild["stable_tanh_raw"], wild["stable_relu_raw"])
    assert all(value is not None and value <= clipped_training.WORST for value in wild.values())


# --- batches ---


def test_each_steps_part_of_a_gradient_by_hand() -> None:
    """One unit, two steps, w = 0.5: h₁ = tanh 1, h₂ = tanh(1 + h₁ / 2); the part of step 2 is δ h₁, that of step 1 is 0."""
    network, readout = nn.RNN(1, 1, batch_first=True).double(), nn.Linear(1, 2).double()
    with torch.no_grad():
        for name, value in (("weight_ih_l0", 1.0), ("weight_hh_l0", 0.5), ("bias_ih_l0", 0.0), ("bias_hh_l0", 0.0)):
            network.get_parameter(name).fill_(value)
        readout.weight.copy_(torch.tensor([[1.0], [-1.0]]))
        readout.bias.zero_()
    first = math.tanh(1)
    second = math.tanh(1 + first / 2)
    wrong = 1 / (1 + math.exp(2 * second))  # the chance of class 1, whose logit is −h₂
    delta = -2 * wrong * (1 - second**2)

    parts_THH = batch_gradients.parts_of_steps(network, readout, torch.ones(1, 2, 1, dtype=torch.float64), torch.tensor([0]))

    assert [0.0, delta * first] == pytest.approx(parts_THH.flatten().tolist(), rel=1e-12)


def test_a_batch_of_one_sums_as_many_steps_as_a_batch_of_many() -> None:
    """Of 50 steps all but the first, which reads a zero state, have a part of the gradient: 49, for one sequence and for 64."""
    found = batch_gradients.EXPERIMENT.perform({}, seed=2)

    assert (49, 49) == (found["summed_steps_1"], found["summed_steps_64"])


def test_parts_of_steps_add_up_to_the_gradient_of_a_batch() -> None:
    """The parts sum to what autograd gives for torch's own layer."""
    network, readout = nn.RNN(8, 6, batch_first=True).double(), nn.Linear(6, 10).double()
    x_BTF, labels_B = torch.randn(4, 9, 8, dtype=torch.float64), torch.tensor([0, 3, 3, 9])
    loss = F.cross_entropy(readout(network(x_BTF)[0][:, -1]), labels_B)
    (whole,) = torch.autograd.grad(loss, network.weight_hh_l0)

    torch.testing.assert_close(batch_gradients.parts_of_steps(network, readout, x_BTF, labels_B).sum(0), whole)


# --- activations ---


@pytest.mark.parametrize(("name", "activation"), [("tanh", "RNN_TANH"), ("relu", "RNN_RELU"), ("irnn", "RNN_RELU")])
def test_the_three_networks_are_what_they_are_called(name: str, activation: str) -> None:
    """One Elman layer each, of its activation; only `irnn` starts from the identity."""
    model = hidden_activations.build(Setting(1), name, DataSpec((28, 28), 10), 16)
    assert isinstance(model, Recurrent)

    assert activation == model.recurrent.mode
    assert (name == "irnn") == torch.equal(torch.eye(16), model.recurrent.get_parameter("weight_hh_l0"))


def test_a_rate_is_borne_or_not() -> None:
    """tanh learns digits at 0.03; ReLU is lost at 1000, and so is a rate at which nothing moves."""
    setting = Setting(1)
    splits = setting.data("digit_rows", train_limit=700, test_limit=100)
    spec = setting.spec(splits)

    borne = [
        hidden_activations.bears(setting, hidden_activations.build(setting, name, spec, 32), splits, rate)
        for name, rate in (("tanh", 0.03), ("relu", 1000.0), ("tanh", 1e-9))
    ]

    assert [True, False, False] == borne
