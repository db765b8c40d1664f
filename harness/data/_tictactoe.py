"""Tic-tac-toe as an environment: the agent against an opponent that plays at random."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gymnasium
import numpy as np
import numpy.typing as npt
from gymnasium.envs.registration import EnvSpec

EMPTY, OWN, OTHER = 0, 1, 2
"""What a field holds: nothing, a mark of the agent, a mark of its opponent."""
FIELDS = 9
"""Numbered row by row from the upper left."""
LINES = ((0, 1, 2), (3, 4, 5), (6, 7, 8), (0, 3, 6), (1, 4, 7), (2, 5, 8), (0, 4, 8), (2, 4, 6))
"""The rows, the columns and the diagonals."""
PLANES = np.array([[OWN], [OTHER], [EMPTY]], dtype=np.int8)

Observation = npt.NDArray[np.float32]
Step = tuple[Observation, float, bool, bool, dict[str, Any]]


def has_line(fields: Sequence[int], player: int) -> bool:
    """Return whether the nine fields hold three marks of a player in a line."""
    return any(fields[a] == fields[b] == fields[c] == player for a, b, c in LINES)


def observe(fields: Sequence[int]) -> Observation:
    """Return the board as three planes of nine, [27]: 1 where the agent's mark is, the opponent's, none."""
    planes = np.equal(np.asarray(fields, dtype=np.int8), PLANES)
    return planes.astype(np.float32).ravel()


class TicTacToe(gymnasium.Env[Observation, int]):
    """Three in a row wins: reward 1 for the agent's line, -1 for the opponent's, 0 for a full board and for every other step.

    Actions are the fields' numbers; one that is taken loses the game at once. The info's `action_mask` marks the empty fields,
    as does the observation's third plane. A draw of the environment's own stream decides who begins, and further ones the
    opponent's moves, all empty fields being equally likely.
    """

    def __init__(self) -> None:
        self.observation_space = gymnasium.spaces.Box(0.0, 1.0, (3 * FIELDS,), np.float32)
        self.action_space = gymnasium.spaces.Discrete(FIELDS)  # type: ignore[assignment]  # numbers are as good as NumPy's
        self.spec = EnvSpec("TicTacToe-v0", entry_point=f"{__name__}:TicTacToe", reward_threshold=1.0)
        self._fields = [EMPTY] * FIELDS
        self._over = True

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Observation, dict[str, Any]]:
        """Clear the board; the opponent moves first in half of the games.

        Args:
            seed: of who begins and of the opponent's moves.
            options: none are known.
        """
        super().reset(seed=seed)
        self._fields, self._over = [EMPTY] * FIELDS, False
        if self.np_random.random() < 0.5:
            self._answer()
        return observe(self._fields), self._info()

    def step(self, action: int) -> Step:
        """Set the agent's mark, and the opponent's unless the game is over.

        Raises:
            gymnasium.error.ResetNeeded: the game was over before.
        """
        if self._over:
            raise gymnasium.error.ResetNeeded("the game is over; call reset() before the next step")
        reward = self._move(int(action))
        return observe(self._fields), reward, self._over, False, self._info()

    def _move(self, field: int) -> float:
        """Play one turn of both and return its reward."""
        if self._fields[field] != EMPTY:
            self._over = True
            return -1.0
        if self._set(field, OWN):
            return 1.0
        if self._over:
            return 0.0
        return -1.0 if self._answer() else 0.0

    def _answer(self) -> bool:
        """Let the opponent move; return whether it has won."""
        empty = [field for field, mark in enumerate(self._fields) if mark == EMPTY]
        return self._set(empty[int(self.np_random.random() * len(empty))], OTHER)

    def _set(self, field: int, player: int) -> bool:
        """Set a mark; return whether it wins."""
        self._fields[field] = player
        won = has_line(self._fields, player)
        self._over = won or EMPTY not in self._fields
        return won

    def _info(self) -> dict[str, Any]:
        return {"action_mask": np.array([mark == EMPTY for mark in self._fields], dtype=np.int8)}
