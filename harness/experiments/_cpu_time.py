"""CPU time of several actions, measured in turns."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from statistics import median
from time import process_time
from typing import TypeVar

Key = TypeVar("Key", bound=Hashable)


def cpu_seconds(actions: Mapping[Key, Callable[[], object]], rounds: int = 5) -> dict[Key, float]:
    """Return the median CPU seconds of each action, of all threads together.

    The actions take turns, so that a slow spell of the machine falls on all of them; a first round is not counted.

    Args:
        actions: each does the same work whenever it is called, on the CPU.
        rounds: times that each is counted.
    """
    for action in actions.values():
        action()
    taken: dict[Key, list[float]] = {key: [] for key in actions}
    for _ in range(rounds):
        for key, action in actions.items():
            started = process_time()
            action()
            taken[key].append(process_time() - started)
    return {key: median(seconds) for key, seconds in taken.items()}
