"""What a training has bought: accuracy beyond that of answering the most frequent class to everything.

Efficiencies divide this, and not accuracy itself: a model that has learned nothing has cost nothing, and accuracy over next to
nothing would make it the most efficient of all.
"""

from __future__ import annotations

import numpy as np

from harness.metrics._readings import of_classes
from harness.observations import Array, Observations, Value, null, number


def gain(observations: Observations) -> Value:
    """Return test accuracy − the most frequent class's share of the test samples; below 0 for a model that is worse than it."""
    return of_classes(observations, _beyond_majority)


def gain_over(observations: Observations, cost: Value) -> Value:
    """Return gain ÷ cost; null where one of them is, for its reason, or where nothing was spent."""
    gained = gain(observations)
    if gained.value is None:
        return gained
    if cost.value is None:
        return cost
    return number(gained.value / cost.value, gained.n) if cost.value else null("not_applicable")


def _beyond_majority(labels: Array, predictions: Array) -> float:
    _, counts = np.unique(labels, return_counts=True)
    return float((labels == predictions).mean() - counts.max() / len(labels))
