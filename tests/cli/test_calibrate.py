"""`harness calibrate`: a project of a user's own, compared with itself in real processes."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.calibration import false_alarms, read_calibrations
from harness.cli import main
from harness.stats import summarise


@pytest.mark.slow
def test_a_suite_is_compared_with_itself(
    project_folder: Path, write_project: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    """Real restarts, with what follows from them in the table and in the file; a margin below it is then refused."""
    write_project({"good": "recipe.epochs = 50\npaired = { cpu = 0.9, wall = 0.9 }", "hang": ""})

    assert main(["calibrate", "mine", "-k", "good", "--restarts", "5"]) == 0

    out, err = capsys.readouterr()
    header, *rows, path = out.splitlines()
    assert header.split("\t") == ["case", "clock", "restarts", "sd", "detectable", "margin", "false worse", "A/A", "why"]
    assert [("good", "cpu", "5"), ("good", "wall", "5")] == [tuple(row.split("\t")[:3]) for row in rows]
    assert "good: restart 5 of 5: cpu" in err
    assert "with 4 times judged, the rank test begins at 10 restarts" in err
    ((file, found),) = read_calibrations(project_folder / "results", "mine").items()
    assert str(file) == path
    assert {"good"} == set(found.cases)
    case = found.cases["good"]
    assert (4, 2000) == (case.family, case.relabellings)  # the whole suite's, of which one case was measured
    changes = {clock: list(told.changes) for clock, told in case.clocks.items()}
    rates = false_alarms(changes, {"cpu": 0.9, "wall": 0.9}, 4)
    for clock, told in case.clocks.items():
        assert 5 == len(told.changes)
        assert all(abs(change) < math.log(3) for change in told.changes)
        assert told.sd == pytest.approx(summarise(told.changes).sd)
        assert told.detectable_effect > told.sd
        assert (rates[clock], "same") == (told.false_worse, told.verdict)
    assert not any("host" in key for key in json.loads(file.read_text())["machine"])

    suite = project_folder / "suites" / "mine.toml"
    assert main(["check", "mine"]) in (0, 2)  # of a busy machine 90 % may be below what can be told
    suite.write_text(suite.read_text().replace("cpu = 0.9", "cpu = 1e-6"))
    assert main(["check", "mine"]) == 2
    assert "case 'good': paired.cpu: margin 0.0001 % is below" in capsys.readouterr().err


def test_a_case_that_cannot_run_says_so(
    project_folder: Path, write_project: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    """Which arm it was and why; nothing is stored."""
    write_project({"exception": ""})

    assert main(["calibrate", "mine"]) == 5

    assert "ValueError: boom" in capsys.readouterr().err
    assert {} == read_calibrations(project_folder / "results", "mine")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["mien"], "no suite 'mien'"),
        (["mine", "-k", "absent"], "absent"),
        (["mine", "--restarts", "4"], "or equal to 5"),
    ],
)
def test_what_cannot_be_calibrated_is_refused(
    write_project: Callable[..., None], arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 2, before anything is started."""
    write_project({"good": ""})

    assert main(["calibrate", *arguments]) == 2
    assert message in capsys.readouterr().err
