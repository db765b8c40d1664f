"""Which trainings give the same bits again, and which do not: the suite's stored audit."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from harness.audits import CHECKS, GRADES, TITLES, Audit, CaseAudit, Check
from harness.report._base import Banner, Block, Cell, Column, Count, Details, Facts, Paragraph, Row, Section, Table, Tone
from harness.report._cells import number_cell
from harness.report._charts import Scale, Strip
from harness.report._data import ReportData
from harness.units import show

GRADE_TONES: dict[str, Tone] = {"A": "good", "B": "plain", "C": "warn", "F": "bad"}
OUTCOME_TONES: dict[str, Tone] = {
    "identical": "plain",
    "within tolerance": "plain",
    "different": "warn",
    "failed": "bad",
    "not applicable": "muted",
}

SHORT = {
    "process": "process",
    "same process": "same",
    "order": "order",
    "resume": "resume",
    "deterministic lane": "lane",
    "threads": "threads",
    "instructions": "instr.",
    "loader workers": "loader",
}
"""Check -> its name where there is little room."""
MARKS: dict[str, Callable[[Strip, float], str]] = {
    "identical": lambda strip, place: strip.dot(place),
    "within tolerance": lambda strip, place: strip.dot(place, "n"),
    "different": lambda strip, place: strip.diamond(place),
    "failed": lambda strip, place: strip.dot(place, "x", radius=55),
    "not applicable": lambda strip, place: strip.dot(place, "u", radius=14),
    "not reached": lambda strip, place: "",
}
"""Outcome -> its mark; shapes differ, so that colour is not needed to tell them apart."""
LEGEND = "Full dot: identical. Ring: within tolerance. Diamond: different. Large orange dot: failed. Speck: does not apply."

NOTE = (
    "Each case is trained once, and then again in each of these ways; every loss, learning rate, evaluation, exact and "
    "quality metric and digest of a tensor is compared. Within tolerance: the first ten losses differ by at most one part in a "
    "thousand. Other threads and instructions may round otherwise, which is no fault."
)
LANES = "CPU time of a step in the deterministic lane ÷ that in the speed lane, one training each: about what it costs"
OTHER = "of other code, data, settings or machine than the runs of this report"


def _build(data: ReportData) -> Sequence[Block]:
    if data.audit is None:
        return []
    words = Details("In words: what was varied, and where trainings part", (_table(data, data.audit),))
    blocks: list[Block] = [_outcome(data.audit), _picture(data, data.audit), Paragraph(f"{NOTE} {LEGEND}", "muted"), words]
    machines = tuple(_facts(*found) for found in data.audit.environments.items())
    return [*blocks, Details("Where it was audited", machines, html_only=True)]


def _picture(data: ReportData, audit: Audit) -> Table:
    """Every check of every case as a mark: what repeats is one colour, and what does not stands out."""
    strip = Strip(Scale(-0.5, len(CHECKS) - 0.5), width=4400)
    axis = strip.head(
        f"Axis: trained {', '.join(TITLES.values())}.", [(place, SHORT[check]) for place, check in enumerate(CHECKS)]
    )
    columns = (
        Column("Case"),
        Column("Grade", choose=True),
        Column("Trained again, and the same?", "plot", LEGEND, axis=axis),
        Column("Compared", "number", "Losses and digests of tensors that each training was compared by"),
        Column("Lanes", "number", LANES),
        Column("Recorded"),
    )
    rows = tuple(Row(_picture_cells(data, strip, name, case), name) for name, case in audit.cases.items())
    return Table(columns, rows, "Training by training", "No case is audited yet.")


def _picture_cells(data: ReportData, strip: Strip, name: str, case: CaseAudit) -> tuple[Cell, ...]:
    found = {check: case.checks[check].outcome if check in case.checks else "not reached" for check in CHECKS}
    marks = [MARKS[outcome](strip, place) for place, outcome in enumerate(found.values())]
    alt = f"{name}, trained again: {', '.join(f'{check} {outcome}' for check, outcome in found.items())}."
    same = sum(outcome == "identical" for outcome in found.values())
    return (
        Cell(name, note=f"Seed {case.seed}, {case.steps:,} steps"),
        Cell(case.grade, note=GRADES[case.grade], sub=case.nondeterminism, tone=GRADE_TONES[case.grade]),
        Cell("", sort=same, plot=strip.row(alt, *marks)),
        _compared(case),
        _lanes(case),
        _recorded(data, name, case),
    )


def _outcome(audit: Audit) -> Banner:
    grades, unexplained = audit.grades(), audit.unexplained
    words = f"{len(audit.cases)} case{'s' if len(audit.cases) != 1 else ''} audited"
    held = [(grade, meaning) for grade, meaning in GRADES.items() if grades[grade]]
    counts = tuple(Count(grades[grade], f"grade {grade}: {meaning}", GRADE_TONES[grade]) for grade, meaning in held)
    if unexplained:
        return Banner("Not all repeat", f"{words}; without a declared cause: {', '.join(unexplained)}.", "bad", counts)
    declared = "; where one does not, its model declares why" if grades["F"] else ""
    return Banner("Every training repeats" if not grades["F"] else "Repeats as declared", f"{words}{declared}.", "good", counts)


def _table(data: ReportData, audit: Audit) -> Table:
    columns = (Column("Case"), *(Column(check.capitalize(), "text", f"Trained {TITLES[check]}") for check in CHECKS))
    rows = tuple(
        Row((Cell(name), *(_check_cell(case.checks.get(check)) for check in CHECKS)), name)
        for name, case in audit.cases.items()
    )
    return Table(columns, rows, empty="No case is audited yet.")


def _recorded(data: ReportData, name: str, case: CaseAudit) -> Cell:
    keys = {run["run_key"] for run in data.runs_of(name)}
    if keys and case.run_key not in keys:
        return Cell(case.recorded_on, note=OTHER, badge="other key", tone="warn")
    return Cell(case.recorded_on)


def _check_cell(check: Check | None) -> Cell:
    if check is None:
        return Cell("not reached", tone="muted")
    sub = ", ".join([*([check.how] if check.how else []), *([f"losses by {check.change:.1e}"] if check.change else [])])
    return Cell(str(check), sub=sub, note=check.why, tone=OUTCOME_TONES[check.outcome])


def _compared(case: CaseAudit) -> Cell:
    if not case.compared:
        return number_cell(None, "1", "nothing was trained")
    words = ", ".join(f"{count:,} {what}" for what, count in case.compared.items())
    return Cell(f"{sum(case.compared.values()):,}", sort=sum(case.compared.values()), note=words)


def _lanes(case: CaseAudit) -> Cell:
    speed, deterministic = case.cpu_time_per_step.get("speed"), case.cpu_time_per_step.get("deterministic")
    if not speed or not deterministic:
        return number_cell(None, "1", "not measured in both lanes")
    note = f"{show(deterministic, 's')} ÷ {show(speed, 's')}, one training each"
    return Cell(f"{deterministic / speed:.2f}", sort=deterministic / speed, note=note)


def _facts(name: str, fields: dict[str, str]) -> Facts:
    items = tuple((key.replace(".", " ").replace("_", " "), value or "none") for key, value in sorted(fields.items()))
    return Facts(items, f"Environment {name}")


SECTION = Section("Reproducibility audit", 65, _build, markdown="folded")
