"""Tables on a terminal; on a pipe they are compared in the tests of the commands."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
from harness.cli._table import print_table
rows = [("lenet[lr=0.1]", 12345, "one two three four five six seven eight"), ("a", 1, "")]
print_table(("name", "count", "words"), rows, right=("count",), total=("total", 12346, ""))
"""


def on_terminal(program: str, columns: int) -> list[str]:
    """Return the lines that a program prints on a terminal of that width, without colours and trailing blanks."""
    master, slave = pty.openpty()
    environment = {**os.environ, "COLUMNS": str(columns), "TERM": "xterm"}
    child = subprocess.Popen([sys.executable, "-c", program], stdout=slave, env=environment)
    os.close(slave)  # read while it writes: a terminal holds some 4 KiB, and who writes more waits
    printed = b""
    try:
        while piece := os.read(master, 4096):
            printed += piece
    except OSError:  # Linux says so where a terminal's last writer has gone
        pass
    os.close(master)
    assert child.wait() == 0
    plain = re.sub(r"\x1b\[[0-9;]*m", "", printed.decode())
    return [line.rstrip() for line in plain.splitlines()]


def test_a_terminal_gets_aligned_columns(project_folder: Path) -> None:
    """Names stand left, numbers right, brackets are no markup, and the total comes last."""
    assert on_terminal(PROGRAM, 80) == [
        "name           count  words",
        "lenet[lr=0.1]  12345  one two three four five six seven eight",
        "a                  1",
        "total          12346",
    ]


def test_a_narrow_terminal_breaks_words_but_no_names(project_folder: Path) -> None:
    """Only the last column is broken, and never below a readable width."""
    assert on_terminal(PROGRAM, 20) == [
        "name           count  words",
        "lenet[lr=0.1]  12345  one two three four five six",
        "                      seven eight",
        "a                  1",
        "total          12346",
    ]


def test_named_columns_break_like_the_last(project_folder: Path) -> None:
    """Several columns may hold sentences; a narrow terminal breaks them all, and a wide one none."""
    cells = "('count', 'one two three four five six seven', 'one two three four five six seven')"
    table = f"print_table(('name', 'source', 'words'), [{cells}], words=('source',))"
    program = f"from harness.cli._table import print_table\n{table}"

    assert on_terminal(program, 20) == [
        "name   source                         words",
        "count  one two three four five six    one two three four five six",
        "       seven                          seven",
    ]
    assert on_terminal(program, 80)[1] == "count  one two three four five six seven  one two three four five six seven"


def test_cells_of_a_pipe_hold_no_tabs_or_line_ends() -> None:
    """Whatever a cell holds, a row is one line with one tab between cells."""
    program = "from harness.cli._table import print_table\nprint_table(('a', 'b'), [('x\\ty', 'one\\n two'), (1, None)])"

    printed = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout

    assert printed == "a\tb\nx y\tone two\n1\tNone\n"


@pytest.mark.parametrize("columns", [80, 120])
def test_the_list_of_experiments_leaves_room_for_what_they_are(project_folder: Path, columns: int) -> None:
    """No row is wider than the terminal, and the summary has a third of it or more."""
    lines = on_terminal("from harness.cli import main; main(['list', 'experiments'])", columns)

    assert max(map(len, lines)) <= columns
    assert lines[0].index("summary") <= columns * 2 / 3
