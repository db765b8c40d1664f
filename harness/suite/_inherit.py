"""What a case takes from elsewhere: the defaults and gates of the suite that apply to it, and its model's task."""

from __future__ import annotations

from typing import Any

from harness.errors import CatalogError
from harness.suite._experiment import OF_EXPERIMENTS
from harness.suite._node import Node, merge
from harness.suite._rules import Parts
from harness.suite._schema import Case

TASK = "classification"
"""The task of a model that names none."""


def defaults_for(defaults: Node, *layers: Node) -> Node:
    """Return the defaults without what is of trainings alone, for a case that names an experiment; without the experiment, for
    one that names a model. `layers` are what the case itself says."""
    own = {key for layer in layers for key in layer.table}
    if "experiment" in own:
        kept = {key: child for key, child in defaults.table.items() if key in OF_EXPERIMENTS}
    elif "model" in own:
        kept = {key: child for key, child in defaults.table.items() if key != "experiment"}
    else:
        return defaults
    return Node(kept, defaults.place, defaults.bad)


def inherit(node: Node, gates: Node, parts: Parts) -> Node:
    """Return a case's table with its task written out and the suite's gates below its own; of an experiment, without either.

    Args:
        node: the case, its parts in the form {name, options}.
        gates: the suite's.
        parts: the catalogue's.
    """
    if "experiment" in node.table:
        return Node({"task": _part("", node), "passes": Node([], node.place), **node.table}, node.place, node.bad)
    if "task" not in node.table:
        node = Node({**node.table, "task": _task(node, parts)}, node.place, node.bad)
    return merge(Node({"gates": _applicable(gates, node, parts)}, gates.place), node)


def _task(node: Node, parts: Parts) -> Node:
    name = _fields(parts, "models", _named(node, "model")).get("task", TASK)
    return _part(name, node)


def _part(name: str, node: Node) -> Node:
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
    """Return the gates without those on scores of other tasks, and on passes and analyses that the case leaves out: a suite
    gates all that any of its cases may have."""
    kept = {name: gate for name, gate in gates.table.items() if _applies(_fields(parts, "metrics", name), node, parts)}
    return Node(kept, gates.place, gates.bad)


def _applies(metric: dict[str, Any], node: Node, parts: Parts) -> bool:
    scores = _fields(parts, "tasks", _named(node, "task")).get("scores")
    of_task = scores is None or metric.get("score", "") in ("", *scores)
    measured = metric.get("measured_in", "train") in ("train", *_asked(node, "passes"))
    return of_task and measured and metric.get("analysis", "") in ("", *_asked(node, "analyses"))


def _asked(node: Node, key: str) -> tuple[object, ...]:
    """Return the passes, or the analyses, that a case asks for."""
    given = node.table.get(key)
    if given is None:
        return tuple(Case.model_fields[key].default)
    return tuple(each.value for each in given.value) if isinstance(given.value, list) else ()
