"""Matrix factorisation and NeuMF: parameters by hand, scores by loops, and broadcasting."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from harness.catalog import Catalog
from harness.errors import UsageError
from harness.models import DataSpec

USERS, ITEMS = 7, 5
SPEC = DataSpec((), 0, (USERS, ITEMS))

each_model = pytest.mark.parametrize("name", ["p003_recsys", "p003_ncf"])


def build(name: str, spec: DataSpec = SPEC, **options: Any) -> nn.Module:
    """A recommender with fresh weights."""
    module: nn.Module = Catalog().load("models", name).build(spec, **options)
    return module


def count(module: nn.Module) -> int:
    """Trainable parameters."""
    return sum(parameter.numel() for parameter in module.parameters() if parameter.requires_grad)


def weights(module: nn.Module) -> dict[str, Any]:
    """Weights by name, as NumPy arrays."""
    return {name: parameter.detach().numpy() for name, parameter in module.named_parameters()}


def test_parameters_by_hand() -> None:
    """Vectors of 16 and item biases; vectors of 8 and 16, then 32-16, 16-8 and 16-1 without a bias."""
    spec = DataSpec((), 0, (200, 100))

    assert count(build("p003_recsys", spec)) == (200 + 100) * 16 + 100 == 4_900
    network = (32 * 16 + 16) + (16 * 8 + 8) + 16
    assert count(build("p003_ncf", spec)) == (200 + 100) * (8 + 16) + network == 7_880
    assert count(build("p003_recsys", factors=3)) == (USERS + ITEMS) * 3 + ITEMS
    assert count(build("p003_ncf", factors=2)) == (USERS + ITEMS) * (2 + 4) + (8 * 4 + 4) + (4 * 2 + 2) + 4


def test_factorisation_is_a_product_and_a_bias() -> None:
    """Every pair's score is the sum over dimensions plus the item's bias, in loops."""
    module = build("p003_recsys")
    nn.init.normal_(module.get_parameter("bias.weight"))
    w = weights(module)

    for user in range(USERS):
        for item in range(ITEMS):
            expected = sum(w["user.weight"][user, d] * w["item.weight"][item, d] for d in range(16)) + w["bias.weight"][item, 0]
            assert module(torch.tensor(user), torch.tensor(item)).item() == pytest.approx(expected, rel=1e-4, abs=1e-6)


def test_neumf_is_a_product_beside_a_network() -> None:
    """Every pair's score is that of its two halves written out in matrix products."""
    module = build("p003_ncf").double()
    for parameter in module.parameters():
        nn.init.normal_(parameter)
    w = weights(module)

    for user in range(USERS):
        for item in range(ITEMS):
            product = w["product_user.weight"][user] * w["product_item.weight"][item]
            joined = np.concatenate([w["network_user.weight"][user], w["network_item.weight"][item]])
            hidden = np.maximum(w["fc1.weight"] @ joined + w["fc1.bias"], 0)
            hidden = np.maximum(w["fc2.weight"] @ hidden + w["fc2.bias"], 0)
            expected = (w["fc3.weight"] @ np.concatenate([product, hidden]))[0]
            assert module(torch.tensor(user), torch.tensor(item)).item() == pytest.approx(expected, rel=1e-10)


@each_model
def test_all_pairs_at_once_are_each_pair_alone(name: str) -> None:
    """Users as a column and items as a row give the table of every pair's score."""
    module = build(name)
    users, items = torch.arange(USERS), torch.arange(ITEMS)

    table_UI = module(users[:, None], items[None, :])

    assert (USERS, ITEMS) == tuple(table_UI.shape)
    alone = module(users.repeat_interleave(ITEMS), items.repeat(USERS))
    torch.testing.assert_close(table_UI.flatten(), alone)


@each_model
def test_a_step_moves_every_weight_of_who_is_in_the_batch(name: str) -> None:
    """No part is left out of the pairwise loss: what no order depends on, such as a user's bias, is not there."""
    module = build(name)
    users = torch.arange(USERS).repeat_interleave(ITEMS)
    liked = torch.arange(ITEMS).repeat(USERS)
    for parameter in module.parameters():
        nn.init.normal_(parameter, std=0.5)

    torch.autograd.backward(-nn.functional.logsigmoid(module(users, liked) - module(users, (liked * 2 + 1) % ITEMS)).mean())

    assert [name for name, parameter in module.named_parameters() if parameter.grad is None or not parameter.grad.any()] == []


@each_model
def test_the_first_scores_are_small_and_seeded(name: str) -> None:
    """The same seed gives the same weights, another seed others; every score starts near 0."""

    def start(seed: int) -> torch.Tensor:
        torch.manual_seed(seed)
        module = build(name)
        assert module(torch.arange(USERS)[:, None], torch.arange(ITEMS)).abs().max() < 0.5
        return nn.utils.parameters_to_vector(module.parameters()).detach()

    assert torch.equal(start(1), start(1))
    assert not torch.equal(start(1), start(2))


@each_model
@pytest.mark.parametrize("spec", [DataSpec((1, 28, 28), 10), DataSpec((12,), 2, (50, 60)), DataSpec((), 2, (50,))])
def test_refuses_what_is_no_rating(name: str, spec: DataSpec) -> None:
    """Pictures, pairs of texts and a single vocabulary are usage errors that name the model."""
    with pytest.raises(UsageError, match=f"model '{name}': .*the model takes users and items"):
        build(name, spec)


@each_model
def test_refuses_a_width_of_nothing(name: str) -> None:
    """Vectors have at least one dimension."""
    with pytest.raises(UsageError, match=f"model '{name}': option factors = 0: not a whole number in reach"):
        build(name, factors=0)
