"""The line of every key, whatever form of TOML it is written in."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from harness.errors import SuiteError
from harness.suite._node import KeyPath, Node
from harness.suite._toml import parse, read

EVERY_FORM = '''# comment = 1
top = 1  # [not.a.table]
"quoted key".'x y' = """
[not a header]
"" \\""" two more quotes"""""
dotted.key.path = [ 1, # one
  "two ] # no comment",
  { x = 1, y.z = "}" },
  [3,
   4],
]

[ spaced . "and quoted" ]
date = 1979-05-27 07:32:00
literal = \'\'\'
\'quoted\'
[x]\'\'\'
empty = {}
none = []

[[case]]
name = 'it = ['
[case.recipe]
lr = 1e-3
[[case.inner]]
[[case.inner]]
z = 0
[[case]]
[case.recipe]
lr = 0x1F
'''

LINES: dict[KeyPath, int] = {
    ("top",): 2,
    ("quoted key",): 3,
    ("quoted key", "x y"): 3,
    ("dotted",): 6,
    ("dotted", "key", "path"): 6,
    ("dotted", "key", "path", 0): 6,
    ("dotted", "key", "path", 1): 7,
    ("dotted", "key", "path", 2, "x"): 8,
    ("dotted", "key", "path", 2, "y", "z"): 8,
    ("dotted", "key", "path", 3): 9,
    ("dotted", "key", "path", 3, 1): 10,
    ("spaced",): 13,
    ("spaced", "and quoted"): 13,
    ("spaced", "and quoted", "date"): 14,
    ("spaced", "and quoted", "literal"): 15,
    ("spaced", "and quoted", "empty"): 18,
    ("spaced", "and quoted", "none"): 19,
    ("case",): 21,
    ("case", 0): 21,
    ("case", 0, "name"): 22,
    ("case", 0, "recipe"): 23,
    ("case", 0, "recipe", "lr"): 24,
    ("case", 0, "inner", 0): 25,
    ("case", 0, "inner", 1): 26,
    ("case", 0, "inner", 1, "z"): 27,
    ("case", 1): 28,
    ("case", 1, "recipe"): 29,
    ("case", 1, "recipe", "lr"): 30,
}


def line_of(root: Node, path: KeyPath) -> int:
    """Return the line of the node at exactly `path`."""
    walked, node = root.follow(path)
    assert walked == path
    return node.place.line


@pytest.mark.parametrize("path", LINES, ids=str)
def test_every_form_of_key_knows_its_line(path: KeyPath) -> None:
    """Tables, arrays of tables, dotted and quoted keys, inline tables and long values are found on their lines."""
    assert line_of(parse(EVERY_FORM, "x.toml"), path) == LINES[path]


def test_windows_line_ends_count_once() -> None:
    """A file with CR LF line ends has the same lines as one with LF."""
    root = parse(EVERY_FORM.replace("\n", "\r\n"), "x.toml")

    assert {path: line_of(root, path) for path in LINES} == LINES


def test_values_are_those_of_tomllib() -> None:
    """The nodes hold exactly what tomllib reads."""
    assert parse(EVERY_FORM, "x.toml").plain() == tomllib.loads(EVERY_FORM)


@pytest.mark.parametrize(
    ("text", "line"),
    [("a = 1\nb = \n", 2), ("a = 1\na = 2\n", 2), ("a = 1\nb = [1,\n2", 3), ("[x\n", 1), ("", None)],
)
def test_syntax_errors_have_a_line(text: str, line: int | None) -> None:
    """Text that is no TOML is a problem on the line where reading stopped."""
    if line is None:
        assert parse(text, "x.toml").plain() == {}
        return
    with pytest.raises(SuiteError) as caught:
        parse(text, "x.toml")

    (problem,) = caught.value.problems
    assert (problem.file, problem.line) == ("x.toml", line)
    assert problem.message.startswith("not valid TOML: ")
    assert "(at " not in problem.message


def test_bytes_that_are_no_text_are_a_problem(tmp_path: Path) -> None:
    """A file that is not UTF-8 is refused with the line of the first wrong byte."""
    file = tmp_path / "x.toml"
    file.write_bytes(b"a = 1\nb = '\xff'\n")

    with pytest.raises(SuiteError, match=r"x\.toml:2: not UTF-8 text; save the file as UTF-8"):
        read(file, "x.toml")


def test_unreadable_file_is_a_problem(tmp_path: Path) -> None:
    """A path that cannot be read, such as a folder, is a problem of that file."""
    with pytest.raises(SuiteError, match=r"folder\.toml:1: cannot be read: Is a directory"):
        read(tmp_path, "folder.toml")
