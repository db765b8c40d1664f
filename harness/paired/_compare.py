"""All cases of a paired comparison, one after the other, with what was measured stored as it comes."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from harness.errors import ResultsError
from harness.paired._ab import Answer, Question, answer, clocks_of
from harness.paired._arm import Arm
from harness.paired._blocks import ArmName, Restart
from harness.results import to_table, write_atomically, write_table
from harness.suite import Case
from harness.verdicts import Verdict

FOLDER = "ab"
RECORD = "record.json"


def compare_arms(
    arms: Mapping[ArmName, Arm], results: Path, seconds: float, margins: Mapping[str, float], tell: Callable[[str], None]
) -> tuple[Path, list[Verdict]]:
    """Judge each case of two arms; return the folder with every block and verdict, and the verdicts.

    Args:
        arms: what is compared.
        results: the project's results folder.
        seconds: time for the restarts of a case.
        margins: clock -> margin, where another than a case's own is wanted.
        tell: given a line after each restart.

    Raises:
        MeasuringError: an arm cannot run a case.
        ResultsError: the results cannot be written.
    """
    folder = _new_folder(results / FOLDER)
    head = arms["head"]
    family = sum(len(clocks_of(head, case)) for case in head.cases)
    answers: list[Answer] = []
    for case, declared in head.cases.items():
        question = Question(case, declared.seeds[0], seconds, margins_of(declared, margins), family)
        restarts: list[Restart] = []
        try:
            answers.append(answer(question, arms, tell, restarts))
        except BaseException:  # an interrupt too: what was measured is kept, without a verdict
            answers.append(Answer(case, tuple(restarts), (), math.nan))
            raise
        finally:
            _store(folder, arms, answers, seconds, margins)
    return folder, [verdict for found in answers for verdict in found.verdicts]


def margins_of(case: Case, wanted: Mapping[str, float]) -> dict[str, float]:
    """Return a case's margins by clock, those that are wanted in place of its own."""
    return case.paired.model_dump() | dict(wanted)


def _new_folder(parent: Path) -> Path:
    moment = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    try:
        for count in range(1, 1000):
            folder = parent / (moment if count == 1 else f"{moment}-{count}")
            try:
                folder.mkdir(parents=True)
                return folder
            except FileExistsError:
                continue
    except OSError as error:
        raise ResultsError(f"{parent}: cannot be written: {error.strerror}; make it writable") from error
    raise ResultsError(f"{parent}: too many results of one second")


def _store(
    folder: Path, arms: Mapping[ArmName, Arm], answers: list[Answer], seconds: float, margins: Mapping[str, float]
) -> None:
    blocks = [
        {"case": found.case, "restart": restart.number, "core": restart.core, **asdict(block)}
        for found in answers
        for restart in found.restarts
        for block in restart.blocks
    ]
    write_table(folder / "blocks.parquet", to_table("blocks", blocks))
    write_table(
        folder / "verdicts.parquet", to_table("verdicts", [verdict.row() for found in answers for verdict in found.verdicts])
    )
    record = {
        "arms": {name: {"title": arm.title, "commit": arm.commit, "dirty": arm.dirty} for name, arm in arms.items()},
        "seconds_a_case": seconds,
        "margins": {found.case: margins_of(arms["head"].cases[found.case], margins) for found in answers},
        "took_seconds": {found.case: round(found.seconds, 1) for found in answers if found.verdicts},
        "restarts": {found.case: len(found.restarts) for found in answers},
    }
    write_atomically(folder / RECORD, json.dumps(record, indent=1) + "\n")
