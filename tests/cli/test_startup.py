"""What starting a command costs: help, list and check import nothing heavy."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from harness.cli import main

HEAVY = ("torch", "pandas", "pyarrow", "scipy", "sklearn", "matplotlib")
SUITES = Path(__file__).parents[2] / "suites"

PROGRAM = """
import sys
from harness.cli import main
code = main(sys.argv[1:])
print(code, *[name for name in {heavy!r} if name in sys.modules], file=sys.stderr)
"""


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["check", "--help"],
        *(["list", kind] for kind in ("models", "data", "tasks", "metrics", "suites")),
        ["check"],
        ["schema"],
        ["plan", "smoke"],
        ["show", "suite", "smoke"],
    ],
    ids=" ".join,
)
def test_light_commands_import_nothing_heavy(project_folder: Path, arguments: list[str]) -> None:
    """In a fresh process, these commands end well and have loaded no torch, pandas, pyarrow, scipy or matplotlib."""
    for path in SUITES.glob("*.toml"):
        (project_folder / "suites" / path.name).write_text(path.read_text())

    ended = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(heavy=HEAVY), *arguments], capture_output=True, text=True, check=True
    )

    assert (ended.stderr, ended.stdout != "") == ("0\n", True)


@pytest.mark.parametrize(
    "command", ["check", "plan", "list", "schema", *(f"show {kind}" for kind in ("model", "data", "task", "metric", "suite"))]
)
def test_help_has_an_example(project_folder: Path, capsys: pytest.CaptureFixture[str], command: str) -> None:
    """The help of every command shows one way to call it."""
    assert main([*command.split(), "--help"]) == 0
    assert f"Example: harness {command}" in " ".join(capsys.readouterr().out.split())


def test_an_unknown_command_or_option_is_a_usage_error(project_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Errors of the command line end with exit code 2 and no traceback."""
    assert main(["chekc"]) == 2
    assert main(["check", "--frsh"]) == 2
    assert main(["plan"]) == 2
    assert "Traceback" not in capsys.readouterr().err
