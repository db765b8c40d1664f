"""One gated metric of one case, with what both sides hold of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from harness.observations import Direction, MetricClass
from harness.results import Series, Side, agree
from harness.suite import Gate, Level
from harness.verdicts._verdict import Verdict, VerdictName


@dataclass(frozen=True)
class Question:
    """Is this metric of this case as good on the head as on the base?"""

    case: str
    metric: str
    gate: Gate
    head: Side | None
    base: Side | None
    stand_in: bool = False
    """Whether the case's loss curve is gated too, and so speaks for digests where bits cannot be compared."""
    look: int = 1
    of_looks: int = 1
    """How many times seeds may be added and the metric be judged anew; `look` is this time, from 1."""

    @property
    def here(self) -> Series | None:
        """What the head holds."""
        return self.head.metrics.get(self.metric) if self.head else None

    @property
    def there(self) -> Series | None:
        """What the base holds."""
        return self.base.metrics.get(self.metric) if self.base else None

    @property
    def metric_class(self) -> MetricClass | None:
        """How it is judged: as the gate says, else as the metric says; None when nobody says."""
        known = self.here or self.there
        return self.gate.metric_class or (known.metric_class if known else None)

    @property
    def direction(self) -> Direction:
        """Which way is better: as the gate says, else as the metric says."""
        known = self.here or self.there
        return self.gate.direction or (known.direction if known else "none")

    @property
    def looks(self) -> int:
        """How many looks share the metric's chance of error: those of its case if it varies by seed."""
        return self.of_looks if self.metric_class == "quality" else 1

    @property
    def scope(self) -> str:
        """Where an exact metric must be equal. One that only the gate makes exact: where the bits are the same."""
        known = self.here or self.there
        return known.scope if known and known.metric_class == "exact" else "fingerprint"

    @property
    def same_machine(self) -> bool:
        """Whether both sides ran on one machine class."""
        return self.head is not None and self.base is not None and agree(self.head.machine_class, self.base.machine_class)

    def answer(
        self,
        verdict: VerdictName,
        method: str,
        note: str = "",
        level: Level | None = None,
        figures: Mapping[str, float | None] | None = None,
    ) -> Verdict:
        """Return the verdict on this question; `figures` are its numeric columns."""
        known = self.here or self.there
        return Verdict(
            case=self.case,
            metric=self.metric,
            margin=self.gate.margin,
            verdict=verdict,
            level=level or self.gate.level,
            method=method,
            metric_class=self.metric_class,
            unit=known.unit if known else "",
            direction=self.direction,
            note=note,
            **(figures or {}),  # type: ignore[arg-type]
        )


def listed(items: Iterable[str], most: int = 4) -> str:
    """Return items joined by '; ', and how many more there are."""
    found = list(items)
    more = f"; and {len(found) - most} more" if len(found) > most else ""
    return "; ".join(found[:most]) + more
