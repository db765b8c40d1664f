"""Learning curves, two plots a case: training loss per step of each seed, and the primary metric per epoch."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from harness.observations import Array
from harness.report._base import Block, Cell, Column, Figure, Heading, Paragraph, Row, Section, Table
from harness.report._cells import number_cell
from harness.report._data import ReportData
from harness.report._decimate import ends, smooth, stretch
from harness.report._plot import MAIN, REFERENCE, TARGET, format_axis, plot, reference_line
from harness.suite import Case
from harness.units import show

if TYPE_CHECKING:
    from matplotlib.axes import Axes

TABLE_ROWS = 12
"""Most rows of the table behind a loss curve."""
LOG_SPAN = 20
"""Largest loss over smallest from which a logarithmic axis shows more."""


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
    losses = [figure for case in data.cases if (figure := _loss(data, case))]
    progress = [figure for case in data.cases if (figure := _progress(data, case))]
    blocks: list[Block] = []
    if losses:
        blocks += [Heading("Training loss per step"), Paragraph("One line a run.", "muted"), *losses]
    if progress:
        words = "Line: mean over seeds. Band: lowest to highest seed."
        blocks += [Heading(f"{_shared_title(data)} per epoch"), Paragraph(words, "muted"), *progress]
    return blocks or [Paragraph("No run has stored a training step yet.", "muted")]


def _shared_title(data: ReportData) -> str:
    primaries = {data.primary(case) for case in data.cases}
    return data.title(primaries.pop()) if len(primaries) == 1 else "Score"


def _curves(data: ReportData, case: Case) -> Iterator[Curve]:
    for run in data.runs_of(case.name):
        rows = data.steps_of(run["run_id"])
        if rows is not None:
            yield Curve(run["seed"], rows["step"].to_numpy(), rows["loss"].to_numpy())


def _loss(data: ReportData, case: Case) -> Figure | None:
    curves = list(_curves(data, case))
    if not curves:
        return None
    size = max(stretch(len(curve.steps)) for curve in curves)
    caption = f"Each point is the mean of {size} steps." if size > 1 else "Every step is drawn."
    breaks = [f"seed {curve.seed} from step {curve.broken} on" for curve in curves if curve.broken is not None]
    caption += f" Not a finite number: {', '.join(breaks)}." if breaks else ""
    drawn = [(ends(curve.steps), smooth(curve.losses)) for curve in curves]
    alt = f"Training loss of {case.name} over {max(int(curve.steps[-1]) for curve in curves)} steps, {len(curves)} runs."
    return Figure(
        case.name,
        plot(f"curves/loss/{case.name}", alt, lambda axes: _paint_loss(axes, drawn)),
        f"{alt} {_from_to(curves)}",
        _loss_table(case, curves),
        caption,
        case.name,
    )


def _from_to(curves: Sequence[Curve]) -> str:
    first, last = _spread([curve.losses[0] for curve in curves]), _spread([curve.losses[-1] for curve in curves])
    return f"First step {first}, last step {last}."


def _spread(values: Sequence[float]) -> str:
    finite = [float(value) for value in values if math.isfinite(value)]
    if not finite:
        return "not a finite number"
    low, high = show(min(finite), "1"), show(max(finite), "1")
    return low if low == high else f"{low} to {high}"


def _paint_loss(axes: Axes, drawn: Sequence[tuple[Array, Array]]) -> None:
    for steps, losses in drawn:
        axes.plot(steps, losses, color=MAIN, linewidth=1.1, alpha=max(0.55, 1 / len(drawn)))
    values = np.concatenate([losses for _, losses in drawn])
    values = values[np.isfinite(values)]
    if len(values) and values.min() > 0 and values.max() / values.min() >= LOG_SPAN:
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
        axes.yaxis.set_minor_formatter(lambda value, _: "")
        axes.set_ylabel("loss, logarithmic")
    else:
        axes.set_ylabel("loss")
    axes.set_xlabel("step")


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
    """The primary metric at each evaluation, with the band from the lowest to the highest seed."""
    metric = data.primary(case)
    split, points = data.progress(case.name, metric)
    if not points:
        return None
    unit, title = data.unit(metric), data.title(metric)
    lines = (case.published.get(metric), case.targets.get(metric))
    falls = data.direction(metric) == "lower"
    epochs = sorted(points)
    best = [show(fold(points[epochs[-1]]), unit) for fold in (min, max)]
    alt = f"{title} of {case.name} on the {split} split over {epochs[-1]} epochs; last: {best[0]} to {best[1]}."
    return Figure(
        case.name,
        plot(f"curves/{metric}/{case.name}", alt, lambda axes: _paint_progress(axes, points, lines, falls, unit)),
        alt,
        _progress_table(case, points, unit),
        f"{title} on the {split} split; last: {best[0]} to {best[1]}.",
        case.name,
    )


def _paint_progress(
    axes: Axes, points: dict[int, list[float]], lines: tuple[float | None, float | None], falls: bool, unit: str
) -> None:
    epochs = sorted(points)
    lows, means, highs = ([fold(points[epoch]) for epoch in epochs] for fold in (min, _mean, max))
    axes.fill_between(epochs, lows, highs, color=MAIN, alpha=0.2, linewidth=0)
    axes.plot(epochs, means, color=MAIN, linewidth=1.8, marker="o" if len(epochs) <= 20 else "", markersize=4)
    published, target = lines
    if published is not None:
        reference_line(axes, published, "published", REFERENCE, right=falls, below=False)
    if target is not None:
        reference_line(axes, target, "target", TARGET, right=falls, below=True)
    axes.margins(y=0.12)
    axes.set_xlabel("epoch")
    axes.locator_params(axis="x", integer=True)
    format_axis(axes, "y", unit)


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
