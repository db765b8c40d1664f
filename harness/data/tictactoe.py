"""Tic-tac-toe against an opponent that plays at random; an episode is a sample.

An observation is the board in three planes of nine: the agent's marks, the opponent's, the empty fields. A won game gives
1, a lost one -1, a draw 0. Who begins is drawn, half of the games each. A player of pure chance wins 43.7 % of the games
and loses as many, a mean return of 0; the best possible is 0.960, with 96.4 % won.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.data._base import Dataset, LoadContext, Splits
from harness.data._seeds import episode_splits

if TYPE_CHECKING:
    import gymnasium

FIELD_NAMES = (
    "upper left",
    "upper middle",
    "upper right",
    "left",
    "centre",
    "right",
    "lower left",
    "lower middle",
    "lower right",
)


def load(
    context: LoadContext, *, train_episodes: int = 4000, test_episodes: int = 500, validation_episodes: int = 200
) -> Splits:
    """Return the seeds of the games and what makes the environment.

    Args:
        context: not looked at; nothing is fetched.
        train_episodes: games of an epoch; their seeds decide who begins and the opponent's draws.
        test_episodes: games that are scored.
        validation_episodes: games that choose among epochs.

    Raises:
        UsageError: a number of games that is not allowed.
    """
    return episode_splits(
        environment,
        classes=FIELD_NAMES,
        train_episodes=train_episodes,
        test_episodes=test_episodes,
        validation_episodes=validation_episodes,
    )


def environment() -> gymnasium.Env[Any, Any]:
    """Return the game."""
    from harness.data._tictactoe import TicTacToe

    return TicTacToe()


DATASET = Dataset(
    load=load,
    shape=(27,),
    classes=9,
    sizes=(4000, 500),
    source="The harness's own game, with gymnasium's interface",
    validation=True,
    synthetic=True,
    preload=("gymnasium",),
)
