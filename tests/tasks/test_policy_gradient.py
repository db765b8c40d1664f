"""Policy gradient: REINFORCE against loops and closed forms, and episodes in lock-step against episodes alone."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import gymnasium
import numpy as np
import pytest
import torch
from gymnasium.envs.registration import EnvSpec
from scipy.stats import entropy
from torch import Tensor, nn

from harness.catalog import Catalog
from harness.data import Split, Splits
from harness.errors import DataError, UsageError
from harness.tasks import Learning, Played, Task
from harness.tasks._episodes import Stage, draw, play
from harness.tasks.policy_gradient import advantages, mean_entropy, returns_to_go

TASK: Task = Catalog().load("tasks", "policy_gradient")
Environment = gymnasium.Env[Any, Any]


@pytest.fixture(autouse=True)
def _own_random_stream() -> Iterator[None]:
    with torch.random.fork_rng():
        torch.manual_seed(11)
        yield


@dataclass
class Episode:
    """What one episode saw, did and got."""

    observations: list[Any]
    actions: list[int] = field(default_factory=list)
    rewards: list[float] = field(default_factory=list)


class Recorder(gymnasium.Wrapper[Any, Any, Any, Any]):
    """Notes every episode that is played in an environment."""

    def __init__(self, env: Environment, episodes: list[Episode]) -> None:
        super().__init__(env)
        self.episodes = episodes

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        observation, info = self.env.reset(seed=seed, options=options)
        self.current = Episode([observation])
        self.episodes.append(self.current)
        return observation, info

    def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        observation, reward, terminated, truncated, info = self.env.step(action)
        self.current.observations.append(observation)
        self.current.actions.append(action)
        self.current.rewards.append(float(reward))
        return observation, reward, terminated, truncated, info


class Bandit(gymnasium.Env[Any, Any]):
    """One step: arm 0 gives 3, arm 1 gives 1."""

    observation_space = gymnasium.spaces.Box(0, 1, (1,), np.float32)
    action_space = gymnasium.spaces.Discrete(2)
    rewards = (3.0, 1.0)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        return np.ones(1, np.float32), {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        return np.ones(1, np.float32), self.rewards[action], True, False, {}


class Preference(nn.Module):
    """A policy that looks at nothing: one logit for each action."""

    def __init__(self, *logits: float) -> None:
        super().__init__()
        self.logits = nn.Parameter(torch.tensor(logits))

    def forward(self, x_BF: Tensor) -> Tensor:
        return self.logits.expand(len(x_BF), -1)


def cartpole() -> Environment:
    """gymnasium's own, with its checks."""
    return gymnasium.make("CartPole-v1")


def data(make: Callable[[], Environment], seeds: list[int]) -> Splits:
    """A data set whose splits are all the same episodes."""
    split = Split(torch.tensor(seeds), torch.zeros(len(seeds), dtype=torch.int64))
    return Splits(split, split, ("a", "b"), environment=make)


def start(make: Callable[[], Environment], **options: Any) -> Learning:
    """The task in an environment."""
    return TASK.start(data(make, [1]), **options)


def played(learning: Learning, model: nn.Module, seeds: list[int]) -> Played:
    """A training loss over the episodes of these seeds."""
    result = learning.turns[0].loss(model, torch.tensor(seeds), torch.zeros(len(seeds), dtype=torch.int64))
    assert isinstance(result, Played)
    return result


def split(*seeds: int) -> Split:
    """Episodes to evaluate on."""
    return data(cartpole, list(seeds)).test


def network() -> nn.Module:
    """A small policy for CartPole."""
    return nn.Sequential(nn.Linear(4, 16), nn.Tanh(), nn.Linear(16, 2))


def gradient(model: nn.Module, loss: Tensor) -> Tensor:
    """All of a loss's gradients in one vector."""
    return torch.cat([part.flatten() for part in torch.autograd.grad(loss, list(model.parameters()))])


def credit(episodes: list[Episode], gamma: float, baseline: str) -> list[list[float]]:
    """What each action of each episode is credited with, by loops over the definition."""
    togo = [
        [
            sum(gamma ** (later - t) * episode.rewards[later] for later in range(t, len(episode.rewards)))
            for t in range(len(episode.rewards))
        ]
        for episode in episodes
    ]
    if baseline == "none":
        return togo
    means = [sum(each[t] for each in togo if t < len(each)) / len(togo) for t in range(max(len(each) for each in togo))]
    centred = [[value - means[t] for t, value in enumerate(each)] for each in togo]
    flat = [value for each in centred for value in each]
    scale = (sum(value**2 for value in flat) / len(flat)) ** 0.5
    return [[value / scale for value in each] for each in centred]


@pytest.mark.parametrize("gamma", [0.9, 1.0])
@pytest.mark.parametrize("baseline", ["batch", "none"])
def test_gradient_is_reinforce(gamma: float, baseline: str) -> None:
    """Minus the mean over episodes of Σ credit · ∇ log π(action), one action at a time, from what was really played."""
    episodes: list[Episode] = []
    learning = start(lambda: Recorder(cartpole(), episodes), gamma=gamma, baseline=baseline)
    model = network()
    episodes.clear()

    result = played(learning, model, [3, 1, 4, 15, 9])

    expected = torch.zeros(())
    for episode, credits in zip(episodes, credit(episodes, gamma, baseline), strict=True):
        for seen, action, amount in zip(episode.observations, episode.actions, credits, strict=False):
            expected = expected - amount * torch.log(model(torch.from_numpy(seen)).softmax(0)[action]) / 5
    torch.testing.assert_close(gradient(model, result.loss), gradient(model, expected), rtol=1e-3, atol=1e-4)
    assert [sum(episode.rewards) for episode in episodes] == result.returns.tolist()


def test_rewards_to_go_by_hand() -> None:
    """Rewards 1, 2, 3 halved at each step give 2.75, 3.5, 3; an episode that ended sooner stays at 0."""
    rewards_TB = torch.tensor([[1.0, 4.0], [2.0, 1.0], [3.0, 0.0]], dtype=torch.float64)

    assert returns_to_go(rewards_TB, 0.5).tolist() == [[2.75, 4.5], [3.5, 1.0], [3.0, 0.0]]
    assert returns_to_go(rewards_TB, 1.0).tolist() == [[6.0, 5.0], [5.0, 1.0], [3.0, 0.0]]
    assert returns_to_go(rewards_TB, 0.0).tolist() == rewards_TB.tolist()


def test_a_bandit_has_reinforces_closed_form() -> None:
    """Without a baseline each pull adds -reward · (one-hot - π) / B; over many pulls that is -π₀ π₁ (3 - 1) for arm 0."""
    model, pulls = Preference(0.4, 0.0), 20_000
    result = played(start(Bandit, baseline="none"), model, [0] * pulls)
    pi = torch.tensor([0.4, 0.0]).softmax(0)
    share = (result.returns == 3.0).double().mean().item()

    found = gradient(model, result.loss)

    exact = -(share * 3 * (1 - pi[0]) - (1 - share) * 1 * pi[0])
    torch.testing.assert_close(found, torch.stack([exact, -exact]).float(), rtol=1e-4, atol=1e-6)
    assert share == pytest.approx(pi[0].item(), abs=4 * 0.5 / pulls**0.5)
    assert found[0].item() == pytest.approx(-2 * (pi[0] * pi[1]).item(), abs=4 * 3 / pulls**0.5)


def test_the_baseline_takes_the_size_of_rewards_out() -> None:
    """A bandit's gradient is then -√(p (1 - p)) for the better arm, p being the share of pulls that took it, whatever π."""
    model = Preference(0.7, -0.2)
    result = played(start(Bandit), model, [0] * 200)
    p = (result.returns == 3.0).double().mean().item()

    expected = (p * (1 - p)) ** 0.5
    torch.testing.assert_close(gradient(model, result.loss), torch.tensor([-expected, expected]), rtol=1e-4, atol=1e-6)


def test_equal_returns_teach_nothing() -> None:
    """Where all episodes fare alike, or there is only one, the gradient is 0 and no division by 0 happens."""
    model = Preference(0.3, 0.1)

    for seeds in ([5], [0]):
        assert not gradient(model, played(start(Bandit), model, seeds).loss).any()


def test_learns_the_better_arm() -> None:
    """A hundred updates of ten pulls make the better arm's probability exceed 0.9."""
    model, learning = Preference(0.0, 0.0), start(Bandit)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
    for _ in range(100):
        optimizer.zero_grad()
        torch.autograd.backward(played(learning, model, list(range(10))).loss)
        optimizer.step()

    assert model.logits.softmax(0)[0].item() > 0.9


def test_same_seeds_play_the_same_episodes() -> None:
    """The global stream and the episodes' seeds decide everything: losses, returns and gradients are equal to the bit."""
    model, learning = network(), start(cartpole)

    def once(stream: int) -> tuple[Tensor, Tensor]:
        torch.manual_seed(stream)
        result = played(learning, model, [7, 8, 9])
        return result.returns, gradient(model, result.loss)

    first, again, other = once(1), once(1), once(2)

    assert torch.equal(first[0], again[0])
    assert torch.equal(first[1], again[1])
    assert not torch.equal(first[1], other[1])


def alone(model: nn.Module, seed: int) -> float:
    """The return of one episode, played in a loop of its own, one number of its seed's generator a step."""
    generator, env = torch.Generator().manual_seed(seed), cartpole()
    observation, _ = env.reset(seed=seed)
    total, ended = 0.0, False
    while not ended:
        with torch.no_grad():
            probability = model(torch.from_numpy(observation)).double().softmax(0)[0].item()
        u = torch.rand((), generator=generator, dtype=torch.float64).item()
        observation, reward, terminated, truncated, _ = env.step(0 if u < probability else 1)
        total, ended = total + float(reward), terminated or truncated
    return total


@pytest.mark.parametrize("batch_size", [1, 5, 12, 100])
def test_lock_step_equals_each_episode_alone(batch_size: int) -> None:
    """Episodes played together fare as each does by itself in gymnasium's environment, whatever the batch size."""
    model, seeds = network(), list(range(100, 112))

    scores = start(cartpole).evaluate(model, split(*seeds), batch_size)

    assert scores.returns is not None
    assert [alone(model, seed) for seed in seeds] == scores.returns.tolist()
    assert scores.values["mean_return"] == pytest.approx(sum(scores.returns) / 12, rel=1e-12)


def test_starts_as_the_environment_does() -> None:
    """Each episode's first observation is that of env.reset with its seed, also in an environment used before."""
    stage = Stage(cartpole)
    for _ in range(2):
        episodes = play(stage, [5, 1, 5], lambda observations, running: [0] * len(running))

        expected = [cartpole().reset(seed=seed)[0] for seed in (5, 1, 5)]
        np.testing.assert_array_equal(expected, episodes.observations[:3].numpy())
        assert len(stage.held) == 3


def test_steps_stand_in_the_order_of_time() -> None:
    """Observations and actions are those of the running episodes, time by time; rewards are 0 after an end."""
    recorded: list[Episode] = []
    stage = Stage(lambda: Recorder(cartpole(), recorded))
    episodes = play(stage, [1, 2, 3], lambda observations, running: [b % 2 for b in running])

    at = [(t, b) for t in range(len(episodes.running)) for b in range(3) if t < len(recorded[b].actions)]
    assert at == [tuple(place) for place in episodes.running.nonzero().tolist()]
    assert [recorded[b].actions[t] for t, b in at] == episodes.actions.tolist()
    np.testing.assert_array_equal([recorded[b].observations[t] for t, b in at], episodes.observations.numpy())
    for b in range(3):
        rewards = episodes.rewards[:, b].tolist()
        assert recorded[b].rewards + [0.0] * (len(rewards) - len(recorded[b].rewards)) == rewards


def test_a_time_limit_ends_an_episode() -> None:
    """An episode that is cut off counts as ended, with what it got so far."""
    learning = start(lambda: gymnasium.wrappers.TimeLimit(cartpole().unwrapped, 6))

    assert learning.evaluate(network(), split(1, 2), 8).values["mean_return"] == 6.0


def test_draws_with_the_policys_probabilities() -> None:
    """u picks the action in whose stretch of the cumulated probabilities it falls, stretches closed on the left."""
    logits = torch.tensor([1.0, -0.5, 2.0, 0.0])
    edges = np.cumsum(np.exp(logits.double().numpy()) / np.exp(logits.double().numpy()).sum())
    grid = (np.arange(10_000) + 0.5) / 10_000

    found = draw(logits.expand(len(grid), -1), torch.from_numpy(grid))

    np.testing.assert_array_equal(np.searchsorted(edges, grid, side="right"), found.numpy())


@pytest.mark.parametrize("taken", [[0], [3], [0, 1], [2, 3], [0, 3], [1, 2, 3]])
@pytest.mark.parametrize("lowest", [float("-inf"), torch.finfo(torch.float32).min])
@pytest.mark.parametrize("u", [0.0, 0.3, 1 - 2**-53])
def test_never_draws_what_is_masked(taken: list[int], lowest: float, u: float) -> None:
    """An action of probability 0 is not drawn, not even by the smallest or largest u there is."""
    logits = torch.randn(1000, 4) * 5
    logits[:, taken] = lowest

    drawn = draw(logits, torch.full((1000,), u, dtype=torch.float64))

    assert not set(drawn.tolist()) & set(taken)
    assert 0 <= drawn.min() <= drawn.max() <= 3


def test_chance_balances_for_22_steps() -> None:
    """A policy of pure chance has the published mean return on CartPole, about 22, and never wins."""
    scores = start(cartpole).evaluate(Preference(0.0, 0.0), split(*range(1000)), 1000)

    assert scores.values["mean_return"] == pytest.approx(22.2, abs=1.6)
    assert scores.values["win_rate"] == 0.0


def test_greedy_takes_the_likeliest_action() -> None:
    """A slight preference decides every action of a greedy evaluation, and only some of a drawn one."""
    model, episodes = Preference(0.0, 0.1), split(1, 2, 3)
    always: list[float] = []
    for seed in (1, 2, 3):
        env, steps, ended = cartpole(), 0, False
        env.reset(seed=seed)
        while not ended:
            ended = env.step(1)[2]
            steps += 1
        always.append(float(steps))

    greedy, drawn = (start(cartpole, greedy=choice).evaluate(model, episodes, 8).returns for choice in (True, False))

    assert greedy is not None
    assert drawn is not None
    assert always == greedy.tolist()
    assert always != drawn.tolist()


def test_evaluating_draws_nothing_from_global_streams() -> None:
    """The streams of torch, NumPy and Python stand where they stood, and every module keeps its mode."""
    model = network().train()
    before = torch.get_rng_state(), np.random.get_state(legacy=False), random.getstate()

    start(cartpole).evaluate(model, split(1, 2, 3), 2)

    assert torch.equal(before[0], torch.get_rng_state())
    np.testing.assert_equal(np.random.get_state(legacy=False), before[1])
    assert before[2] == random.getstate()
    assert all(module.training for module in model.modules())


def test_evaluating_between_steps_does_not_change_training() -> None:
    """A training with evaluations ends at the weights of one without, to the bit, though both use the same environments."""

    def trained(evaluate: bool) -> Tensor:
        torch.manual_seed(2)
        model, learning = network(), start(cartpole)
        optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
        for _ in range(3):
            optimizer.zero_grad()
            torch.autograd.backward(played(learning, model, [1, 2, 3]).loss)
            optimizer.step()
            if evaluate:
                learning.evaluate(model, split(4, 5), 2)
        return nn.utils.parameters_to_vector(model.parameters()).detach()

    assert torch.equal(trained(evaluate=False), trained(evaluate=True))


def test_autocast_reaches_every_weight() -> None:
    """In bfloat16 the gradient is that of float32 to its precision: acting without gradients leaves no cast weights behind."""
    model = network()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(parameter.bfloat16())  # so that both precisions hold the same weights
    learning = start(cartpole)

    def found(enabled: bool) -> Tensor:
        torch.manual_seed(4)
        with torch.autocast("cpu", torch.bfloat16, enabled=enabled):
            return gradient(model, played(learning, model, list(range(30))).loss)

    assert nn.functional.cosine_similarity(found(True), found(False), dim=0).item() > 0.5
    assert bool(found(True).any())


def test_entropy_is_scipys() -> None:
    """Mean entropy over rows is scipy's; an action of probability 0 adds nothing and spoils no gradient."""
    logits = torch.randn(6, 5)
    logits[:, 2] = float("-inf")
    logits.requires_grad_()

    found = mean_entropy(logits.log_softmax(dim=1))
    torch.autograd.backward(found)

    assert found.item() == pytest.approx(entropy(logits.detach().softmax(dim=1).numpy(), axis=1).mean(), rel=1e-5)
    assert logits.grad is not None
    assert bool(logits.grad.isfinite().all())


def test_the_entropy_option_is_its_weight() -> None:
    """The loss is lower by weight times the mean entropy; that of two equal arms is log 2."""
    plain, rewarded = (
        (torch.manual_seed(1), played(start(Bandit, entropy=weight), Preference(0.0, 0.0), [0] * 8).loss.item())[1]
        for weight in (0.0, 0.5)
    )

    assert plain - rewarded == pytest.approx(0.5 * np.log(2), rel=1e-5)


class Threshold(Bandit):
    """The bandit, with a published threshold that its worse arm does not reach."""

    spec = EnvSpec("Threshold-v0", reward_threshold=3.0)


def test_a_win_reaches_the_environments_threshold() -> None:
    """With a threshold of 3 arm 1 loses; an environment that publishes none is won by any return above 0."""
    worse = Preference(-50.0, 50.0)

    assert start(Threshold).evaluate(worse, split(1, 2), 2).values == {"mean_return": 1.0, "win_rate": 0.0}
    assert start(Bandit).evaluate(worse, split(1, 2), 2).values == {"mean_return": 1.0, "win_rate": 1.0}
    assert start(Threshold).evaluate(Preference(50.0, -50.0), split(1), 2).values == {"mean_return": 3.0, "win_rate": 1.0}


def test_inference_takes_observations_of_the_environments_shape() -> None:
    """What is timed is the policy on as many observations as there are seeds."""
    model = network()

    logits = start(cartpole).infer(model, torch.tensor([4, 5, 6]))

    assert isinstance(logits, Tensor)
    torch.testing.assert_close(logits, model(torch.zeros(3, 4)))


def test_baseline_counts_ended_episodes_as_nothing() -> None:
    """Two episodes of 1 and 3 steps, undiscounted: the mean to go is 2, 1, 0.5; the long one is credited to its end."""
    lengths = iter([1, 3])

    def limited() -> Environment:
        return gymnasium.wrappers.TimeLimit(cartpole().unwrapped, next(lengths))

    episodes = play(Stage(limited), [1, 2], lambda observations, running: [0] * len(running))

    root = ((1 + 1 + 1 + 0.25) / 4) ** 0.5
    expected = torch.tensor([-1.0, 1.0, 1.0, 0.5], dtype=torch.float64) / root
    torch.testing.assert_close(advantages(episodes, 1.0, "batch"), expected)


def test_a_data_set_without_an_environment_is_refused() -> None:
    """Pictures cannot be acted in."""
    with pytest.raises(UsageError, match="no environment to act in; choose one that has, such as cartpole"):
        TASK.start(replace(data(cartpole, [1]), environment=None))


def test_actions_have_to_match_their_names() -> None:
    """An environment with more actions than names, or with actions that have no number, is refused."""
    continuous = gymnasium.make("Pendulum-v1")

    for make, found in ((lambda: gymnasium.make("Acrobot-v1"), "Discrete(3)"), (lambda: continuous, "Box(-2.0, 2.0")):
        with pytest.raises(UsageError) as caught:
            start(make)
        assert f"the environment's actions are {found}" in str(caught.value)
        assert "the data set names 2; allowed are actions numbered from 0, Discrete(2)" in str(caught.value)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"gamma": 1.1}, "option gamma = 1.1: not a number in reach; allowed: 0 to 1"),
        ({"gamma": "x"}, "option gamma = 'x': not a number in reach; allowed: 0 to 1"),
        ({"baseline": "bach"}, "option baseline = 'bach': unknown, did you mean 'batch'?; allowed: batch, none"),
        ({"baseline": False}, "option baseline = False: unknown; allowed: batch, none"),
        ({"entropy": -0.1}, "option entropy = -0.1: not a number in reach; allowed: 0 to 1000"),
        ({"greedy": "no"}, "option greedy = 'no': neither true nor false"),
    ],
)
def test_options_are_checked(options: dict[str, Any], message: str) -> None:
    """An option out of reach is a usage error that says what is allowed."""
    with pytest.raises(UsageError) as caught:
        start(cartpole, **options)

    assert message in str(caught.value)


def test_empty_split_is_an_error() -> None:
    """No score is made up for no episodes."""
    with pytest.raises(DataError, match="the split holds no episodes"):
        start(cartpole).evaluate(network(), split(), 8)


def test_declares_its_scores() -> None:
    """What the source declares is what evaluating yields; episodes differ in length."""
    learning = start(Bandit)

    assert tuple(TASK.scores) == tuple(learning.evaluate(Preference(0.0, 0.0), split(1), 1).values)
    assert TASK.primary == "mean_return"
    assert not learning.steady
