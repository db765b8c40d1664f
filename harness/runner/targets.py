"""When a training reached each of its declared targets: rows of the targets table."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from harness.metrics import energy_until, reaches
from harness.observations import Observations


def target_rows(seen: Observations) -> Iterator[dict[str, Any]]:
    """Yield a row for each target: the first evaluation at which it held, or nulls and why; a miss is censored, no number."""
    for score, threshold in seen.targets.items():
        first = next((each for each in seen.evaluations if reaches(seen, each, score)), None)
        yield {
            "score": score,
            "threshold": threshold,
            "epoch": first.epoch if first else None,
            "step": first.step if first else None,
            "samples": int(seen.step_samples[: first.step].sum()) if first else None,
            "train_seconds": first.train_seconds if first else None,
            "energy_joules": energy_until(seen, first.train_seconds).value if first else None,
            "null_reason": None if first else "not_reached",
        }
