"""`harness history`: a table for eyes and pipes, what changed, and what drifted."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from harness.baseline import promote, propose, write_proposals
from harness.cli import main
from harness.results import RunSet
from tests.support import Trained, make_case, make_suite, record

CASE = make_case(seeds=(1, 2))
SUITE = make_suite(CASE)


def measured(results: Path, day: int, seconds: float) -> RunSet:
    """Store a run set of a day, both runs within a thousandth of a time."""
    columns = {"started_utc": f"2026-01-{day:02}T00:00:00+00:00"}
    values = {1: seconds * 0.999, 2: seconds * 1.001}
    runs = [
        Trained(CASE, seed, {"step_time_median": values[seed], "final_weights_digest": "abc"}, columns=columns)
        for seed in CASE.seeds
    ]
    return record(results, SUITE, runs)


@pytest.fixture
def slowing(project_folder: Path) -> list[RunSet]:
    """Twelve days, a step slower by a tenth from the seventh on; the baseline is the first's."""
    results = project_folder / "results"
    times = [1.0, 1.003, 0.998, 1.001, 0.999, 1.002, 1.1, 1.103, 1.098, 1.101, 1.099, 1.102]
    stored = [measured(results, day, seconds) for day, seconds in enumerate(times, start=1)]
    promote(write_proposals(stored[0], propose(stored[:1], "first").baselines), results / "baselines" / SUITE.name)
    return stored


def test_the_table_has_every_run_set_and_the_change(slowing: list[RunSet], capsys: pytest.CaptureFixture[str]) -> None:
    """On a pipe a line for each, numbers whole; what changed and drifted is told on stderr."""
    assert main(["history", "step_time_median", "--suite", "demo"]) == 0

    told = capsys.readouterr()
    rows = [line.split("\t") for line in told.out.splitlines()]
    assert rows[0] == ["case", "moment", "run set", "commit", "runs", "mean", "low", "high", "change", "note"]
    assert [row[2] for row in rows[1:]] == [run_set.name for run_set in slowing]
    assert [float(row[5]) for row in rows[1:4]] == pytest.approx([1.0, 1.003, 0.998])
    assert [index for index, row in enumerate(rows[1:]) if row[8]] == [6]
    assert rows[7][8] == "+10.0 %"
    assert told.err.splitlines()[0] == f"lenet: worse by 10.0 % from {slowing[6].name} on (commit 0123456789ab)"
    assert told.err.splitlines()[1].startswith("lenet: drifted for the worse from the baseline of 2026-01-01: +10.1 % (")


def test_a_drift_can_fail_a_job(slowing: list[RunSet]) -> None:
    """With --check, from the baseline or from any run set; not from one that was as slow."""
    arguments = ["history", "step_time_median", "--suite", "demo", "--check"]

    assert main(arguments) == 1
    assert main([*arguments, "--anchor", slowing[1].name]) == 1
    assert main([*arguments, "--anchor", slowing[8].name]) == 0
    assert main([*arguments, "--anchor", "none"]) == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["step_time_median", "--suite", "dem"], "no run set of suite 'dem'"),
        (["step_time_media", "--suite", "demo"], "did you mean 'step_time_median'?"),
        (["final_weights_digest", "--suite", "demo"], "no run set of 'demo' holds a number of 'final_weights_digest'"),
        (["step_time_median", "--suite", "demo", "--case", "lenett"], "did you mean 'lenet'?"),
        (["step_time_median", "--suite", "demo", "--anchor", "demo/2020"], "no run set 'demo/2020'"),
    ],
)
def test_what_is_not_there_is_a_usage_error(
    slowing: list[RunSet], capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    """Code 2, with the nearest name."""
    assert main(["history", *arguments]) == 2
    assert message in capsys.readouterr().err


def test_without_a_baseline_drift_is_said_to_be_unknown(project_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """No silence, no pass."""
    measured(project_folder / "results", 1, 1.0)

    assert main(["history", "step_time_median", "--suite", "demo"]) == 0
    assert "no drift can be told: baseline holds no step_time_median" in capsys.readouterr().err


def test_a_damaged_run_set_is_left_out_and_told(slowing: list[RunSet], capsys: pytest.CaptureFixture[str]) -> None:
    """One file that was cut off does not cost the history of all others."""
    (slowing[3].path / "measurements.parquet").write_bytes(b"PAR1")

    assert main(["history", "step_time_median", "--suite", "demo"]) == 0

    told = capsys.readouterr()
    assert len(told.out.splitlines()) == 12
    assert f"left out: {slowing[3].path}" in told.err


def test_reading_a_history_never_imports_torch(slowing: list[RunSet]) -> None:
    """It works on any machine."""
    code = (
        "import sys; from harness.cli import main; code = main(['history', 'step_time_median', '--suite', 'demo']);"
        "print([name for name in ('torch', 'sklearn', 'scipy.stats') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.splitlines()[-1] == "[]"
