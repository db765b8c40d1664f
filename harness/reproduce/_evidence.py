"""What one training leaves that another of the same case and seed has to give again."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from harness.errors import ResultsError
from harness.suite import Case

if TYPE_CHECKING:
    import pandas as pd

Tables = Callable[[str], "pd.DataFrame"]
"""Table name -> its rows: `RunSet.table`, or an archive's."""
REPEATED = ("exact", "quality")
"""Classes of metrics that a training with one seed repeats; a machine's numbers it does not."""


@dataclass(frozen=True)
class TensorDigest:
    """One tensor of the weights after one step."""

    sha256: str
    norm: float | None
    """2-norm of its values; None where it is not stored, or of whole numbers."""


@dataclass(frozen=True)
class Evidence:
    """The record of one training, without what depends on the machine's pace."""

    case: Case
    suite: str
    run_id: str
    run_key: str
    seed: int
    status: str
    reason: str
    commit: str
    code_digest: str
    """'' where a harness of before did not store it."""
    environment: Mapping[str, str]
    values: Mapping[str, float | str | None]
    """Metric of class exact or quality -> its value."""
    classes: Mapping[str, str]
    scopes: Mapping[str, str]
    losses: npt.NDArray[np.float64]
    """[steps]; so are the three that follow."""
    learning_rates: npt.NDArray[np.float64]
    """NaN where none is stored."""
    samples: npt.NDArray[np.int64]
    epochs: npt.NDArray[np.int64]
    evaluations: Mapping[tuple[int, str, str], float | None]
    """(epoch, split, score) -> value."""
    tensors: Mapping[int, Mapping[str, TensorDigest]]
    """Step -> tensor -> digest; step 0 is before the first."""
    data_samples: Mapping[str, npt.NDArray[np.uint64]]
    """Split -> hash of each sample; empty where none is stored."""
    details: Mapping[str, float | str | None] = field(default_factory=dict)
    """Whatever else a training repeats, by a name in words: returns of episodes, steps to targets, pictures, units."""


def evidence_of(tables: Tables, case: Case, run_id: str, suite: str) -> Evidence:
    """Return the evidence of one stored training.

    Args:
        tables: the tables that hold it.
        case: what was trained.
        run_id: the run.
        suite: name of the suite.

    Raises:
        ResultsError: the tables hold no such run.
    """
    runs = tables("runs")
    rows = _records(runs[runs["run_id"] == run_id])
    if not rows:
        raise ResultsError(f"run {run_id!r}: the tables hold no row of it; run the suite again")
    run = rows[0]
    measured = [row for row in _of(tables, "measurements", run_id) if row["class"] in REPEATED]
    steps = sorted(_of(tables, "steps", run_id), key=lambda row: int(row["step"]))
    return Evidence(
        case=case,
        suite=suite,
        run_id=run_id,
        run_key=_text(run["run_key"]),
        seed=int(run["seed"]),
        status=_text(run["status"]),
        reason=_text(run["reason"]),
        commit=_text(run["commit"]),
        code_digest=_text(run["code_digest"]),
        environment=_environment(tables, _text(run["environment_digest"])),
        values={row["metric"]: _value(row) for row in measured},
        classes={row["metric"]: row["class"] for row in measured},
        scopes={row["metric"]: row["scope"] for row in measured},
        losses=_column(steps, "loss"),
        learning_rates=_column(steps, "learning_rate"),
        samples=np.array([row["samples"] for row in steps], np.int64),
        epochs=np.array([row["epoch"] for row in steps], np.int64),
        evaluations={
            (int(row["epoch"]), row["split"], row["metric"]): _number(row["value"])
            for row in _of(tables, "evaluations", run_id)
        },
        tensors=_tensors(_of(tables, "digests", run_id)),
        data_samples=_data_samples(tables, _text(run["data_digest"])),
        details=dict(_details(tables, run_id, measured)),
    )


def _details(tables: Tables, run_id: str, measured: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, float | str | None]]:
    for row in measured:
        yield f"{row['metric']}, its meaning", " ".join(f"{row[name]}" for name in ("unit", "direction", "class", "scope"))
    for row in _of(tables, "evaluations", run_id):
        yield f"{row['metric']} on {row['split']} after epoch {row['epoch']}, its step", float(row["step"])
    for row in _of(tables, "episodes", run_id):
        yield f"return of {row['phase']} episode {row['episode']} (step {row['step']})", _number(row["value"])
    for row in _of(tables, "targets", run_id):
        for name in ("threshold", "epoch", "step", "samples"):
            yield f"target {row['score']}, its {name}", _number(row[name])
    for row in _of(tables, "images", run_id):
        yield f"picture {row['title']!r}", hashlib.sha256(row["png"]).hexdigest()


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(name): value for name, value in row.items()} for row in frame.to_dict("records")]


def _of(tables: Tables, name: str, run_id: str) -> list[dict[str, Any]]:
    frame = tables(name)
    return _records(frame[frame["run_id"] == run_id])


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _number(value: Any) -> float | None:
    return None if value is None or value != value else float(value)


def _value(row: Mapping[str, Any]) -> float | str | None:
    return row["value_text"] if isinstance(row["value_text"], str) else _number(row["value"])


def _column(rows: Sequence[Mapping[str, Any]], name: str) -> npt.NDArray[np.float64]:
    return np.array([np.nan if row[name] is None else row[name] for row in rows], np.float64)


def _environment(tables: Tables, digest: str) -> dict[str, str]:
    frame = tables("environments")
    return {row["key"]: row["value"] for row in _records(frame[frame["environment_digest"] == digest])}


def _tensors(rows: Sequence[Mapping[str, Any]]) -> dict[int, dict[str, TensorDigest]]:
    found: dict[int, dict[str, TensorDigest]] = {}
    for row in sorted(rows, key=lambda row: (int(row["step"]), row["tensor"])):
        found.setdefault(int(row["step"]), {})[row["tensor"]] = TensorDigest(row["sha256"], _number(row["norm"]))
    return found


def _data_samples(tables: Tables, digest: str) -> dict[str, npt.NDArray[np.uint64]]:
    frame = tables("data_samples")
    rows = frame[frame["data_digest"] == digest].sort_values("sample", kind="stable")
    return {str(split): group["hash"].to_numpy(np.uint64) for split, group in rows.groupby("split")}
