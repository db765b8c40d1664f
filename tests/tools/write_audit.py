"""Writes README's table of audits from those in git: `python tests/tools/write_audit.py`.

A test holds README equal to what this writes.
"""

from __future__ import annotations

from collections.abc import Iterator

from _readme import README, ROOT, filled, row

from harness.audits import CHECKS, FOLDER, GRADES, OUTCOMES, TITLES, Audit, read_audit

RESULTS = ROOT / "results"


def audits() -> list[Audit]:
    """Return the stored audits, in the order of their suites' names."""
    found = (read_audit(RESULTS, path.stem) for path in sorted((RESULTS / FOLDER).glob("*.json")))
    return [audit for audit in found if audit is not None]


def summary(audit: Audit) -> str:
    """Return a suite's grades in one sentence."""
    grades = [f"{count} {grade} ({GRADES[grade]})" for grade, count in sorted(audit.grades().items()) if grade in GRADES]
    machines = sorted({fields.get("machine.cpu", "an unknown CPU") for fields in audit.environments.values()})
    return f"**{audit.suite}**, {len(audit.cases)} cases on {', '.join(machines)}: {'; '.join(grades)}."


def check_rows(audit: Audit) -> Iterator[str]:
    """Yield one row a check: how many cases came out how."""
    for check in CHECKS:
        counts = audit.counts(check)
        yield row(TITLES[check], *(str(counts[outcome] or "–") for outcome in OUTCOMES))


def exceptions(audit: Audit) -> list[str]:
    """Return what differs, check by check: how far at most where it is within tolerance, else every case by name."""
    lines = []
    for check in CHECKS:
        found = {name: case.exceptions[check] for name, case in audit.cases.items() if check in case.exceptions}
        changes = [each.change or 0.0 for each in found.values() if each.outcome == "within tolerance"]
        words = [f"within tolerance, the first losses by at most {max(changes):.0e} relative"] if changes else []
        words += [f"`{name}` {each}" for name, each in found.items() if each.outcome != "within tolerance"]
        lines += [f"- {check}: {'; '.join(words)}"] if words else []
    return lines


def section(audit: Audit) -> str:
    """Return what README shows of one suite's audit."""
    table = [row("", *OUTCOMES), "|---" + "|--:" * len(OUTCOMES) + "|", *check_rows(audit)]
    listed = exceptions(audit)
    return "\n".join([summary(audit), "", *table, *([""] if listed else []), *listed]) + "\n"


def readme() -> str:
    """Return README with its tables of audits written anew."""
    return filled("audit", "\n".join(map(section, audits())))


if __name__ == "__main__":
    README.write_text(readme())
