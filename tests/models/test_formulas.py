"""What the articles write as formulas or rules in words: the wrong value and the right one side by side, on our own numbers.

Formulas that are parts of their own (convolution, attention, clipping) are tested with the operators.
Shape suffixes: B batch, T steps, F features, H hidden units, O outputs, D model width, A actions.
"""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from harness.catalog import Catalog
from harness.models import DataSpec
from harness.suite import Optimizer, Recipe
from harness.tasks import Turn
from harness.train._plan import StepPlan
from harness.train._updates import Update

# --- the sign of the gradient step, article 004 section 3.1.3 ---


def test_a_step_along_the_gradient_climbs() -> None:
    """On (w - 3)² from w = 1 with rate 0.1: along the gradient -4 to 0.6, loss 5.76; against it to 1.4, loss 2.56, as SGD."""
    weight = nn.Parameter(torch.tensor(1.0, dtype=torch.float64))
    loss = (weight - 3) ** 2
    torch.autograd.backward(loss)
    assert weight.grad is not None
    along, against = (weight + sign * 0.1 * weight.grad for sign in (1, -1))

    torch.optim.SGD([weight], lr=0.1).step()

    assert (4.0, -4.0) == (loss.item(), weight.grad.item())
    assert [0.6, 5.76] == pytest.approx([along.item(), (along.item() - 3) ** 2])
    assert [1.4, 2.56] == pytest.approx([against.item(), (against.item() - 3) ** 2])
    assert against.item() == weight.item()


class Weight(nn.Module):
    """A single weight, which starts at 1."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.tensor(1.0, dtype=torch.float64))


def distance(model: nn.Module, inputs: Tensor, labels: Tensor) -> Tensor:
    """The loss (w - 3)²; a model has no samples to see."""
    return (model.get_parameter("weight") - 3) ** 2


def test_only_steps_against_the_gradient_arrive() -> None:
    """Fifty of the training loop's own updates reach 3 to 0.8^50 of the way; along the gradient they run away by 1.2^50."""
    recipe = Recipe(optimizer=Optimizer(name="sgd", lr=0.1), batch_size=1, steps=50)
    nothing = torch.zeros(1)
    found = {}
    for sign in (1, -1):
        model = Weight()
        update = Update(Turn(distance), model, recipe, StepPlan.of(recipe, 1))
        for _ in range(50):
            loss = update.loss(model, nothing, nothing)
            assert isinstance(loss, Tensor)
            torch.autograd.backward(sign * loss)
            update.step()
        found[sign] = model.weight.item()

    assert pytest.approx(3 - 2 * 0.8**50) == found[1]
    assert pytest.approx(3 - 2 * 1.2**50) == found[-1]


# --- from maps to the linear layer, article 004 section 3.2.3 ---


def test_outputs_of_convolution_and_pooling_cannot_be_joined_as_maps() -> None:
    """The convolution leaves 28x28, its pooling 14x14: they do not stack; the linear layer takes the last map alone."""
    convolved_BCHW = torch.randn(2, 16, 28, 28)
    pooled_BCHW = F.max_pool2d(convolved_BCHW, 2)

    with pytest.raises(RuntimeError, match="Sizes of tensors must match except in dimension 1"):
        torch.cat([convolved_BCHW, pooled_BCHW], dim=1)


def test_the_linear_layer_takes_the_last_map_flattened() -> None:
    """Article 004's own network: 32 x 7 x 7 = 1568 values of the last pooling; joined with its convolution 7840 are refused."""
    module = Catalog().load("models", "a004_cnn").build(DataSpec((1, 28, 28), 10))
    convolved: list[Tensor] = []
    taken: list[Tensor] = []
    module.get_submodule("conv2").register_forward_hook(lambda layer, given, output: convolved.append(output))
    module.get_submodule("fc1").register_forward_pre_hook(lambda layer, given: taken.extend(given))
    module(torch.randn(2, 1, 28, 28))
    last_BCHW = F.max_pool2d(F.relu(convolved[0]), 2)
    joined_BF = torch.cat([convolved[0].flatten(1), last_BCHW.flatten(1)], dim=1)

    assert (2, 32 * 7 * 7) == tuple(last_BCHW.flatten(1).shape)
    assert torch.equal(last_BCHW.flatten(1), taken[0])
    assert (2, 32 * 14 * 14 + 32 * 7 * 7) == (2, 7840) == tuple(joined_BF.shape)
    with pytest.raises(RuntimeError, match="shapes cannot be multiplied"):
        module.get_submodule("fc1")(joined_BF)


# --- gradients of a recurrent network, article 004 section 3.3.2 ---


def unrolled(w_HF: Tensor, u_HH: Tensor, b_H: Tensor, x_TF: Tensor) -> list[Tensor]:
    """The states of tanh(W x + U h + b), the first of them before any step, as lists of tensors."""
    states = [torch.zeros(len(b_H), dtype=x_TF.dtype)]
    for x_F in x_TF:
        states.append(torch.tanh(w_HF @ x_F + u_HH @ states[-1] + b_H))
    return states


def terms_of_u(u_HH: Tensor, states: list[Tensor]) -> list[Tensor]:
    """What each step adds to the gradient of the last state's half squared length by U, the last step first, by hand."""
    flowing_H, terms = states[-1], []
    for before_H, after_H in zip(states[-2::-1], states[:0:-1], strict=True):
        into_tanh_H = flowing_H * (1 - after_H**2)
        terms.append(torch.outer(into_tanh_H, before_H))
        flowing_H = u_HH.T @ into_tanh_H
    return terms


def recurrent(samples: int = 1, steps: int = 5) -> tuple[nn.RNN, Tensor]:
    """Torch's recurrent layer of 4 units on 3 features, and sequences for it."""
    return nn.RNN(3, 4, batch_first=True).double(), torch.randn(samples, steps, 3, dtype=torch.float64)


def weights_of(layer: nn.RNN) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """W, U and the two biases."""
    w_HF, u_HH, b_H, second_H = (layer.get_parameter(f"{name}_l0") for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"))
    return w_HF, u_HH, b_H, second_H


def gradient_of_u(layer: nn.RNN, x_BTF: Tensor) -> Tensor:
    """Autograd's gradient of the mean over samples of the last state's half squared length."""
    (gradient,) = torch.autograd.grad((layer(x_BTF)[0][:, -1] ** 2).sum(1).mean() / 2, [weights_of(layer)[1]])
    return gradient


def test_adding_over_time_steps_is_backpropagation_through_time() -> None:
    """One sequence: autograd's gradient is the sum of the steps' terms; any single step's term is something else."""
    layer, x_BTF = recurrent()
    w_HF, u_HH, b_H, second_H = weights_of(layer)
    with torch.no_grad():
        terms = terms_of_u(u_HH, unrolled(w_HF, u_HH, b_H + second_H, x_BTF[0]))
    gradient = gradient_of_u(layer, x_BTF)

    assert 5 == len(terms)
    torch.testing.assert_close(torch.stack(terms).sum(0), gradient)
    assert all(float((term - gradient).abs().max()) > 1e-3 for term in terms)


def test_batch_gradient_descent_adds_over_samples() -> None:
    """The batch's gradient is the mean over its sequences, each already summed over time; one sequence's alone is not it."""
    layer, x_BTF = recurrent(samples=6)
    gradients = [gradient_of_u(layer, x_BTF[index : index + 1]) for index in range(6)]

    torch.testing.assert_close(torch.stack(gradients).mean(0), gradient_of_u(layer, x_BTF))
    assert all(float((each - gradient_of_u(layer, x_BTF)).abs().max()) > 1e-3 for each in gradients)


# --- the recurrence, article 000 section 3.2 ---


def test_elman_formulas_are_right() -> None:
    """h = tanh(W x + U h + b), y = V h + c at every step is torch's layer with its second bias at zero, then a linear one."""
    layer, x_BTF = recurrent()
    w_HF, u_HH, b_H, second_H = weights_of(layer)
    nn.init.zeros_(second_H)
    readout = nn.Linear(4, 2).double()
    with torch.no_grad():
        states = unrolled(w_HF, u_HH, b_H, x_BTF[0])
        expected_TO = torch.stack([readout.weight @ state + readout.bias for state in states[1:]])
        y_BTO = readout(layer(x_BTF)[0])

    assert (1, 5, 2) == tuple(y_BTO.shape)
    torch.testing.assert_close(expected_TO, y_BTO[0])


def test_torchs_second_bias_is_one_too_many() -> None:
    """With both biases as torch draws them the formula's one bias misses; the sum of the two in its place does not."""
    layer, x_BTF = recurrent()
    w_HF, u_HH, b_H, second_H = weights_of(layer)
    with torch.no_grad():
        one, both = (unrolled(w_HF, u_HH, bias_H, x_BTF[0])[-1] for bias_H in (b_H, b_H + second_H))
        last = layer(x_BTF)[1][0, 0]

    assert float((one - last).abs().max()) > 1e-2
    torch.testing.assert_close(both, last)


# --- the output matrix of multi-head attention, article 000 section 3.3 ---


def heads_of(layer: nn.MultiheadAttention, x_BTD: Tensor) -> list[Tensor]:
    """Each head's softmax(Q K^T / sqrt(d)) V, from slices of the layer's weights."""
    assert layer.in_proj_weight is not None
    q_BTD, k_BTD, v_BTD = (x_BTD @ weight.T for weight in layer.in_proj_weight.chunk(3))
    chunks = zip(*(each.chunk(layer.num_heads, dim=-1) for each in (q_BTD, k_BTD, v_BTD)), strict=True)
    return [F.scaled_dot_product_attention(q, k, v) for q, k, v in chunks]


def attended(layer: nn.MultiheadAttention, x_BTD: Tensor) -> Tensor:
    """Torch's multi-head self-attention."""
    output: Tensor = layer(x_BTD, x_BTD, x_BTD, need_weights=False)[0]
    return output


@torch.no_grad()
def test_the_output_matrix_belongs_after_the_heads_once() -> None:
    """Joined heads times W^O are torch's; with one head a second W^O runs but changes the result."""
    layer = nn.MultiheadAttention(6, 1, bias=False, batch_first=True).double()
    x_BTD = torch.randn(2, 5, 6, dtype=torch.float64)
    out_DD = layer.out_proj.weight.T
    (head,) = heads_of(layer, x_BTD)

    torch.testing.assert_close(head @ out_DD, attended(layer, x_BTD))
    assert float((head @ out_DD @ out_DD - attended(layer, x_BTD)).abs().max()) > 0.05


@torch.no_grad()
def test_the_output_matrix_does_not_fit_a_head() -> None:
    """With two heads of 3 of 6 features W^O is 6x6: it takes the joined heads, not one of them."""
    layer = nn.MultiheadAttention(6, 2, bias=False, batch_first=True).double()
    x_BTD = torch.randn(2, 5, 6, dtype=torch.float64)
    out_DD = layer.out_proj.weight.T
    heads = heads_of(layer, x_BTD)

    torch.testing.assert_close(torch.cat(heads, dim=-1) @ out_DD, attended(layer, x_BTD))
    with pytest.raises(RuntimeError, match="shapes cannot be multiplied"):
        heads[0] @ out_DD


# --- actions of a policy, article 000 section 3.4 ---

LOGITS = [0.5, 0.0, -0.5]


def score_gradients() -> tuple[Tensor, Tensor]:
    """The probabilities of three actions, [A], and the gradient of each one's log-probability by the logits, [A, A]."""
    logits_A = torch.tensor(LOGITS, dtype=torch.float64, requires_grad=True)
    log_A = logits_A.log_softmax(0)
    gradients = [torch.autograd.grad(each, [logits_A], retain_graph=True)[0] for each in log_A]
    return log_A.exp().detach(), torch.stack(gradients)


def gradient_of_mean_reward(rewards_A: Tensor) -> Tensor:
    """Autograd's gradient of the expected reward."""
    logits_A = torch.tensor(LOGITS, dtype=torch.float64, requires_grad=True)
    (gradient,) = torch.autograd.grad(logits_A.softmax(0) @ rewards_A, [logits_A])
    return gradient


def test_an_action_chosen_outright_has_no_gradient() -> None:
    """The best action as a function of the state is a step: autograd has nothing to follow from it to the weights."""
    logits_A = torch.tensor(LOGITS, requires_grad=True)

    assert not logits_A.argmax().requires_grad
    assert logits_A.log_softmax(0)[logits_A.argmax()].requires_grad


def test_reinforce_needs_a_distribution() -> None:
    """Reward times score, weighted by the action's probability, is the gradient; taken at the likeliest action it is not."""
    rewards_A = torch.tensor([1.0, 1.0, 4.0], dtype=torch.float64)
    probabilities_A, scores_AA = score_gradients()
    expected = gradient_of_mean_reward(rewards_A)
    likeliest = int(probabilities_A.argmax())

    torch.testing.assert_close((probabilities_A * rewards_A) @ scores_AA, expected)
    outright = rewards_A[likeliest] * scores_AA[likeliest]
    assert expected[2] > 0 > outright[2]  # the third action pays best: the one learns it, the other unlearns it


def test_equal_rewards_move_a_sampled_policy_nowhere() -> None:
    """When all actions pay the same the gradient is zero; always acting the likeliest would still push it further."""
    rewards_A = torch.ones(3, dtype=torch.float64)
    probabilities_A, scores_AA = score_gradients()
    likeliest = int(probabilities_A.argmax())

    torch.testing.assert_close((probabilities_A * rewards_A) @ scores_AA, torch.zeros(3, dtype=torch.float64))
    torch.testing.assert_close(scores_AA[likeliest], F.one_hot(torch.tensor(likeliest), 3) - probabilities_A)
    assert float(scores_AA[likeliest].abs().max()) > 0.4


def test_sampled_actions_estimate_the_gradient() -> None:
    """The mean over 20,000 sampled actions meets the gradient within four standard errors."""
    rewards_A = torch.tensor([1.0, 1.0, 4.0], dtype=torch.float64)
    probabilities_A, scores_AA = score_gradients()
    actions_N = torch.multinomial(probabilities_A, 20_000, replacement=True)
    estimates_NA = rewards_A[actions_N, None] * scores_AA[actions_N]

    errors = (estimates_NA.mean(0) - gradient_of_mean_reward(rewards_A)).abs()
    assert bool((errors < 4 * estimates_NA.std(0) / 20_000**0.5).all())
