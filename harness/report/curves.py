"""Learning curves, two drawings a case: training loss per step and the primary metric per epoch, with the band of their seeds.

Where a training repeats an earlier one, the drawing says whether every loss is the same, or at which step they part.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from harness.observations import Array
from harness.report._base import Block, Cell, Column, Figure, Heading, Paragraph, Row, Section, Table
from harness.report._cells import number_cell
from harness.report._charts import Chart, linear, spanning
from harness.report._chosen import chosen, left_out
from harness.report._data import ReportData
from harness.report._decimate import ends, smooth, stretch
from harness.report._divergence import Divergences, Parting
from harness.suite import Case
from harness.units import show

TABLE_ROWS = 12
"""Most rows of the table behind a loss curve."""
FEW = 20
"""Evaluations up to which each is marked by a dot."""


@dataclass(frozen=True)
class Curve:
    """One run's training loss."""

    seed: int
    steps: Array
    losses: Array

    @property
    def broken(self) -> int | None:
        """The first step whose loss is no finite number."""
        places = np.flatnonzero(~np.isfinite(self.losses))
        return int(self.steps[places[0]]) if len(places) else None


def _build(data: ReportData) -> Sequence[Block]:
    cases = chosen(data, data.trainings)
    divergences = Divergences(data)
    losses = [figure for case in cases if (figure := _loss(data, case, divergences))]
    progress = [figure for case in cases if (figure := _progress(data, case))]
    blocks: list[Block] = left_out(len(cases), len(data.trainings)) if losses or progress else []
    words = "Line: mean over seeds. Band: lowest to highest seed."
    if losses:
        blocks += [Heading("Training loss per step"), Paragraph(words, "muted"), *losses]
    if progress:
        blocks += [Heading(f"{_shared_title(data)} per epoch"), Paragraph(words, "muted"), *progress]
    return blocks or [Paragraph("No run has stored a training step yet.", "muted")]


def _shared_title(data: ReportData) -> str:
    primaries = {data.primary(case) for case in data.trainings}
    return data.title(primaries.pop()) if len(primaries) == 1 else "Score"


def _curves(data: ReportData, case: Case) -> Iterator[Curve]:
    for run in data.runs_of(case.name):
        rows = data.steps_of(run["run_id"])
        if rows is not None:
            yield Curve(run["seed"], rows["step"].to_numpy(), rows["loss"].to_numpy())


def _loss(data: ReportData, case: Case, divergences: Divergences) -> Figure | None:
    curves = list(_curves(data, case))
    if not curves:
        return None
    size = max(stretch(len(curve.steps)) for curve in curves)
    caption = f"Each point is the mean of {size} steps." if size > 1 else "Every step is drawn."
    breaks = [f"seed {curve.seed} from step {curve.broken} on" for curve in curves if curve.broken is not None]
    caption += f" Not a finite number: {', '.join(breaks)}." if breaks else ""
    parting = divergences.of(case)
    caption += f" {parting}" if parting else ""
    alt = f"Training loss of {case.name} over {max(int(curve.steps[-1]) for curve in curves)} steps, {len(curves)} runs."
    alt = f"{alt} {_from_to(curves)}"
    return Figure(case.name, _draw_loss(curves, parting).svg(alt), alt, _loss_table(case, curves), caption, case.name)


def _from_to(curves: Sequence[Curve]) -> str:
    first, last = _spread([curve.losses[0] for curve in curves]), _spread([curve.losses[-1] for curve in curves])
    return f"First step {first}, last step {last}."


def _spread(values: Sequence[float]) -> str:
    finite = [float(value) for value in values if math.isfinite(value)]
    if not finite:
        return "not a finite number"
    low, high = show(min(finite), "1"), show(max(finite), "1")
    return low if low == high else f"{low} to {high}"


def _draw_loss(curves: Sequence[Curve], parting: Parting | None) -> Chart:
    steps, losses = _aligned(curves)
    finite = losses[np.isfinite(losses)]
    y = spanning(finite)
    chart = Chart(linear(steps, 0.0), y, ("{step}", "1"), ("step", "loss, logarithmic" if y.log else "loss"))
    lows, means, highs = (_folded(fold, losses).tolist() for fold in (np.nanmin, np.nanmean, np.nanmax))
    if len(losses) > 1:
        chart.band(steps.tolist(), lows, highs)
    chart.line(steps.tolist(), means)
    broken = [curve.broken for curve in curves if curve.broken is not None]
    if broken:
        chart.moment(min(broken), "not finite")
    if parting and parting.step is not None:
        chart.moment(parting.step, "parts")
    return chart


def _aligned(curves: Sequence[Curve]) -> tuple[Array, Array]:
    """Return steps and smoothed losses [curves, points]: NaN where a curve has ended, or is broken, before the longest does."""
    longest = max(curves, key=lambda curve: len(curve.steps))
    length = len(longest.steps)
    padded = [np.append(curve.losses, np.full(length - len(curve.losses), np.nan)) for curve in curves]
    return ends(longest.steps), np.array([smooth(losses) for losses in padded])


def _folded(fold: Callable[..., Array], losses: Array) -> Array:
    """Return a fold over the curves that have a value, NaN where none has."""
    held = np.isfinite(losses).any(axis=0)
    found = np.full(losses.shape[1], np.nan)
    found[held] = fold(losses[:, held], axis=0)
    return found


def _loss_table(case: Case, curves: Sequence[Curve]) -> Table:
    """At a few steps that all runs share: the lowest, mean and highest smoothed loss."""
    length = min(len(curve.steps) for curve in curves)
    points = min(length, TABLE_ROWS)
    losses = np.array([smooth(curve.losses[:length], points) for curve in curves])
    columns = (
        Column("Up to step", "number"),
        *(Column(word, "number", f"{word} over runs of the mean loss") for word in ("Lowest", "Mean", "Highest")),
    )
    rows = [
        Row(
            (
                Cell(str(step), sort=int(step)),
                *(number_cell(float(value), "1", "not a finite number") for value in (at.min(), at.mean(), at.max())),
            ),
            case.name,
        )
        for step, at in zip(ends(curves[0].steps[:length], points), losses.T, strict=True)
    ]
    return Table(columns, tuple(rows))


def _progress(data: ReportData, case: Case) -> Figure | None:
    """The primary metric at each evaluation, with the band from the lowest to the highest seed; one evaluation is no curve."""
    metric = data.primary(case)
    split, points = data.progress(case.name, metric)
    if len(points) < 2:
        return None
    unit, title = data.unit(metric), data.title(metric)
    lines = (case.published.get(metric), case.targets.get(metric))
    falls = data.direction(metric) == "lower"
    epochs = sorted(points)
    best = [show(fold(points[epochs[-1]]), unit) for fold in (min, max)]
    alt = f"{title} of {case.name} on the {split} split over {epochs[-1]} epochs; last: {best[0]} to {best[1]}."
    return Figure(
        case.name,
        _draw_progress(points, lines, falls, (unit, title)).svg(alt),
        alt,
        _progress_table(case, points, unit),
        f"{title} on the {split} split; last: {best[0]} to {best[1]}.",
        case.name,
    )


def _draw_progress(
    points: dict[int, list[float]], lines: tuple[float | None, float | None], falls: bool, named: tuple[str, str]
) -> Chart:
    epochs = sorted(points)
    lows, means, highs = ([fold(points[epoch]) for epoch in epochs] for fold in (min, _mean, max))
    published, target = lines
    y = linear([*lows, *highs, *(line for line in lines if line is not None)], 0.12)
    chart = Chart(linear(epochs, 0.02), y, ("{step}", named[0]), ("epoch", named[1]))
    if any(len(found) > 1 for found in points.values()):
        chart.band(epochs, lows, highs)
    chart.line(epochs, means, dots=len(epochs) <= FEW)
    if published is not None:
        chart.level(published, "published", "r", right=falls)
    if target is not None:
        chart.level(target, "target", "a", right=falls, below=True)
    return chart


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)


def _progress_table(case: Case, points: dict[int, list[float]], unit: str) -> Table:
    columns = (
        Column("Epoch", "number"),
        *(Column(word, "number") for word in ("Lowest", "Mean", "Highest")),
        Column("Seeds", "number"),
    )
    rows = [
        Row(
            (
                Cell(str(epoch), sort=epoch),
                *(number_cell(value, unit) for value in (min(found), _mean(found), max(found))),
                Cell(str(len(found)), sort=len(found)),
            ),
            case.name,
        )
        for epoch, found in sorted(points.items())
    ]
    return Table(columns, tuple(rows))


SECTION = Section("Learning curves", 40, _build, markdown="left out")
