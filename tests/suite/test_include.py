"""Includes: what other files declare comes first; own defaults and gates win, own cases are added."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from harness.catalog import Catalog
from harness.suite import Gate, Suite, load_suite

Load = Callable[..., Suite]
Problems = Callable[..., list[str]]

HEAD = 'version = 1\nwhy = "To test."\n'
CASE = '[[case]]\nmodel = "tinynet"\ndata = "dots"\nrecipe.epochs = 2\n'
COMMON = """
tags = ["common"]
[defaults]
seeds = [4]
repeats = 2
[gates]
hits = { level = "warn", margin = 0.1 }
heat = { level = "info" }
[[case]]
name = "shared"
model = "plainnet"
data = "dots"
recipe.steps = 5
"""


def test_included_defaults_gates_and_cases_come_first(load: Load) -> None:
    """Own defaults and gates win value by value, in the included cases too; version, why and tags are not inherited."""
    suite = load(
        HEAD + 'include = ["_common.toml"]\n[defaults]\nseeds = [5]\n[gates.hits]\nlevel = "hard"\n' + CASE,
        _common=COMMON,
    )

    assert [case.name for case in suite.cases] == ["shared", "tinynet"]
    assert [(case.seeds, case.repeats) for case in suite.cases] == [((5,), 2), ((5,), 2)]
    expected = {"hits": Gate(level="hard", margin=0.1), "heat": Gate(level="info")}
    assert [case.gates for case in suite.cases] == [expected, expected]
    assert (suite.version, suite.tags) == (1, ())


def test_a_file_that_two_others_include_counts_once(load: Load) -> None:
    """A file reached by two ways adds its cases once."""
    suite = load(
        HEAD + 'include = ["_one.toml", "_two.toml"]\n' + CASE,
        _one='include = ["_common.toml"]\n',
        _two='include = ["_common.toml"]\n',
        _common=COMMON,
    )

    assert [case.name for case in suite.cases] == ["shared", "tinynet"]


def test_a_whole_suite_may_be_included(load: Load) -> None:
    """Another suite's cases can be taken over; its version stays its own."""
    suite = load(HEAD.replace("1", "2") + 'include = ["other.toml"]\n', other=HEAD + CASE)

    assert (suite.version, [case.name for case in suite.cases]) == (2, ["tinynet"])


def test_an_include_is_relative_to_the_file_that_names_it(project_folder: Path, catalog: Catalog) -> None:
    """A path leads on from the folder of the including file, not from the working folder."""
    for name, text in {
        "suites/deep/mine.toml": HEAD + 'include = ["../shared/a.toml"]\n',
        "suites/shared/a.toml": 'include = ["b.toml"]\n',
        "suites/shared/b.toml": CASE,
    }.items():
        (project_folder / name).parent.mkdir(parents=True, exist_ok=True)
        (project_folder / name).write_text(text)

    assert [case.name for case in load_suite(Path("suites/deep/mine.toml"), catalog).cases] == ["tinynet"]


def test_a_missing_include_is_a_problem_of_its_line(problems: Problems) -> None:
    """The list's entry that names no file is pointed at, with the nearest file beside it."""
    assert problems(HEAD + 'include = [\n  "_common.toml",\n  "_comon.toml",\n]\n' + CASE, _common=COMMON) == [
        "mine.toml:5: include: no file '_comon.toml' beside suites/mine.toml, did you mean '_common.toml'?"
    ]


def test_links_and_folders_are_told_for_what_they_are(project_folder: Path, problems: Problems) -> None:
    """A link to nothing, one that leads to itself, and a folder are problems of their lines, and no traceback."""
    suites = project_folder / "suites"
    (suites / "_gone.toml").symlink_to("_nowhere.toml")
    (suites / "_loop.toml").symlink_to("_loop.toml")
    (suites / "_folder.toml").mkdir()

    assert problems(HEAD + 'include = ["_gone.toml", "_loop.toml", "_folder.toml"]\n' + CASE) == [
        "mine.toml:3: include: '_folder.toml' beside suites/mine.toml is a folder, not a file",
        "mine.toml:3: include: '_gone.toml' beside suites/mine.toml is a link that leads to no file",
        "mine.toml:3: include: '_loop.toml' beside suites/mine.toml is a link that leads to no file",
    ]


def test_a_cycle_of_includes_is_a_problem(problems: Problems) -> None:
    """Files that include each other are refused where the circle closes; the chain is named."""
    found = problems(
        HEAD + 'include = ["_one.toml"]\n' + CASE, _one='\ninclude = ["_two.toml"]\n', _two='include = ["_one.toml"]'
    )

    assert found == [
        "_two.toml:1: include: '_one.toml' includes itself: _one.toml -> _two.toml -> _one.toml; remove one of them"
    ]


def test_problems_of_all_files_come_together(problems: Problems) -> None:
    """Problems in included files name those files, beside the suite's own."""
    found = problems(
        HEAD.replace("version = 1", "versoin = 1") + 'include = ["_one.toml", "_two.toml"]\n' + CASE,
        _one="[defaults]\nseeds = [1, 1]\n",
        _two="case = \n",
    )

    assert [problem.split("; ")[0] for problem in found] == [
        "_one.toml:2: seeds[1]: found seed 1 twice",
        "_two.toml:1: not valid TOML: Invalid value",
        "mine.toml:1: unknown key 'versoin', did you mean 'version'?",
    ]


def test_an_include_that_is_no_text_is_a_problem(problems: Problems) -> None:
    """An include list takes file names only."""
    assert problems(HEAD + "include = [3]\n" + CASE) == ["mine.toml:3: include[0]: found 3; allowed: text in quotes"]
