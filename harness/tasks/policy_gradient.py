"""Learning to act by REINFORCE: the policy's actions become likelier by the rewards that follow them; scored by mean return.

A sample is an episode, its input the episode's seed. A training step plays a batch of episodes with the policy as it
is, actions drawn from torch's global stream, and moves the policy along Σ_t A_t · ∇ log π(a_t | s_t). Sources: Williams
1992 (the gradient, and that a baseline leaves it unbiased); Sutton, McAllester, Singh, Mansour 2000 (the rewards that follow
an action are all that it is credited with).

Shape suffixes: B episodes, R those still running, N episodes of a split, K actions, T time steps, S steps of all episodes,
O one observation's shape.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from harness.data import Split, Splits
from harness.errors import DataError, UsageError
from harness.options import check_choice, check_flag, check_real
from harness.tasks._base import Learning, Played, Scores, Task, Turn, evaluation_mode
from harness.tasks._episodes import Act, Episodes, Stage, Uniforms, draw, play

if TYPE_CHECKING:
    import gymnasium

OWNER = "task 'policy_gradient'"
BASELINES = ("batch", "none")
LARGEST_WEIGHT = 1000
"""Of the entropy beside the loss, whose terms are about 1."""


def start(
    splits: Splits, *, gamma: float = 0.99, baseline: str = "batch", entropy: float = 0.0, greedy: bool = False
) -> Learning:
    """Return how an agent learns in the data set's environment.

    Args:
        splits: with an environment whose actions are numbered, and whose observations are arrays of one shape.
        gamma: a reward counts gamma^d for the action d steps before it; 1 counts every later reward alike.
        baseline: what returns are compared with: batch or none (see `advantages`).
        entropy: weight of the policy's mean entropy in the loss, which keeps it from settling early.
        greedy: whether evaluations take the likeliest action; if not, they draw it, as training does.

    Raises:
        UsageError: the data set has no environment, or not one action for each class; an option is not allowed.
    """
    if splits.environment is None:
        raise UsageError(
            "task policy_gradient: the data set has no environment to act in; choose one that has, such as cartpole"
        )
    _check_options(gamma, baseline, entropy, greedy)
    stage = Stage(splits.environment)
    environment = stage.take(1)[0]
    _check_actions(environment, len(splits.classes))
    threshold = environment.spec.reward_threshold if environment.spec else None
    shape = tuple(environment.observation_space.shape or ())
    agent = _Agent(stage, gamma, baseline, entropy, greedy, shape, threshold)
    turns, additive = (Turn(agent.loss),), baseline == "none"
    return Learning(turns, agent.evaluate, agent.infer, additive=additive, steady=False)


def _check_options(gamma: float, baseline: str, entropy: float, greedy: bool) -> None:
    check_real("gamma", gamma, 0, 1, OWNER)
    check_choice("baseline", baseline, BASELINES, OWNER)
    check_real("entropy", entropy, 0, LARGEST_WEIGHT, OWNER)
    check_flag("greedy", greedy, OWNER)


def _check_actions(environment: gymnasium.Env[Any, Any], classes: int) -> None:
    found = getattr(environment.action_space, "n", None)
    if found != classes:
        raise UsageError(
            f"task policy_gradient: the environment's actions are {environment.action_space}, the data set names {classes}; "
            f"allowed are actions numbered from 0, Discrete({classes}) for as many names"
        )


@dataclass(frozen=True)
class _Agent:
    """A task at work: where episodes are played, and the options."""

    stage: Stage
    gamma: float
    baseline: str
    entropy: float
    greedy: bool
    shape: tuple[int, ...]
    threshold: float | None
    """Return from which on an episode counts as won; None: any above 0."""

    def loss(self, model: nn.Module, inputs: Tensor, labels: Tensor) -> Played:
        """Play a batch of episodes and return the loss whose gradient is minus REINFORCE's estimate.

        The policy acts without gradients; one more pass over everything it saw gives the gradient. A layer that draws
        random numbers, such as dropout, would make these two different policies.

        Args:
            model: returns logits_BK.
            inputs: [B], int64 seeds of the episodes.
            labels: [B], not looked at.
        """
        with torch.no_grad():
            episodes = play(self.stage, inputs.tolist(), drawn(model, inputs.device, global_uniforms))
        # older releases of torch use weights that autocast has cast without gradients for the next pass too (issue 112583)
        torch.clear_autocast_cache()
        log_pi_SK = model(episodes.observations.to(inputs.device)).float().log_softmax(dim=1)
        log_pi_S = log_pi_SK.gather(1, episodes.actions.to(inputs.device)[:, None])[:, 0]
        advantages_S = advantages(episodes, self.gamma, self.baseline).to(log_pi_S)
        loss = -(advantages_S * log_pi_S).sum() / len(inputs)
        if self.entropy:
            loss = loss - self.entropy * mean_entropy(log_pi_SK)
        return Played(loss, episodes.returns)

    def evaluate(self, model: nn.Module, split: Split, batch_size: int) -> Scores:
        """Return the mean return of a split's episodes, undiscounted, and the share that is won.

        Actions are drawn (unless greedy) from a generator of each episode's own, seeded by its seed, so that the
        same policy always scores the same, whatever the batch size. No global random stream is drawn from.

        Args:
            model: returns logits_BK; on the split's device.
            split: inputs [N], the episodes' seeds.
            batch_size: episodes played at the same time.

        Raises:
            DataError: the split is empty.
        """
        if len(split) == 0:
            raise DataError("evaluating: the split holds no episodes, at least 1 is needed; choose a larger number of them")
        device, seeds = split.inputs.device, split.inputs.tolist()
        returns: list[Tensor] = []
        with evaluation_mode(model):
            for first in range(0, len(seeds), batch_size):
                chosen = seeds[first : first + batch_size]
                act = likeliest(model, device) if self.greedy else drawn(model, device, Uniforms(chosen).next)
                returns.append(play(self.stage, chosen, act).returns)
        returns_N = torch.cat(returns)
        won_N = returns_N > 0 if self.threshold is None else returns_N >= self.threshold
        values = {"mean_return": returns_N.mean().item(), "win_rate": won_N.double().mean().item()}
        return Scores(values, returns=returns_N.numpy())

    def infer(self, model: nn.Module, inputs: Tensor) -> Tensor:
        """Return the logits of as many observations, all of them zero, as there are inputs."""
        logits_BK: Tensor = model(torch.zeros(len(inputs), *self.shape, device=inputs.device))
        return logits_BK


def global_uniforms(running: list[int]) -> Tensor:
    """Return a uniform number from torch's global stream for each running episode, [R], float64."""
    return torch.rand(len(running), dtype=torch.float64)


def drawn(model: nn.Module, device: torch.device, uniforms: Callable[[list[int]], Tensor]) -> Act:
    """Return how a policy acts: each action drawn with the policy's probability."""

    def act(observations_RO: Tensor, running: list[int]) -> list[int]:
        # environments live on the CPU, and so does the drawing: the same numbers for every device
        actions: list[int] = draw(model(observations_RO.to(device)).cpu(), uniforms(running)).tolist()
        return actions

    return act


def likeliest(model: nn.Module, device: torch.device) -> Act:
    """Return how a greedy policy acts: always the action of the largest logit, the first of equals."""

    def act(observations_RO: Tensor, running: list[int]) -> list[int]:
        actions: list[int] = model(observations_RO.to(device)).argmax(dim=1).tolist()
        return actions

    return act


def returns_to_go(rewards_TB: Tensor, gamma: float) -> Tensor:
    """Return G_t = r_t + gamma · G_{t+1} for every step, [T, B], 0 once an episode has ended."""
    togo_TB = rewards_TB.clone()
    for t in range(len(togo_TB) - 2, -1, -1):
        togo_TB[t] += gamma * togo_TB[t + 1]
    return togo_TB


def advantages(episodes: Episodes, gamma: float, baseline: str) -> Tensor:
    """Return what each action is credited with, [S], float64.

    none: the return to go, G_t. batch: G_t less the mean of G_t at the same time t over all episodes of the batch, an ended
    episode counting as 0; all divided by the root of the mean square of these differences over the batch's steps, so
    that the size of rewards does not set the size of steps. The baseline of an action thus depends on its time
    and, by a B-th, on its own episode: with one episode every advantage is 0 and nothing is learnt.
    """
    togo_TB = returns_to_go(episodes.rewards, gamma)
    if baseline == "none":
        return togo_TB[episodes.running]
    centred_S = (togo_TB - togo_TB.mean(dim=1, keepdim=True))[episodes.running]
    scale = centred_S.square().mean().sqrt()
    return centred_S / scale if scale > 0 else centred_S


def mean_entropy(log_pi_SK: Tensor) -> Tensor:
    """Return the mean over steps of -Σ π log π, a scalar; an action of probability 0 adds nothing."""
    finite_SK = log_pi_SK.masked_fill(log_pi_SK.isneginf(), 0.0)
    return -(log_pi_SK.exp() * finite_SK).sum(dim=1).mean()


TASK = Task(
    primary="mean_return",
    scores={"mean_return": "higher", "win_rate": "higher"},
    start=start,
)
