"""Exit codes, precedence and messages."""

from __future__ import annotations

import itertools

import pytest

from harness.errors import (
    EXIT_CODES,
    PRECEDENCE,
    CatalogError,
    ComparisonError,
    DataError,
    ExitCode,
    HarnessError,
    Problem,
    ResultsError,
    SuiteError,
    UsageError,
    among,
    combine,
    nearest,
)


def test_codes_are_the_documented_numbers() -> None:
    """The exit codes are a contract with scripts."""
    assert {code.name: code.value for code in ExitCode} == {
        "PASS": 0,
        "WORSE": 1,
        "USAGE": 2,
        "INCONCLUSIVE": 3,
        "INCOMPARABLE": 4,
        "MEASURING": 5,
        "BETTER": 6,
        "INTERRUPTED": 130,
        "READER_LEFT": 141,
    }
    assert set(EXIT_CODES) == set(ExitCode)


def test_of_several_codes_the_first_in_precedence_stands() -> None:
    """2, 5, 1, 4, 3, 6: whatever the order in which they come."""
    assert [code.value for code in PRECEDENCE] == [2, 5, 1, 4, 3, 6]
    for first, second in itertools.combinations(PRECEDENCE, 2):
        assert combine([second, first, ExitCode.PASS]) == first


def test_no_code_is_a_pass() -> None:
    """Nothing to say means pass."""
    assert combine([]) == ExitCode.PASS


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (HarnessError, 5),
        (UsageError, 2),
        (CatalogError, 2),
        (ComparisonError, 4),
        (ResultsError, 5),
        (DataError, 5),
    ],
)
def test_each_error_has_its_code(error: type[HarnessError], code: int) -> None:
    """An error that reaches the command line decides the exit code by its class."""
    assert error.exit_code == code


def test_a_suite_error_lists_every_problem_once_in_file_order() -> None:
    """Problems are sorted by file and line, without doubles."""
    problems = [Problem("b.toml", 2, "x"), Problem("a.toml", 9, "y"), Problem("b.toml", 2, "x")]

    error = SuiteError(problems)

    assert str(error) == "2 problems:\n  a.toml:9: y\n  b.toml:2: x"


def test_the_nearest_name_is_offered_only_when_close() -> None:
    """A slip is corrected; something else entirely is not guessed at."""
    assert nearest("acuracy", ["accuracy", "loss"]) == ", did you mean 'accuracy'?"
    assert nearest("zzz", ["accuracy", "loss"]) == ""


def test_many_names_are_not_listed_beside_the_closest() -> None:
    """A few are listed, and many where none is close; else the command that shows all is named."""
    many = [f"model_{number}" for number in range(90)]

    assert among("acuracy", ["accuracy", "loss"], "harness list") == ", did you mean 'accuracy'?; allowed: accuracy, loss"
    assert among("modle_7", many, "harness list") == ", did you mean 'model_7'?; allowed: what `harness list` shows"
    assert among("zzz", many, "harness list models", word="held") == f"; held: {', '.join(many)}"
