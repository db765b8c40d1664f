"""`harness selftest`: for real, and with a gate that is broken on purpose."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from harness.cli import main
from harness.selftest import FAULTS, TEMPLATE


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_every_planted_fault_is_caught(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 0; each fault has its row; a caller's own repository and base branch play no part."""
    monkeypatch.setenv("GITHUB_BASE_REF", "main")
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "nowhere"))

    assert main(["selftest", "--seconds", "120", "--keep", str(tmp_path / "kept")]) == 0

    out, _ = capsys.readouterr()
    rows = [line.split("\t") for line in out.splitlines() if line.count("\t") == 6]
    assert [*("nothing",), *(fault.name for fault in FAULTS[:-1]), "nothing", FAULTS[-1].name] == [row[0] for row in rows[1:]]
    assert {"yes"} == {row[5] for row in rows[1:]}
    assert "equal code called worse by ab: 0 of 1 (95 % interval of the rate: 0.0 to 97.5 %)" in out
    assert "slow-down found by ab: 1 of 1 (95 % interval of the rate: 2.5 to 100.0 %)" in out
    assert (tmp_path / "kept" / "harness.log").read_text()
    assert [] == list((tmp_path / "kept" / "tmp").glob("harness-*"))  # the commands have cleared up behind them


@pytest.mark.slow
def test_a_gate_that_lets_everything_pass_is_found_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With a margin that no model is worse by, a worse model goes unseen by its score: exit code 1."""
    template = shutil.copytree(TEMPLATE, tmp_path / "template")
    suite = template / "suites" / "selftest.toml"
    text = suite.read_text()
    assert "accuracy = { margin = 0.1 }" in text
    suite.write_text(text.replace("accuracy = { margin = 0.1 }", "accuracy = { margin = 1.0 }"))

    assert main(["selftest", "-k", "worse model", "--template", str(template)]) == 1

    out, _ = capsys.readouterr()
    rows = {line.split("\t")[0]: line.split("\t") for line in out.splitlines() if line.count("\t") == 6}
    assert ["worse model", "gate", "worse", "same", "accuracy", "NO"] == rows["worse model"][:6]
    assert "yes" == rows["nothing"][5]
    assert "selftest: wrong about worse model (gate)" in out
    assert "called worse by ab" not in out  # nothing was compared


def test_what_cannot_be_planted_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 2, with what is wrong: an unknown fault, a folder that is there, a template that is none."""
    assert main(["selftest", "-k", "flood"]) == 2
    assert "no fault has that in its name; planted are: leak, worse model" in capsys.readouterr().err
    assert main(["selftest", "--keep", str(tmp_path)]) == 2
    assert "name a folder that does not exist yet" in capsys.readouterr().err
    assert main(["selftest", "--template", str(tmp_path)]) == 2
    assert "it has no suites/selftest.toml; copy " in capsys.readouterr().err


@pytest.mark.slow
def test_a_project_that_cannot_be_measured_says_what_its_command_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The last lines of the command that failed, and exit code 5: the test itself could not be made."""
    template = shutil.copytree(TEMPLATE, tmp_path / "template")
    model = template / "bench" / "models" / "perceptron.py"
    model.write_text(model.read_text().replace("nn.Linear(WIDTH, classes)", "nn.Linear(WIDTH, -1)"))

    assert main(["selftest", "-k", "leak", "--template", str(template)]) == 5
    assert "harness run selftest --fresh: exit code 5:\n" in capsys.readouterr().err
