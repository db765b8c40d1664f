"""What determinism costs: cases that differ in their lane alone, seed by seed."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from harness.digests import digest_of
from harness.report._base import Block, Cell, Column, Paragraph, Row, Section, Table
from harness.report._cells import mean_cell, number_cell, range_text
from harness.report._data import ReportData
from harness.stats import summarise, t_interval
from harness.suite import Case
from harness.units import show

METRICS = ("cpu_time_per_step", "train_throughput")
LANES = ("speed", "deterministic")

NOTE = (
    "A ratio is deterministic ÷ speed: the geometric mean over the seeds that both lanes have, with its 95 % t interval. CPU "
    "time per step above 1 and throughput below 1 are what the deterministic lane costs; an interval around 1 tells of none."
)


@dataclass(frozen=True)
class Pair:
    """One case in both lanes."""

    name: str
    speed: Case
    deterministic: Case


def _build(data: ReportData) -> Sequence[Block]:
    pairs = list(_pairs(data.cases))
    if not pairs:
        return []
    columns = (Column("Case"), *(column for metric in METRICS for column in _columns(data.title(metric))))
    rows = tuple(
        Row((Cell(pair.name), *(cell for metric in METRICS for cell in _cells(data, pair, metric))), pair.deterministic.name)
        for pair in pairs
    )
    return [Table(columns, rows), Paragraph(NOTE, "muted")]


def _pairs(cases: Sequence[Case]) -> Iterator[Pair]:
    """Yield the cases that are there in both lanes and differ in nothing else."""
    lanes: dict[str, dict[str, Case]] = {}
    for case in cases:
        specification = case.specification
        specification["execution"].pop("lane")
        lanes.setdefault(digest_of(specification), {}).setdefault(case.execution.lane, case)
    for found in lanes.values():
        if len(found) == len(LANES):
            speed, deterministic = (found[lane] for lane in LANES)
            yield Pair(_common_name(speed.name, deterministic.name), speed, deterministic)


def _common_name(speed: str, deterministic: str) -> str:
    """Return what a matrix called both: 'lstm' for 'lstm[lane=speed]' and 'lstm[lane=deterministic]'; else both names."""
    cut = speed.replace("[lane=speed]", "")
    return cut if cut == deterministic.replace("[lane=deterministic]", "") else f"{speed}, {deterministic}"


def _columns(title: str) -> tuple[Column, ...]:
    return (
        *(Column(f"{title}, {lane}", "number", "Mean over seeds") for lane in LANES),
        Column(f"{title}, ratio", "number", "deterministic ÷ speed"),
    )


def _cells(data: ReportData, pair: Pair, metric: str) -> tuple[Cell, ...]:
    speed, deterministic = (data.sample(case.name, metric) for case in (pair.speed, pair.deterministic))
    return mean_cell(speed), mean_cell(deterministic), _ratio_cell(speed.values, deterministic.values)


def _ratio_cell(speed: Mapping[int, float], deterministic: Mapping[int, float]) -> Cell:
    """Return the geometric mean of the ratios over seeds, with its interval."""
    seeds = [seed for seed, value in deterministic.items() if value > 0 and speed.get(seed, 0.0) > 0]
    logarithms = [math.log(deterministic[seed] / speed[seed]) for seed in seeds]
    if not logarithms:
        return number_cell(None, "1", "no seed has a value in both lanes")
    ratio = math.exp(summarise(logarithms).mean)
    if len(logarithms) == 1:
        return Cell(show(ratio, "1"), sort=ratio, note="one seed: no interval")
    low, high = map(math.exp, t_interval(logarithms))
    return Cell(show(ratio, "1"), sort=ratio, sub=range_text(low, high, "1"), note=f"geometric mean over {len(seeds)} seeds")


SECTION = Section("Cost of determinism", 57, _build, markdown="folded")
