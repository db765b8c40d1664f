"""TOML with line numbers: tomllib reads the values, a scanner of our own notes where each key stands.

The scanner only sees text that tomllib has accepted, so it looks for structure and checks nothing.
"""

from __future__ import annotations

import bisect
import re
import tomllib
from pathlib import Path
from typing import Any

from harness.errors import Problem, SuiteError
from harness.suite._node import Key, KeyPath, Node, Place

_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_KEY = re.compile(r"""[A-Za-z0-9_-]+|"(?:[^"\\]|\\.)*"|'[^']*'""")
# Up to two quotes may stand right before the three that close a long string.
_STRING = re.compile(
    r'''"""(?:[^\\]|\\.)*?"""(?:"{0,2})|\'\'\'.*?\'\'\'(?:\'{0,2})|"(?:[^"\\]|\\.)*"|\'[^\']*\'''',
    re.DOTALL,
)
_SCALAR = re.compile(r"[^,\]}#\n]+")


def read(path: Path, shown: str) -> Node:
    """Return a file's content; `shown` names the file in problems.

    Raises:
        SuiteError: it cannot be read, or is not valid TOML.
    """
    try:
        raw = path.read_bytes()
        return parse(raw.decode("utf-8"), shown)
    except OSError as error:
        raise SuiteError([Problem(shown, 1, f"cannot be read: {error.strerror or error}")]) from error
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise SuiteError([Problem(shown, line, "not UTF-8 text; save the file as UTF-8")]) from error


def parse(text: str, shown: str) -> Node:
    """Return TOML text as nodes that know their lines.

    Raises:
        SuiteError: the text is not valid TOML.
    """
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SuiteError([_syntax_problem(str(error), text, shown)]) from error
    lines = _Scanner(text).document()
    return _node(data, (), shown, lines, 1)


def _syntax_problem(message: str, text: str, shown: str) -> Problem:
    found = re.search(r" \(at (?:line (\d+), column \d+|end of document)\)$", message)
    line = int(found[1]) if found and found[1] else max(1, len(text.splitlines()))
    return Problem(shown, line, f"not valid TOML: {message[: found.start()] if found else message}")


def _node(value: Any, path: KeyPath, shown: str, lines: dict[KeyPath, int], above: int) -> Node:
    line = lines.get(path, above)
    if isinstance(value, dict):
        value = {key: _node(child, (*path, key), shown, lines, line) for key, child in value.items()}
    elif isinstance(value, list):
        value = [_node(child, (*path, index), shown, lines, line) for index, child in enumerate(value)]
    return Node(value, Place(shown, line))


class _Scanner:
    """Walks through valid TOML once and notes the line of every key path and list entry."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.ends = [match.start() for match in re.finditer("\n", text)]
        self.lines: dict[KeyPath, int] = {}
        self.last: dict[KeyPath, int] = {}  # path of an array of tables -> index of its latest table

    def document(self) -> dict[KeyPath, int]:
        """Return key path -> line."""
        table: KeyPath = ()
        while self._blank() < len(self.text):
            if self._take("[["):
                table = self._header(array=True)
            elif self._take("["):
                table = self._header(array=False)
            else:
                self._pair(table)
        return self.lines

    def _header(self, *, array: bool) -> KeyPath:
        line, keys = self._line(), self._keys()
        path: KeyPath = ()
        for position, key in enumerate(keys, 1):
            path = (*path, key)
            self.lines.setdefault(path, line)
            if array and position == len(keys):
                self.last[path] = self.last.get(path, -1) + 1
            if path in self.last:
                path = (*path, self.last[path])
        self.lines[path] = line
        self._take("]]" if array else "]")
        return path

    def _pair(self, table: KeyPath) -> None:
        line, path = self._line(), table
        for key in self._keys():
            path = (*path, key)
            self.lines.setdefault(path, line)
        self._take("=")
        self._value(path)

    def _value(self, path: KeyPath) -> None:
        self._blank()
        if self._take("["):
            index = 0
            while not self._take("]"):
                self.lines[(*path, index)] = self._line()
                self._value((*path, index))
                self._take(",")
                index += 1
        elif self._take("{"):
            while not self._take("}"):
                self._pair(path)
                self._take(",")
        else:
            self._match(_STRING) or self._match(_SCALAR)

    def _keys(self) -> list[Key]:
        keys: list[Key] = [self._key()]
        while self._take("."):
            keys.append(self._key())
        return keys

    def _key(self) -> str:
        self._blank()
        raw = self._match(_KEY)
        if raw.startswith('"'):
            return str(tomllib.loads(f"key = {raw}")["key"])
        return raw.strip("'")

    def _blank(self) -> int:
        self._match(_BLANK)
        return self.at

    def _take(self, mark: str) -> bool:
        """Skip blanks and then `mark`, when it comes next."""
        self._blank()
        found = self.text.startswith(mark, self.at)
        self.at += len(mark) if found else 0
        return found

    def _match(self, pattern: re.Pattern[str]) -> str:
        found = pattern.match(self.text, self.at)
        self.at = found.end() if found else self.at
        return found[0] if found else ""

    def _line(self) -> int:
        self._blank()
        return bisect.bisect_left(self.ends, self.at) + 1
