"""What a verdict is: one metric of one case, judged."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Literal

from harness.observations import Direction, MetricClass
from harness.suite import Level

if TYPE_CHECKING:
    import pandas as pd

VerdictName = Literal["same", "better", "worse", "inconclusive", "incomparable", "missing", "new", "void"]

METHOD_VERSION = 2
"""Counts changes of any rule below: verdicts of different versions may differ on the same data.

History:
    1  first version
    2  a base is damaged by runs that did not end well and by numbers that are not finite; seeds may be drawn until decided
"""

RUNS = "runs"
"""The metric name of verdicts on a case's runs themselves."""
LOSS_CURVE = "loss_curve_head"
"""The metric that stands in for bit-level digests where the numeric fingerprints differ."""

PRESENCE = "presence"
"""What is declared is there, once, finite and not null."""
DEFINITION = "same definition"
"""Case, suite version, unit, direction and class are those of the base."""
MACHINE_CLASS = "same machine class"
VERSIONS = "same versions"
DEVICE = "same kind of device"
FINGERPRINT = "same numeric fingerprint"
EQUALITY = "equality"
TOLERANCE = "tolerance"
T_BOUND = "t prediction bound"
FISHER = "Fisher exact"
FLOOR = "floor"


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """One metric of one case, judged: the columns of the verdicts table, in their order.

    `base` and `head` are means, `estimate` with its two-sided 95 % interval `low` to `high` is the change: in the
    metric's unit for quality and exact metrics, relative to the base (0.1 = 10 % more) for machine metrics. `p` is
    one-sided, in the direction of the change. `mde` is the smallest change for the worse found with 90 % power.
    """

    case: str
    metric: str
    base: float | None = None
    head: float | None = None
    n_base: int | None = None
    n_head: int | None = None
    estimate: float | None = None
    low: float | None = None
    high: float | None = None
    p: float | None = None
    p_adjusted: float | None = None
    margin: float | None = None
    mde: float | None = None
    verdict: VerdictName
    level: Level
    method: str
    method_version: int = METHOD_VERSION
    metric_class: MetricClass | None = None
    """Column `class`. None for a metric that neither side holds."""
    unit: str = ""
    direction: Direction = "none"
    note: str = ""

    def row(self) -> dict[str, Any]:
        """Return the row of the verdicts table."""
        return {_column(field.name): getattr(self, field.name) for field in fields(self)}


def _column(name: str) -> str:
    return "class" if name == "metric_class" else name


def compare_frame(verdicts: Iterable[Verdict]) -> pd.DataFrame:
    """Return verdicts as a DataFrame with the columns and types of the verdicts table."""
    from harness.results import to_table

    frame: pd.DataFrame = to_table("verdicts", [verdict.row() for verdict in verdicts]).to_pandas()
    return frame
