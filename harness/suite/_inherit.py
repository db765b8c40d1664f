"""What a case takes from the parts that it names: its model's task, and those of the suite's gates that apply to the task."""

from __future__ import annotations

from typing import Any

from harness.errors import CatalogError
from harness.suite._node import Node, merge
from harness.suite._rules import Parts

TASK = "classification"
"""The task of a model that names none."""


def inherit(node: Node, gates: Node, parts: Parts) -> Node:
    """Return a case's table with its task written out and the suite's gates below its own.

    Args:
        node: the case, its parts in the form {name, options}.
        gates: the suite's.
        parts: the catalogue's.
    """
    if "task" not in node.table:
        node = Node({**node.table, "task": _task(node, parts)}, node.place, node.bad)
    return merge(Node({"gates": _applicable(gates, node, parts)}, gates.place), node)


def _task(node: Node, parts: Parts) -> Node:
    name = _fields(parts, "models", _named(node, "model")).get("task", TASK)
    return Node({"name": Node(name, node.place), "options": Node({}, node.place)}, node.place)


def _fields(parts: Parts, kind: str, name: str) -> dict[str, Any]:
    """Return what a part's source declares; nothing of a part that is not there or cannot be read, which a rule reports."""
    part = parts.by_kind[kind].get(name)
    try:
        return part.fields if part else {}
    except CatalogError:
        return {}


def _named(node: Node, key: str) -> str:
    name = node.follow((key, "name"))[1].value
    return name if isinstance(name, str) else ""


def _applicable(gates: Node, node: Node, parts: Parts) -> Node:
    """Return the gates without those on scores of other tasks: a suite may gate every task's scores for all its cases."""
    scores = _fields(parts, "tasks", _named(node, "task")).get("scores")
    if scores is None:
        return gates
    foreign = {name for name in gates.table if _fields(parts, "metrics", name).get("score", "") not in ("", *scores)}
    return Node({name: gate for name, gate in gates.table.items() if name not in foreign}, gates.place, gates.bad)
