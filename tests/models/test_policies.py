"""The policies for CartPole and tic-tac-toe: layers by hand, and a board on which no taken field is ever chosen."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from harness.catalog import Catalog
from harness.data import LoadContext, Split
from harness.data._tictactoe import TicTacToe
from harness.data.cartpole import load
from harness.errors import UsageError
from harness.models import DataSpec
from harness.tasks._episodes import Stage, draw, play

CARTPOLE, BOARD = DataSpec((4,), 2), DataSpec((27,), 9)


def build(name: str, spec: DataSpec, **options: Any) -> nn.Module:
    """A policy with fresh weights."""
    module: nn.Module = Catalog().load("models", name).build(spec, **options)
    return module


def count(module: nn.Module) -> int:
    """Trainable parameters."""
    return sum(parameter.numel() for parameter in module.parameters() if parameter.requires_grad)


def boards(number: int) -> torch.Tensor:
    """Random boards with at least one empty field, as observations."""
    marks = torch.randint(3, (number, 9))
    marks[torch.arange(number), torch.randint(9, (number,))] = 0
    return torch.stack([marks == 1, marks == 2, marks == 0], dim=1).float().flatten(1)


def test_parameters_by_hand() -> None:
    """4-128-2: 898; 27-128-9: 4,745; another width counts accordingly."""
    assert count(build("p000_rl_policy", CARTPOLE)) == 4 * 128 + 128 + 128 * 2 + 2 == 898
    assert count(build("p003_game", BOARD)) == 27 * 128 + 128 + 128 * 9 + 9 == 4_745
    assert count(build("p000_rl_policy", DataSpec((6,), 3), hidden=10)) == 6 * 10 + 10 + 10 * 3 + 3
    assert count(build("p003_game", BOARD, hidden=7)) == 27 * 7 + 7 + 7 * 9 + 9


def test_the_policy_is_two_layers_with_relu() -> None:
    """The logits are those of matrix products written out."""
    module, x_BF = build("p000_rl_policy", CARTPOLE), torch.randn(5, 4)
    w1, b1, w2, b2 = (parameter.detach().numpy() for parameter in module.parameters())

    expected = np.maximum(x_BF.numpy() @ w1.T + b1, 0) @ w2.T + b2

    np.testing.assert_allclose(module(x_BF).detach().numpy(), expected, rtol=1e-5, atol=1e-6)


def test_empty_fields_keep_their_logits() -> None:
    """The mask leaves the network's own logits where a field is empty, and the lowest number elsewhere."""
    module, x_BF = build("p003_game", BOARD), boards(50)
    w1, b1, w2, b2 = (parameter.detach().numpy() for parameter in module.parameters())
    empty = x_BF[:, 18:].numpy() == 1

    found = module(x_BF).detach().numpy()

    own = np.maximum(x_BF.numpy() @ w1.T + b1, 0) @ w2.T + b2
    np.testing.assert_allclose(found[empty], own[empty], rtol=1e-4, atol=1e-5)
    assert (found[~empty] == np.finfo(np.float32).min).all()


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_taken_field_has_probability_zero(dtype: torch.dtype) -> None:
    """Exactly 0, however sure the network is of it, in either precision; empty fields share 1."""
    module, x_BF = build("p003_game", BOARD), boards(200)
    with torch.no_grad():
        module.get_parameter("fc2.bias").mul_(1000)

    with torch.autocast("cpu", torch.bfloat16, enabled=dtype == torch.bfloat16):
        probabilities_BK = module(x_BF).softmax(dim=1)

    assert not probabilities_BK[x_BF[:, 18:] == 0].any()
    torch.testing.assert_close(probabilities_BK.sum(dim=1).float(), torch.ones(200), rtol=0, atol=1e-2)


def test_a_full_board_gives_numbers() -> None:
    """Where no field is empty all logits are equal, not undefined; an all-zero observation counts as full."""
    logits_BK = build("p003_game", BOARD)(torch.zeros(2, 27))

    assert bool(logits_BK.isfinite().all())
    torch.testing.assert_close(logits_BK.softmax(dim=1), torch.full((2, 9), 1 / 9))


def test_never_makes_an_illegal_move() -> None:
    """In five hundred games with random weights every action is an empty field's, and no game has more than five."""
    module = build("p003_game", BOARD)

    def act(x_BF: torch.Tensor, running: list[int]) -> list[int]:
        with torch.no_grad():
            chosen: list[int] = draw(10 * module(x_BF), torch.rand(len(running), dtype=torch.float64)).tolist()
        return chosen

    episodes = play(Stage(TicTacToe), range(500), act)

    assert bool(episodes.observations[torch.arange(len(episodes.actions)), 18 + episodes.actions].all())
    assert len(episodes.running) <= 5


def test_the_articles_formula_leaves_nothing_to_chance() -> None:
    """a = π(s) as article 000 writes it does one thing in one state; the same probabilities, drawn from, do both."""
    module, x_BF = build("p000_rl_policy", CARTPOLE), torch.randn(1, 4).expand(1000, -1)
    with torch.no_grad():
        logits_BK = module(x_BF)
    probability = logits_BK.softmax(dim=1)[0, 1].item()

    assert len(set(logits_BK.argmax(dim=1).tolist())) == 1
    drawn = draw(logits_BK, torch.rand(1000, dtype=torch.float64)).double()
    assert drawn.mean().item() == pytest.approx(probability, abs=4 * 0.5 / 1000**0.5)


def test_cartpole_is_learnt_from_in_seconds() -> None:
    """Fifteen updates of ten episodes at least double what chance balances for."""
    data = load(LoadContext(Path("/nonexistent"), None, Path("/nonexistent")), train_episodes=150)
    learning = Catalog().load("tasks", "policy_gradient").start(data)
    module = build("p000_rl_policy", CARTPOLE)
    optimizer = torch.optim.Adam(module.parameters(), lr=1e-2)
    for seeds in data.train.inputs.split(10):
        optimizer.zero_grad()
        torch.autograd.backward(learning.turns[0].loss(module, seeds, torch.zeros(10)).loss)
        optimizer.step()

    few = Split(data.test.inputs[:20], data.test.labels[:20])
    assert learning.evaluate(module, few, 20).values["mean_return"] > 2 * 22


@pytest.mark.parametrize(
    ("name", "spec", "options", "message"),
    [
        ("p000_rl_policy", DataSpec((1, 28, 28), 10), {}, "gives images (channels, height, width), the model takes flat"),
        ("p000_rl_policy", DataSpec((20,), 2, (50,)), {}, "the model takes flat observations"),
        ("p000_rl_policy", DataSpec((4,), 1), {}, "at least 2 actions"),
        ("p000_rl_policy", CARTPOLE, {"hidden": 0}, "option hidden = 0: not a whole number in reach"),
        ("p003_game", DataSpec((26,), 9), {}, "gives inputs of shape 26, the model takes 27 only"),
        ("p003_game", DataSpec((27,), 8), {}, "has 8 actions, the model takes one for each of 9 fields"),
        ("p003_game", BOARD, {"hidden": 0}, "option hidden = 0"),
    ],
)
def test_refuses_what_it_cannot_act_on(name: str, spec: DataSpec, options: dict[str, Any], message: str) -> None:
    """Another kind of data or a width of nothing is a usage error that names the model."""
    with pytest.raises(UsageError) as caught:
        build(name, spec, **options)

    assert message in str(caught.value)
    assert f"model {name!r}" in str(caught.value)
