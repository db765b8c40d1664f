"""What a case takes from the parts that it names: its model's task, and those of the suite's gates that apply to it."""

from __future__ import annotations

from typing import Any

from harness.errors import CatalogError
from harness.suite._node import Node, merge
from harness.suite._rules import Parts
from harness.suite._schema import Case

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
    """Return the gates without those on scores of other tasks and on passes that the case leaves out: a suite gates all that
    any of its cases may have."""
    kept = {name: gate for name, gate in gates.table.items() if _applies(_fields(parts, "metrics", name), node, parts)}
    return Node(kept, gates.place, gates.bad)


def _applies(metric: dict[str, Any], node: Node, parts: Parts) -> bool:
    scores = _fields(parts, "tasks", _named(node, "task")).get("scores")
    of_task = scores is None or metric.get("score", "") in ("", *scores)
    return of_task and metric.get("measured_in", "train") in ("train", *_passes(node))


def _passes(node: Node) -> tuple[object, ...]:
    """Return the passes that a case asks for."""
    given = node.table.get("passes")
    if given is None:
        return tuple(Case.model_fields["passes"].default)
    return tuple(each.value for each in given.value) if isinstance(given.value, list) else ()
