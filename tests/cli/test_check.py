"""`harness check`: every problem of every suite at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.cli import main

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
