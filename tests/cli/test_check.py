"""`harness check`: every problem of every suite at once."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from harness.calibration._files import store_case
from harness.catalog import Catalog
from harness.cli import main
from harness.suite import load_suite
from tests.calibration.support import MACHINE, make_calibrated, make_clock

GOOD = """\
version = 1
why = "To test."
[defaults]
data = "digits"
recipe.epochs = 1
[[case]]
model = "a000_lenet_gray"
seeds = 3
repeats = 2
[[case]]
model = "a004_cnn"
"""
BAD = GOOD.replace("seeds", "seedz").replace('"a004_cnn"', '"a004_cn"')


def write(folder: Path, **suites: str) -> None:
    """Write suites of a project."""
    for name, text in suites.items():
        (folder / "suites" / f"{name}.toml").write_text(text)


def test_good_suites_are_named_with_their_size(project_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Without a name all suites of the project are checked, but not what they include; the exit code is 0."""
    write(project_folder, one=GOOD, two=GOOD.split("[[case]]")[0] + '[[case]]\nmodel = "a004_cnn"\nseeds = 1\n', _part="x")

    assert main(["check"]) == 0

    assert capsys.readouterr().out == "suites/one.toml: ok, 2 cases, 13 runs\nsuites/two.toml: ok, 1 case, 3 runs\n"


def test_problems_of_all_suites_come_at_once(project_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Good suites are still named; all problems of the bad ones follow, and the exit code is 2."""
    write(project_folder, good=GOOD, bad=BAD, worse="version = 1\nwhy = \n")

    assert main(["check"]) == 2

    out, err = capsys.readouterr()
    assert out == "suites/good.toml: ok, 2 cases, 13 runs\n"
    assert [line.split("; ")[0] for line in err.splitlines()] == [
        "error: 3 problems:",
        "  suites/bad.toml:8: unknown key 'seedz', did you mean 'seeds'?",
        "  suites/bad.toml:11: model: found \"a004_cn\", did you mean 'a004_cnn'?",
        "  suites/worse.toml:2: not valid TOML: Invalid value",
    ]


def test_suites_are_given_by_name_or_by_path(project_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A name means a suite of the project; a path any file, shown as it was given where it lies elsewhere."""
    write(project_folder, one=GOOD, bad=BAD)
    (tmp_path / "mine.toml").write_text(GOOD)

    assert main(["check", "one", "mine.toml"]) == 0

    assert capsys.readouterr().out == "suites/one.toml: ok, 2 cases, 13 runs\nmine.toml: ok, 2 cases, 13 runs\n"


def test_a_suite_that_does_not_exist_is_refused_with_the_nearest(
    project_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A misspelt name is a usage error."""
    write(project_folder, smoke=GOOD)

    assert main(["check", "smok"]) == 2

    assert "no suite 'smok'" in (err := capsys.readouterr().err)
    assert "did you mean 'smoke'?" in err


def test_a_project_without_suites_is_refused(project_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing checked is not a success."""
    assert main(["check"]) == 2

    assert capsys.readouterr().err.startswith(f"error: no suites in {project_folder / 'suites'}; write one")


def test_parts_of_a_catalogue_can_be_added(project_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """--catalogue makes a user's own parts known without importing them."""
    models = project_folder / "bench" / "models"
    models.mkdir(parents=True)
    (models / "mine.py").write_text("raise RuntimeError('imported')\ndef build(spec): ...\nMODEL = Model(build=build)\n")
    write(project_folder, one=GOOD.replace("a004_cnn", "mine"))

    assert main(["check", "one"]) == 2
    assert main(["check", "one", "--catalogue", "bench"]) == 0
    assert capsys.readouterr().out == "suites/one.toml: ok, 2 cases, 13 runs\n"


def calibrate(folder: Path, suite: str, effect: float) -> None:
    """Store a calibration of the suite's first case, as `harness calibrate` does."""
    case = load_suite(folder / "suites" / f"{suite}.toml", Catalog()).cases[0]
    store_case(folder / "results", suite, MACHINE, case.name, make_calibrated(case, cpu=make_clock(effect)))


def test_a_margin_below_what_was_calibrated_is_refused(project_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Beside the problems of other suites, without an `ok`; a margin that is wide enough is let pass."""
    write(project_folder, bad=BAD, one=GOOD)
    calibrate(project_folder, "one", 0.02)

    assert main(["check"]) == 2

    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("error: 3 problems:\n  suites/bad.toml:8: ")
    assert "  suites/one.toml: case 'a000_lenet_gray': paired.cpu: margin 1.5 % is below 2 %" in err
    write(project_folder, one=GOOD.replace("recipe.epochs = 1", "recipe.epochs = 1\npaired.cpu = 0.02"))
    assert main(["check", "one"]) == 0
    assert capsys.readouterr().out == "suites/one.toml: ok, 2 cases, 13 runs\n"


def test_a_calibration_of_a_case_that_has_changed_is_a_warning(
    project_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The suite is ok, and the line says how to calibrate anew."""
    write(project_folder, one=GOOD)
    calibrate(project_folder, "one", 0.02)
    write(project_folder, one=GOOD.replace("recipe.epochs = 1", "recipe.epochs = 2"))

    assert main(["check"]) == 0

    ok, warning = capsys.readouterr().out.splitlines()
    assert ok == "suites/one.toml: ok, 2 cases, 13 runs"
    assert warning.startswith("warning: suites/one.toml: case 'a000_lenet_gray': has changed since results/calibration/")


def test_what_was_measured_is_read_without_torch(project_folder: Path) -> None:
    """Reading calibrations and baselines costs no torch, so that any machine may check."""
    write(project_folder, one=GOOD)
    calibrate(project_folder, "one", 0.001)
    (project_folder / "results" / "baselines" / "one").mkdir(parents=True)
    code = "import sys; from harness.cli import main; code = main(['check']); print(code, 'torch' in sys.modules)"

    done = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout == "suites/one.toml: ok, 2 cases, 13 runs\n0 False\n"


@pytest.mark.parametrize("name", ["ab", "baselines", "calibration"])
def test_a_suite_is_not_called_as_a_folder_of_results(
    project_folder: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its run sets would lie among what belongs to all suites."""
    write(project_folder, **{name: GOOD})

    assert main(["check"]) == 2
    err = capsys.readouterr().err
    assert f"found '{name}'; allowed: letters, digits and _ . -, but not " in err
    assert f"'{name}'" in err.partition("but not ")[2]


def test_the_margins_of_a_clock_are_merged_one_by_one(project_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A case's own margin leaves the suite's others; what is no margin is named with its line."""
    paired = GOOD.replace("recipe.epochs = 1", "recipe.epochs = 1\npaired.cpu = 0.2") + "paired.wall = 0.3\n"
    write(project_folder, one=paired)
    first, second = load_suite(project_folder / "suites" / "one.toml", Catalog()).cases
    assert (0.2, 0.05) == (first.paired.cpu, first.paired.wall)
    assert (0.2, 0.3) == (second.paired.cpu, second.paired.wall)

    write(project_folder, one=paired.replace("paired.wall = 0.3", "paired.wal = 0.3"))
    assert main(["check"]) == 2
    assert "suites/one.toml:13: unknown key 'wal' in paired, did you mean 'wall'?" in capsys.readouterr().err
    write(project_folder, one=paired.replace("0.3", "0.0"))
    assert main(["check"]) == 2
    assert "suites/one.toml:13: paired.wall: " in capsys.readouterr().err


def test_a_calibration_that_cannot_be_read_is_a_problem_among_others(
    project_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is wrong with it stands beside what is wrong with the suites."""
    write(project_folder, bad=BAD, one=GOOD)
    calibrate(project_folder, "one", 0.001)
    (file,) = (project_folder / "results" / "calibration").glob("*/one.json")
    file.write_text("{")

    assert main(["check"]) == 2

    err = capsys.readouterr().err
    assert err.startswith("error: 3 problems:\n  suites/bad.toml:8: ")
    assert f"suites/one.toml: calibrations that cannot be read:\n  {file}: " in err
