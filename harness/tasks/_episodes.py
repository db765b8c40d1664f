"""Playing episodes in lock-step: many at once, one forward pass of the policy for each time step.

Shape suffixes: B episodes, R those still running, K actions, T time steps, S steps of all episodes, O one observation's shape.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

if TYPE_CHECKING:
    import gymnasium

Act = Callable[[Tensor, list[int]], list[int]]
"""`act(observations_RO, running)`: one action for each of the episodes numbered in `running`, which is in rising order."""


@dataclass
class Stage:
    """Copies of one environment, made when they are first needed and used again."""

    make: Callable[[], gymnasium.Env[Any, Any]]
    held: list[gymnasium.Env[Any, Any]] = field(default_factory=list)

    def take(self, count: int) -> list[gymnasium.Env[Any, Any]]:
        """Return that many environments."""
        self.held += [self.make() for _ in range(count - len(self.held))]
        return self.held[:count]


@dataclass(frozen=True)
class Episodes:
    """Episodes that were played to their ends; on the CPU.

    The S steps stand in the order of time, those of one time in the order of the episodes.
    """

    observations: Tensor
    """[S, *O], what was seen before each step, float32."""
    actions: Tensor
    """[S], int64."""
    rewards: Tensor
    """[T, B], float64; 0 once an episode has ended."""
    running: Tensor
    """[T, B], whether episode b made a step at time t; the S steps are its true places, row by row."""

    @property
    def returns(self) -> Tensor:
        """[B], sum of each episode's rewards, undiscounted, float64."""
        return self.rewards.sum(dim=0)


def play(stage: Stage, seeds: Sequence[int], act: Act) -> Episodes:
    """Play one episode for each seed, all at the same time, until the last has ended or was cut off by its time limit.

    Each episode starts as `env.reset(seed=…)` has it, in an environment of its own: it runs as it would alone.

    Args:
        stage: where the environments are.
        seeds: of the episodes, at least one.
        act: chooses the actions.
    """
    environments = stage.take(len(seeds))
    seen = {b: environments[b].reset(seed=seed)[0] for b, seed in enumerate(seeds)}
    observations: list[Tensor] = []
    actions: list[int] = []
    rewards: list[list[float]] = []
    running: list[list[bool]] = []
    while seen:
        observations.append(torch.from_numpy(np.stack([*seen.values()]).astype(np.float32, copy=False)))
        chosen = act(observations[-1], [*seen])
        actions += chosen
        running.append([b in seen for b in range(len(seeds))])
        rewards.append([0.0] * len(seeds))
        for b, action in zip([*seen], chosen, strict=True):
            seen[b], reward, terminated, truncated, _ = environments[b].step(action)
            rewards[-1][b] = float(reward)
            if terminated or truncated:
                del seen[b]
    rewards_TB = torch.tensor(rewards, dtype=torch.float64)
    return Episodes(torch.cat(observations), torch.tensor(actions), rewards_TB, torch.tensor(running))


def draw(logits_RK: Tensor, uniforms_R: Tensor) -> Tensor:
    """Return an action for each row, [R], drawn by its softmax: the first at which the cumulated probability exceeds u.

    An action whose logit is -inf is never drawn.

    Args:
        logits_RK: of any floating type.
        uniforms_R: u of each row, float64, from 0 up to but not 1.
    """
    cumulated_RK = logits_RK.double().softmax(dim=1).cumsum(dim=1)
    # scaled by the last sum, which rounding may leave beside 1: u stays below it, so that the count stays below K
    return (cumulated_RK <= uniforms_R[:, None] * cumulated_RK[:, -1:]).sum(dim=1)


class Uniforms:
    """A stream of uniform numbers for each episode. Its seed alone decides: neither who else plays, nor a global stream."""

    BLOCK = 64
    """Numbers drawn at once from a stream."""

    def __init__(self, seeds: Sequence[int]) -> None:
        self._generators = [torch.Generator().manual_seed(seed) for seed in seeds]
        self._time = 0
        self._block_BT = torch.empty(0)

    def next(self, running: list[int]) -> Tensor:
        """Return the next number of each episode's stream for those that are running, [R], float64."""
        column = self._time % self.BLOCK
        if column == 0:
            rows = [torch.rand(self.BLOCK, generator=each, dtype=torch.float64) for each in self._generators]
            self._block_BT = torch.stack(rows)
        self._time += 1
        return self._block_BT[running, column]
