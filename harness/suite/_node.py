"""Values of a suite file that know where they stand, and how one layer of them lies over another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

Key = str | int
KeyPath = tuple[Key, ...]

RIVALS = {"epochs": "steps", "steps": "epochs"}
"""In a recipe, either key of a later layer removes the other one of an earlier layer."""


@dataclass(frozen=True)
class Place:
    """A line of a file."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass
class Node:
    """One value: a table (dict of nodes), a list of nodes, or a plain value."""

    value: Any
    place: Place
    bad: bool = False
    """Whether a problem with this value is already reported; `plain` then leaves it out."""

    @property
    def table(self) -> dict[str, Node]:
        """The entries, when this is a table; none otherwise."""
        return self.value if isinstance(self.value, dict) and not self.bad else {}

    @property
    def items(self) -> list[Node]:
        """The entries, when this is a list; none otherwise."""
        return self.value if isinstance(self.value, list) and not self.bad else []

    def child(self, key: Key) -> Node | None:
        """Return the entry under one key or index."""
        if isinstance(key, str):
            return self.value.get(key) if isinstance(self.value, dict) else None
        return self.value[key] if isinstance(self.value, list) and key < len(self.value) else None

    def follow(self, path: KeyPath) -> tuple[KeyPath, Node]:
        """Return the deepest sound node along `path`, and the keys that led to it; keys not there are passed over."""
        node = self
        walked: KeyPath = ()
        for key in path:
            child = node.child(key)
            if child is not None and not child.bad:
                node, walked = child, (*walked, key)
        return walked, node

    def sound(self, *path: Key) -> bool:
        """Return whether nothing along `path` has a problem, be it present or not."""
        node: Node | None = self
        for key in path:
            node = node.child(key) if node else None
            if node and node.bad:
                return False
        return True

    def plain(self) -> Any:
        """Return the value as plain data."""
        if isinstance(self.value, dict):
            return {key: child.plain() for key, child in self.value.items() if not child.bad}
        if isinstance(self.value, list):
            return [child.plain() for child in self.value]
        return self.value


def merge(base: Node, own: Node, path: tuple[str, ...] = ()) -> Node:
    """Return `own` over `base`: tables entry by entry, anything else replaced.

    A table whose `name` differs replaces the one below it: the settings of one part, optimiser or schedule mean
    nothing to another.
    """
    if not (base.table and isinstance(own.value, dict)) or own.bad or _renamed(base, own):
        return own
    lower = base.table
    if path == ("recipe",):
        lower = {key: child for key, child in lower.items() if RIVALS.get(key) not in own.value}
    upper = {key: merge(lower[key], child, (*path, key)) if key in lower else child for key, child in own.value.items()}
    return Node({**lower, **upper}, own.place)


def _renamed(base: Node, own: Node) -> bool:
    names = base.child("name"), own.child("name")
    return names[0] is not None and names[1] is not None and names[0].plain() != names[1].plain()
