"""CartPole: a pole is balanced on a cart that is pushed left or right, for 500 steps at most; an episode is a sample.

An observation is four numbers: position and speed of the cart, angle and speed of the pole. Every step gives a reward of
1; the episode ends when the pole leans by more than 12 degrees, the cart leaves the track, or after 500 steps. By
gymnasium's specification the problem is solved at a mean return of 475; a policy of pure chance balances for about 22 steps.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.data._base import Dataset, LoadContext, Splits
from harness.data._seeds import episode_splits

if TYPE_CHECKING:
    import gymnasium


def load(
    context: LoadContext, *, train_episodes: int = 4000, test_episodes: int = 100, validation_episodes: int = 50
) -> Splits:
    """Return the seeds of the episodes and what makes the environment.

    Args:
        context: not looked at; nothing is fetched.
        train_episodes: episodes of an epoch; their seeds decide the starts, the policy's draws all else.
        test_episodes: episodes that are scored.
        validation_episodes: episodes that choose among epochs.

    Raises:
        UsageError: a number of episodes that is not allowed.
    """
    return episode_splits(
        environment,
        classes=("left", "right"),
        train_episodes=train_episodes,
        test_episodes=test_episodes,
        validation_episodes=validation_episodes,
    )


def environment() -> gymnasium.Env[Any, Any]:
    """Return gymnasium's CartPole-v1 with its time limit of 500 steps."""
    import gymnasium

    return gymnasium.make("CartPole-v1")


def identity(context: LoadContext, **_options: object) -> str:
    """Return gymnasium's version: its code is the environment."""
    import gymnasium

    return f"gymnasium {gymnasium.__version__}"


DATASET = Dataset(
    load=load,
    identity=identity,
    shape=(4,),
    classes=2,
    sizes=(4000, 100),
    source="CartPole-v1 of gymnasium, after Barto, Sutton, Anderson 1983",
    validation=True,
    synthetic=True,
    preload=("gymnasium",),
)
