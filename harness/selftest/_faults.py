"""The faults: one edit of one file each, such as a person might make, and the verdict that has to come of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

MODEL, DATA, METRIC = "bench/models/perceptron.py", "bench/data/rings.py", "bench/metrics/certainty.py"
HIDDEN = "        hidden_BW = self.hidden(x_BF).relu()\n"


@dataclass(frozen=True)
class Fault:
    """One edit and what it has to lead to."""

    name: str
    what: str
    """In words."""
    file: str
    """In the project."""
    old: str
    """Text that is there once."""
    new: str
    """Text in its place."""
    judged_by: Literal["gate", "ab"]
    metrics: tuple[str, ...]
    """Any of which has to get the verdict, at level hard."""
    verdict: Literal["worse", "missing"]


FAULTS: tuple[Fault, ...] = (
    Fault(
        name="leak",
        what="each step keeps a tensor",
        file=MODEL,
        old=HIDDEN,
        new=HIDDEN + '        self.__dict__.setdefault("kept", []).append(hidden_BW)\n',
        judged_by="gate",
        metrics=("tensor_peak_memory",),
        verdict="worse",
    ),
    Fault(
        name="worse model",
        what="the activation is lost",
        file=MODEL,
        old=HIDDEN,
        new=HIDDEN.replace(".relu()", ""),
        judged_by="gate",
        metrics=("accuracy",),
        verdict="worse",
    ),
    Fault(
        name="changed seed stream",
        what="the data are drawn from another seed",
        file=DATA,
        old="SEED = 7\n",
        new="SEED = 8\n",
        judged_by="gate",
        metrics=("data_digest",),
        verdict="worse",
    ),
    Fault(
        name="dead case",
        what="the model raises",
        file=MODEL,
        old=HIDDEN,
        new='        raise RuntimeError("planted")\n',
        judged_by="gate",
        metrics=("runs",),
        verdict="missing",
    ),
    Fault(
        name="missing metric",
        what="a metric has no value any more",
        file=METRIC,
        old='    return number(math.exp(-observations.scores["loss"]), observations.test_samples)\n',
        new='    return Value(n=0, null_reason="not_measured")\n',
        judged_by="gate",
        metrics=("certainty",),
        verdict="missing",
    ),
    Fault(
        name="slow-down",
        what="each step computes the hidden layer five times",
        file=MODEL,
        old=HIDDEN,
        new=HIDDEN + "        for _ in range(4):\n            hidden_BW = self.hidden(x_BF).relu()\n",
        judged_by="ab",
        metrics=("cpu_time_per_step",),
        verdict="worse",
    ),
)
