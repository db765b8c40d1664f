"""The loss of each step, and the returns of the episodes where steps play some."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor

from harness.observations import Array


class DivergedError(Exception):
    """A loss or weight was NaN or infinite; names the first step at which it was seen."""


class Losses:
    """The loss of each step; kept on the device, fetched at each look."""

    def __init__(self) -> None:
        self.samples = 0
        self._pending: list[Tensor] = []
        self._fetched: list[Tensor] = []
        self._steps: list[tuple[int, int]] = []
        self._episodes: list[tuple[int, Tensor]] = []

    def __len__(self) -> int:
        return len(self._steps)

    def add(self, loss: Tensor, epoch: int, samples: int) -> None:
        """Note one step."""
        self._pending.append(loss)
        self._steps.append((epoch, samples))
        self.samples += samples

    def play(self, returns: Tensor) -> None:
        """Note the returns of episodes that the step in hand has played."""
        self._episodes.append((len(self) + 1, returns.detach().double().cpu()))

    def look(self) -> float:
        """Fetch the losses since the last look and return the newest.

        Raises:
            DivergedError: one of them is not finite.
        """
        if self._pending:
            fresh = torch.stack(self._pending).double().cpu()
            if not math.isfinite(fresh.sum().item()):  # float64: a sum of finite float32 losses cannot overflow
                first = int((~torch.isfinite(fresh)).nonzero()[0])
                step = len(self._steps) - len(self._pending) + first + 1
                raise DivergedError(f"training loss was {fresh[first].item()} at step {step}")
            self._fetched.append(fresh)
            self._pending.clear()
        return self._fetched[-1][-1].item()

    def arrays(self) -> tuple[Array, Array, Array]:
        """Return losses, epochs and samples of all steps, [steps] each."""
        steps = np.array(self._steps, dtype=np.int64).reshape(-1, 2)
        losses = torch.cat(self._fetched) if self._fetched else torch.empty(0, dtype=torch.float64)
        return losses.numpy(), steps[:, 0], steps[:, 1]

    def episodes(self) -> tuple[Array, Array]:
        """Return the step and the return of each training episode, [episodes] each."""
        steps = [np.full(len(returns), step) for step, returns in self._episodes]
        values = [returns.numpy() for _, returns in self._episodes]
        return np.concatenate([np.empty(0, np.int64), *steps]), np.concatenate([np.empty(0), *values])

    def state_dict(self) -> dict[str, Any]:
        """Return everything noted so far."""
        if self._pending:
            self.look()
        losses, epochs, samples = self.arrays()
        episode_steps, returns = self.episodes()
        arrays = {"losses": losses, "epochs": epochs, "samples": samples, "episode_steps": episode_steps, "returns": returns}
        return {name: torch.from_numpy(array) for name, array in arrays.items()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up what `state_dict` returned."""
        epochs, samples, steps = (state[name].tolist() for name in ("epochs", "samples", "episode_steps"))
        self.samples, self._fetched = sum(samples), [state["losses"]]
        self._steps = list(zip(epochs, samples, strict=True))
        self._episodes = [(step, state["returns"][index : index + 1]) for index, step in enumerate(steps)]
