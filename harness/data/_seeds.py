"""Episodes as samples: the seeds of three splits, which never meet."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import torch

from harness.data._base import Split, Splits
from harness.options import check_count

if TYPE_CHECKING:
    import gymnasium

ROOM = 1_000_000
"""Seeds reserved for each split."""
FIRST = {"train": 0, "validation": ROOM, "test": 2 * ROOM}
"""First seed of each split; the others follow."""


def episode_splits(
    environment: Callable[[], gymnasium.Env[Any, Any]],
    *,
    classes: tuple[str, ...],
    train_episodes: int,
    test_episodes: int,
    validation_episodes: int,
) -> Splits:
    """Return an environment's data set: seeds as inputs, [N] int64, zeros as labels.

    Args:
        environment: makes one.
        classes: names of the actions.
        train_episodes: number of seeds for training.
        test_episodes: likewise for testing.
        validation_episodes: likewise for validation.

    Raises:
        UsageError: a number of episodes that is not from 1 to ROOM.
    """
    return Splits(
        train=_split("train", train_episodes),
        test=_split("test", test_episodes),
        validation=_split("validation", validation_episodes),
        classes=classes,
        environment=environment,
    )


def _split(split: str, episodes: int) -> Split:
    check_count(f"{split}_episodes", episodes, 1, ROOM)
    first = FIRST[split]
    return Split(torch.arange(first, first + episodes), torch.zeros(episodes, dtype=torch.int64))
