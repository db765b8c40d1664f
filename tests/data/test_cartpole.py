"""CartPole as a data set: disjoint seeds, and gymnasium's own environment."""

from __future__ import annotations

import importlib.metadata
from pathlib import Path

import gymnasium
import numpy as np
import pytest
import torch

from harness.data import LoadContext
from harness.data.cartpole import DATASET, environment, identity, load
from harness.errors import UsageError

CONTEXT = LoadContext(Path("/nonexistent"), None, Path("/nonexistent"))


@pytest.mark.parametrize("size", [50, 1_000_000])
def test_splits_never_share_a_seed(size: int) -> None:
    """Training, validation and test episodes start from seeds of their own, each once, also at the largest sizes."""
    splits = load(CONTEXT, train_episodes=size, validation_episodes=size, test_episodes=size)
    assert splits.validation is not None

    seeds = torch.cat([splits.train.inputs, splits.validation.inputs, splits.test.inputs])

    assert 3 * size == len(seeds.unique())


def test_sizes_and_types_are_as_declared() -> None:
    """Seeds and zeros, int64; sizes, actions and observations as the listing shows them."""
    splits = load(CONTEXT)

    assert DATASET.sizes == (len(splits.train), len(splits.test)) == (4000, 100)
    assert splits.validation is not None
    assert len(splits.validation) == 50
    assert splits.train.inputs.dtype == splits.train.labels.dtype == torch.int64
    assert not splits.train.labels.any()
    assert DATASET.classes == len(splits.classes) == 2
    assert splits.environment is not None
    assert splits.environment().observation_space.shape == DATASET.shape


def test_a_smaller_data_set_is_a_prefix() -> None:
    """The episodes stay the same ones whatever their number."""
    whole, part = load(CONTEXT), load(CONTEXT, train_episodes=7, test_episodes=3)

    assert torch.equal(whole.train.inputs[:7], part.train.inputs)
    assert torch.equal(whole.test.inputs[:3], part.test.inputs)


def test_it_is_cartpole_v1() -> None:
    """The published limits: 500 steps at most, solved at 475, a reward of 1 a step."""
    env = environment()
    assert env.spec is not None
    assert ("CartPole-v1", 500, 475.0) == (env.spec.id, env.spec.max_episode_steps, env.spec.reward_threshold)

    observation, _ = env.reset(seed=3)
    total, ended = 0.0, False
    while not ended:  # lean against the fall: angle and a share of the angular speed; this balances to the limit
        observation, reward, terminated, truncated, _ = env.step(
            int(observation[2] + 0.5 * observation[3] + 0.02 * observation[1] > 0)
        )
        total, ended = total + float(reward), terminated or truncated

    assert total == 500.0
    assert truncated


def test_a_seed_decides_the_start() -> None:
    """Two environments start alike from one seed and differently from another, within ±0.05."""
    first, again, other = (environment().reset(seed=seed)[0] for seed in (8, 8, 9))

    np.testing.assert_array_equal(first, again)
    assert (first != other).all()
    assert abs(first).max() <= 0.05


@pytest.mark.parametrize("option", ["train_episodes", "test_episodes", "validation_episodes"])
@pytest.mark.parametrize("number", [0, 1_000_001])
def test_a_number_of_episodes_out_of_reach_is_a_usage_error(option: str, number: int) -> None:
    """No split is empty, and none runs into the seeds of another."""
    with pytest.raises(UsageError, match=f"option {option} = {number}: .*allowed: 1 to 1000000"):
        load(CONTEXT, **{option: number})


def test_another_version_of_the_simulator_is_other_data(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run's key holds gymnasium's version, whose code is the environment."""
    before = identity(CONTEXT, train_episodes=10)
    monkeypatch.setattr(gymnasium, "__version__", "0.0.1")

    assert f"gymnasium {importlib.metadata.version('gymnasium')}" == before
    assert before != identity(CONTEXT, train_episodes=10)
