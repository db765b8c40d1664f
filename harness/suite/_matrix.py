"""A case's matrix: the combinations of its values, and the names that they give the cases."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from typing import Any

from harness.errors import Problem
from harness.suite._node import Node, Place, merge
from harness.suite._words import show_value

Axes = dict[str, list[Node]]
"""Dotted key of a case -> its values."""

NO_AXIS = ("name", "matrix")


def read_axes(case: Node) -> tuple[Axes, list[Problem]]:
    """Return the matrix of a case as written, and its problems."""
    axes: Axes = {}
    problems: list[Problem] = []
    matrix = case.table.get("matrix")
    for key, values in _flat(matrix) if matrix else ():
        message = ""
        if key.split(".")[0] in NO_AXIS:
            message = f"matrix: found {key!r}; allowed: any key of a case but {' and '.join(NO_AXIS)}"
        elif not values.items:
            message = f"matrix.{key}: found {show_value(values.plain())}; allowed: a list of at least 1 value"
        if message:
            problems.append(Problem(values.place.file, values.place.line, message))
        else:
            axes[key] = values.items
    return axes, problems


def combinations(axes: Axes, place: Place) -> Iterator[tuple[str, Node]]:
    """Yield every combination: the suffix of its case's name, and its layer of values; one empty layer for no axes.

    {"recipe.optimizer.lr": [0.1, 0.01]} -> ("[lr=0.1]", {recipe: {optimizer: {lr: 0.1}}}), ("[lr=0.01]", ...)
    """
    labels = _labels(axes)
    for values in itertools.product(*axes.values()):
        layer = Node({}, place)
        for key, value in zip(axes, values, strict=True):
            layer = merge(layer, _nested(key.split("."), value))
        settings = ",".join(f"{label}={_written(value.plain())}" for label, value in zip(labels, values, strict=True))
        yield (f"[{settings}]" if settings else ""), layer


def _flat(matrix: Node, prefix: str = "") -> Iterator[tuple[str, Node]]:
    for key, child in matrix.table.items():
        if child.table:
            yield from _flat(child, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", child


def _labels(keys: Iterable[str]) -> list[str]:
    """Return the last word of each dotted key, or all of it where two keys end alike."""
    ends = [key.rsplit(".", 1)[-1] for key in keys]
    return [end if ends.count(end) == 1 else key for end, key in zip(ends, keys, strict=True)]


def _written(value: Any) -> str:
    if isinstance(value, dict | list):
        return "+".join(map(_written, value.values() if isinstance(value, dict) else value))
    return str(value).lower() if isinstance(value, bool) else str(value)


def _nested(keys: list[str], value: Node) -> Node:
    for key in reversed(keys):
        value = Node({key: value}, value.place)
    return value
