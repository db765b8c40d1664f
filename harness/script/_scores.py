"""The scores that a script gives: by the names of metrics, or with a direction of their own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import partial

from harness.errors import UsageError, nearest
from harness.metrics import Metric, of_score
from harness.observations import Direction


class ScoreNames:
    """What scores may be called, and which way each is better.

    Args:
        metrics: the catalogue's metrics.
        given: directions of scores that no metric knows.

    Raises:
        UsageError: a direction is none, or not that of the metric.
    """

    def __init__(self, metrics: Mapping[str, Metric], given: Mapping[str, Direction]) -> None:
        self._known = {name: metric for name, metric in metrics.items() if (metric.metric_class, metric.phase) == _SCORE}
        self._given, self._taken = dict(given), metrics.keys() - self._known.keys()
        for name, direction in given.items():
            known = self._known.get(name)
            allowed = [known.direction] if known else ["higher", "lower"]
            if direction not in allowed or name in self._taken:
                what = (
                    "is a metric that the harness measures itself"
                    if name in self._taken
                    else f"allowed: {' or '.join(allowed)}"
                )
                raise UsageError(f"directions: {name} = {direction!r}: {what}")

    def metric_of(self, name: str) -> str:
        """Return the metric that a score is stored as: 'loss' is test_loss, others have the metric's name.

        Raises:
            UsageError: which way the score is better is not known.
        """
        if name in self._known or name in self._given:
            return name
        for metric, known in self._known.items():
            if known.score == name and len([other for other in self._known.values() if other.score == name]) == 1:
                return metric
        raise UsageError(
            f"run.score: {name!r} is no metric of the catalogue{nearest(name, self._known)}; which way is it better? "
            f'Say so: harness.measure(..., directions={{"{name}": "higher"}})'
        )

    def direction_of(self, name: str) -> Direction:
        """Return which way a score is better."""
        metric = self._known.get(self.metric_of(name))
        return metric.direction if metric else self._given[name]

    def metrics_of(self, scores: Iterable[str]) -> dict[str, Metric]:
        """Return the metrics that store the scores as they are given."""
        return {self.metric_of(name): self._metric(name) for name in scores}

    def _metric(self, name: str) -> Metric:
        measure = partial(of_score, name=name)
        if known := self._known.get(self.metric_of(name)):
            return replace(known, measure=measure, score=name)
        return Metric(measure, name, "1", self._given[name], "quality", "eval", score=name)


_SCORE = ("quality", "eval")
"""Class and phase of the metrics that are scores."""
