"""A reader that leaves before the end, such as `head`: no command takes that for a verdict."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from harness.errors import ExitCode


def run(folder: Path, *arguments: str, both: bool = False) -> subprocess.CompletedProcess[str]:
    """Run a command whose stdout, or both of whose outputs, are a pipe that nobody reads any more."""
    read, write = os.pipe()
    os.close(read)
    stderr = write if both else subprocess.PIPE
    command = [sys.executable, "-P", "-m", "harness", *arguments]
    done = subprocess.run(command, cwd=folder, stdout=write, stderr=stderr, text=True, check=False)
    os.close(write)
    return done


OUTPUTS = ("list models", "list tasks", "show suite mine", "schema", "--help", "list --help", "--version")


@pytest.mark.parametrize("command", OUTPUTS)
def test_a_reader_that_leaves_gives_the_code_of_sigpipe(project_folder: Path, command: str) -> None:
    """Neither 1, which says that something is worse, nor a traceback: long outputs and short ones, and typer's own."""
    (project_folder / "suites" / "mine.toml").write_text(
        'version = 1\nwhy = "To test."\n[[case]]\nmodel = "a004_cnn"\ndata = "digits"\nrecipe.epochs = 1\n'
    )

    done = run(project_folder, *command.split())

    assert (ExitCode.READER_LEFT, "") == (done.returncode, done.stderr)


@pytest.mark.parametrize("arguments", [["list", "models"], ["list", "nothing"]], ids=" ".join)
def test_the_message_of_an_error_may_be_what_no_one_reads(project_folder: Path, arguments: list[str]) -> None:
    """`harness list models 2>&1 | head -1` is no verdict, whatever of it was to be read."""
    assert run(project_folder, *arguments, both=True).returncode == ExitCode.READER_LEFT


def test_an_error_that_is_read_keeps_its_code(project_folder: Path) -> None:
    """Nothing was to be written to the output that is gone."""
    done = run(project_folder, "list", "nothing")

    assert ExitCode.USAGE == done.returncode
    assert done.stderr.startswith("error: found 'nothing'")
