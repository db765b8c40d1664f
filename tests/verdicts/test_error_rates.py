"""How often verdicts on quality are wrong, in a seeded simulation: a base of ten seeds, a head of three, five or ten.

Noise of six shapes: normal; skewed; accuracy near 1, of few test samples too; values with ties; two states, of which a
base may not have met the rarer one. The margin is what `harness check` lets pass: the detectable effect itself.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from harness.stats import contrast, detectable_effect, difference_interval, p_below
from harness.verdicts._sampled import ALPHA, POWER

SEEDS, TRIALS = 10, 4000

Draw = Callable[[np.random.Generator, int], np.ndarray]
SHAPES: dict[str, Draw] = {
    "normal": lambda draw, n: draw.normal(size=n),
    "skewed": lambda draw, n: -draw.exponential(size=n),
    "bounded": lambda draw, n: draw.beta(60, 1.5, size=n),
    "bounded, 360 samples": lambda draw, n: draw.binomial(360, 0.99, size=n) / 360,
    "tied": lambda draw, n: np.round(draw.normal(size=n)),
    "two-state": lambda draw, n: np.where(draw.random(n) < 0.3, -3.0, 0.0) + draw.normal(0.0, 0.5, n),
    "two-state, rare": lambda draw, n: np.where(draw.random(n) < 0.1, -5.0, 0.0) + draw.normal(0.0, 0.5, n),
}


@pytest.mark.slow
@pytest.mark.parametrize("seeds", [3, 5, 10])
@pytest.mark.parametrize("shape", sorted(SHAPES))
def test_verdicts_are_as_sure_as_they_say(shape: str, seeds: int) -> None:
    """95 % intervals cover in 93 % or more; an unchanged head is worse in 1 % or less; the printed effect is found in 90 %."""
    draw, take = np.random.default_rng(20261122), SHAPES[shape]
    mean, sd = take(draw, 1_000_000).mean(), take(draw, 1_000_000).std()
    margin = detectable_effect(sd, SEEDS, seeds, ALPHA, power=POWER)
    tests = [contrast(take(draw, SEEDS).tolist(), take(draw, seeds).tolist()) for _ in range(TRIALS)]
    spreads = [test.reach / np.sqrt(1 / SEEDS + 1 / seeds) for test in tests[:400]]
    printed = float(np.median([detectable_effect(spread, SEEDS, seeds, ALPHA, margin, POWER) for spread in spreads]))

    def worse(drop: float) -> float:
        fallen = [test._replace(difference=test.difference - drop) for test in tests]
        return float(np.mean([p_below(test) < ALPHA and -test.difference >= margin for test in fallen]))

    covered = [low <= 1e-12 and high >= -1e-12 for low, high in map(difference_interval, tests)]
    assert np.isfinite(mean)
    assert np.mean(covered) >= 0.93
    assert worse(0.0) <= 0.01
    assert worse(printed) >= 0.9
