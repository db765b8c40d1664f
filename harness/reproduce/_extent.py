"""How much of a record was compared, and what of it could not be."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from harness.reproduce._evidence import Evidence

MACHINE = "times, memory and energy"
"""What no two runs have in common."""


@dataclass(frozen=True)
class Extent:
    """What two trainings were compared by; numbers of things that both have."""

    losses: int
    learning_rates: int
    evaluations: int
    tensors: int
    """Digests: tensors times steps."""
    steps: tuple[int, ...]
    """Steps at which tensors were compared; 0 is before the first."""
    samples: int
    """Of the data, one by one."""
    metrics: int
    """Of classes exact and quality, those that the record has a value of."""

    def __str__(self) -> str:
        at = f" at {_counted(len(self.steps), 'step')} ({', '.join(map(str, self.steps[:6]))}{', …' * (len(self.steps) > 6)})"
        return ", ".join(
            [
                _counted(self.losses, "loss", "losses"),
                _counted(self.learning_rates, "learning rate"),
                _counted(self.evaluations, "evaluation"),
                _counted(self.tensors, "digest of a tensor", "digests of tensors") + (at if self.steps else ""),
                _counted(self.samples, "data sample"),
                _counted(self.metrics, "metric"),
            ]
        )

    @property
    def absent(self) -> tuple[str, ...]:
        """What there is nothing of to compare: a harness of before did not store it, or the case has none."""
        counts = {
            "losses": self.losses,
            "learning rates": self.learning_rates,
            "evaluations": self.evaluations,
            "tensors": self.tensors,
            "data samples": self.samples,
            "metrics": self.metrics,
        }
        return tuple(name for name, count in counts.items() if not count)


def extent(old: Evidence, new: Evidence) -> Extent:
    """Return what a record and a re-run can be compared by."""
    shared = sorted({*old.tensors} & {*new.tensors})
    return Extent(
        losses=min(len(old.losses), len(new.losses)),
        learning_rates=min(_numbers(old.learning_rates), _numbers(new.learning_rates)),
        evaluations=len({*old.evaluations} & {*new.evaluations}),
        tensors=sum(len({*old.tensors[step]} & {*new.tensors[step]}) for step in shared),
        steps=tuple(shared),
        samples=sum(min(len(old.data_samples[split]), len(new.data_samples[split])) for split in _splits(old, new)),
        metrics=sum(value is not None and metric in new.values for metric, value in old.values.items()),
    )


def _splits(old: Evidence, new: Evidence) -> list[str]:
    return [split for split in old.data_samples if split in new.data_samples]


def _numbers(values: np.ndarray) -> int:
    return int(np.count_nonzero(~np.isnan(values.astype(float))))


def _counted(count: int, one: str, many: str = "") -> str:
    return f"{count:,} {one if count == 1 else many or f'{one}s'}"
