"""How often the whole sequential rule calls equal code worse, by relabelling what was measured.

Both arms of a restart are the same code, so that which of its two processes is called the head is a coin's throw: with the
other name the change of each clock has the other sign. Each throw of one coin a restart makes a comparison that might as well
have been measured, with this machine's own spread, skew and drift; the rule judges it as `harness ab` would, one restart
after the other until all clocks of the case are decided.

Source: the randomisation test of Fisher, "The Design of Experiments", 1935, chapter 3, by random draws.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping, Sequence

from harness.paired import word_of

RELABELLINGS = 2000
"""Draws: of a true rate of 1 % they tell 0.6 to 1.4 %."""
DRAW_SEED = 20261122


def sequence(changes: Mapping[str, Sequence[float]], margins: Mapping[str, float], family: int) -> tuple[int, dict[str, str]]:
    """Return how many restarts a comparison takes, and each clock's verdict then.

    Args:
        changes: clock -> change in each restart that could be had, as logarithms, in order.
        margins: clock -> margin, relative.
        family: times that share the error.
    """
    most = min(map(len, changes.values()))
    words: dict[str, str] = {}
    for count in range(1, most + 1):
        found = {
            clock: word_of(values[:count], margins[clock], family, over=count == most) for clock, values in changes.items()
        }
        words = {clock: word for clock, word in found.items() if word}
        if len(words) == len(changes):
            return count, words
    return most, words


def false_alarms(
    changes: Mapping[str, Sequence[float]],
    margins: Mapping[str, float],
    family: int,
    relabellings: int = RELABELLINGS,
    seed: int = DRAW_SEED,
) -> dict[str, float]:
    """Return for each clock the share of relabelled comparisons that call it worse.

    Waiting for other processes and the sentinel kernels, which may turn *worse* into *inconclusive*, are left out: the true
    share is no larger.
    """
    draw, worse = random.Random(seed), Counter[str]()
    restarts = min(map(len, changes.values()))
    for _ in range(relabellings):
        signs = [draw.choice((-1, 1)) for _ in range(restarts)]
        relabelled = {
            clock: [sign * value for sign, value in zip(signs, values, strict=False)] for clock, values in changes.items()
        }
        worse.update(clock for clock, word in sequence(relabelled, margins, family)[1].items() if word == "worse")
    return {clock: worse[clock] / relabellings for clock in changes}
