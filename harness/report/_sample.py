"""What sections show of one metric of one case: its values over seeds, and in words why others are lacking."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from harness.observations import NULL_REASONS
from harness.stats import summarise, t_interval


class Reading(NamedTuple):
    """One metric's number in one run; NaN for null."""

    value: float
    null_reason: str
    flag: str


@dataclass(frozen=True)
class Sample:
    """One metric of one case: a value per seed, and why others are lacking."""

    unit: str
    values: Mapping[int, float]
    """Seed -> mean over that seed's runs; finite values only."""
    lacking: tuple[str, ...] = ()
    """Why seeds have no value, in words, one entry a run; says why there is none at all, too."""
    flags: tuple[str, ...] = ()
    """What to beware of in the values, such as 'few_steps'."""

    @property
    def reason(self) -> str:
        """The commonest reason for a lacking value."""
        return Counter(self.lacking).most_common(1)[0][0] if self.lacking else ""

    @property
    def mean(self) -> float | None:
        """Mean over seeds; None without values."""
        return summarise(list(self.values.values())).mean if self.values else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """The 95 % t interval of the mean; None for fewer than two seeds."""
        return t_interval(list(self.values.values())) if len(self.values) > 1 else None


def text_of(value: object) -> str:
    """Return a stored text, '' for null."""
    return value if isinstance(value, str) else ""


def explain(reason: str) -> str:
    """Return a null reason in words: 'no_gpu: x' -> 'the run used no GPU: x'; '' is a value that is no number."""
    if not reason:
        return "the value is not a number"
    key, _, detail = reason.partition(":")
    words = NULL_REASONS.get(key, key)
    return f"{words}:{detail}" if detail else words
