"""What quality costs: the primary score against speed and against memory, with the front that nothing beats."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from harness.report._base import Block, Cell, Column, Figure, Heading, Paragraph, Row, Section, Table
from harness.report._cells import number_cell
from harness.report._charts import Chart, Mark, linear, named, spanning
from harness.report._data import ReportData
from harness.suite import Case
from harness.units import show

SPEED = ("train_throughput",)
MEMORY = ("cuda_peak_allocated", "tensor_peak_memory", "process_peak_memory", "host_peak_memory")
"""What memory is told by: the first of these that every case of a group has."""
LEAST, MOST_GROUPS = 3, 12
"""Cases that a group needs, and groups that are drawn."""

NOTE = (
    "Each dot is a case: the mean over its seeds. Named dots are on the front: no other case is at least as good in both. "
    "Only cases of one task on one data set stand together."
)


@dataclass(frozen=True)
class Group:
    """Cases that may be compared: one task, one data set, one score."""

    data_name: str
    metric: str
    cases: tuple[Case, ...]


class Place(NamedTuple):
    """Where a case stands."""

    case: str
    cost: float
    score: float


def _build(data: ReportData) -> Sequence[Block]:
    blocks: list[Block] = []
    for group in _groups(data):
        figures = [
            figure
            for metrics, words in ((SPEED, "speed"), (MEMORY, "memory"))
            for figure in _against(data, group, metrics, words)
        ]
        if figures:
            blocks += [Heading(f"{data.title(group.metric)} on {group.data_name}: {len(group.cases)} cases"), *figures]
    return [Paragraph(NOTE, "muted"), *blocks] if blocks else []


def _groups(data: ReportData) -> list[Group]:
    found: dict[tuple[str, str, str], list[Case]] = {}
    for case in data.trainings:
        metric = data.primary(case)
        if case.data and case.data.name and data.sample(case.name, metric).mean is not None:
            found.setdefault((case.task.name if case.task else "", case.data.name, metric), []).append(case)
    groups = [Group(name, metric, tuple(cases)) for (_, name, metric), cases in found.items() if len(cases) >= LEAST]
    return sorted(groups, key=lambda group: -len(group.cases))[:MOST_GROUPS]


def _against(data: ReportData, group: Group, metrics: Sequence[str], words: str) -> Iterator[Figure]:
    """Yield the group's figure against the first of these metrics that at least three of its cases have."""
    for metric in metrics:
        places = list(_places(data, group, metric))
        if len(places) >= LEAST and (len(places) == len(group.cases) or metric == metrics[-1]):
            yield _figure(data, group, metric, places, words)
            return


def _places(data: ReportData, group: Group, metric: str) -> Iterator[Place]:
    for case in group.cases:
        cost, score = data.sample(case.name, metric).mean, data.sample(case.name, group.metric).mean
        if cost is not None and score is not None and math.isfinite(cost + score):
            yield Place(case.name, cost, score)


def front(places: Sequence[Place], cost_up: bool, score_up: bool) -> list[Place]:
    """Return the places that no other is at least as good as in both and better in one, by their cost.

    Example: lower cost and higher score are better.
        >>> found = front([Place("a", 1, 0.8), Place("b", 2, 0.9), Place("c", 3, 0.85)], cost_up=False, score_up=True)
        >>> [place.case for place in found]
        ['a', 'b']
    """
    signs = (1 if cost_up else -1, 1 if score_up else -1)
    best, kept = -math.inf, list[Place]()
    for place in sorted(places, key=lambda place: (-signs[0] * place.cost, -signs[1] * place.score, place.case)):
        goodness = signs[1] * place.score
        twin = bool(kept) and (kept[-1].cost, kept[-1].score) == (place.cost, place.score)
        if goodness > best or twin:
            kept.append(place)
            best = goodness
    return sorted(kept, key=lambda place: (place.cost, place.case))


def _figure(data: ReportData, group: Group, metric: str, places: Sequence[Place], words: str) -> Figure:
    score_up = data.direction(group.metric) != "lower"
    best = front(places, data.direction(metric) == "higher", score_up)
    title, cost = data.title(group.metric), data.title(metric)
    names = ", ".join(place.case for place in best[:8]) + (f" and {len(best) - 8} more" if len(best) > 8 else "")
    alt = f"{title} on {group.data_name} against {cost[0].lower()}{cost[1:]}, {len(places)} cases. On the front: {names}."
    units = (data.unit(metric), data.unit(group.metric))
    chart = Chart(
        spanning([place.cost for place in places]),
        linear([place.score for place in places]),
        units,
        (named(cost, units[0]), title),
    )
    chart.steps(*_stairs(best, data.direction(metric) == "higher"), cls="r h")
    kept = {place.case for place in best}
    marks = [_mark(place, units, place.case in kept) for place in sorted(places, key=lambda place: place.case in kept)]
    chart.points(marks)
    return Figure(
        f"Against {words}",
        chart.svg(alt),
        alt,
        _table(data, group, metric, places, kept),
        f"{_towards(data.direction(metric), score_up)} is better.",
    )


def _stairs(best: Sequence[Place], cost_up: bool) -> tuple[list[float], list[float]]:
    """Return the front's corners so that the steps run on the side that the front's cases beat."""
    ordered = sorted(best, key=lambda place: place.cost, reverse=cost_up)
    return [place.cost for place in ordered], [place.score for place in ordered]


def _towards(direction: str, score_up: bool) -> str:
    return f"{'Upper' if score_up else 'Lower'} {'right' if direction == 'higher' else 'left'}"


def _mark(place: Place, units: tuple[str, str], kept: bool) -> Mark:
    words = f"{place.case}: {show(place.score, units[1])} at {show(place.cost, units[0])}"
    return Mark(place.cost, place.score, words, "d" if kept else "n", place.case if kept else "")


def _table(data: ReportData, group: Group, metric: str, places: Sequence[Place], kept: set[str]) -> Table:
    columns = (
        Column("Case"),
        Column(data.title(group.metric), "number"),
        Column(data.title(metric), "number"),
        Column("Front"),
    )
    rows = tuple(
        Row(
            (
                Cell(place.case),
                number_cell(place.score, data.unit(group.metric)),
                number_cell(place.cost, data.unit(metric)),
                Cell("yes" if place.case in kept else "no", tone="good" if place.case in kept else "muted"),
            ),
            place.case,
        )
        for place in sorted(places, key=lambda place: place.case)
    )
    return Table(columns, rows)


SECTION = Section("Quality against cost", 25, _build, markdown="left out")
