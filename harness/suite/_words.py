"""Pydantic's errors in plain words: where, what was found, what is allowed, the nearest name."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from inspect import isclass
from typing import Any, Literal, TypeVar, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from harness.errors import Problem, nearest
from harness.suite._node import KeyPath, Node
from harness.suite._schema import DEVICE_PATTERN, NAME_PATTERN

M = TypeVar("M", bound=BaseModel)

ALLOWED: dict[str, str] = {
    "bool_type": "true or false",
    "dict_type": "a table",
    "finite_number": "a finite number",
    "float_type": "a number",
    "greater_than": "a number above {gt:g}",
    "greater_than_equal": "a number not below {ge:g}",
    "int_from_float": "a whole number",
    "int_type": "a whole number",
    "less_than": "a number below {lt:g}",
    "less_than_equal": "a number not above {le:g}",
    "list_type": "a list",
    "literal_error": "{expected}",
    "missing": "a longer list",
    "model_type": "a table",
    "string_too_short": "some text",
    "string_type": "text in quotes",
    "too_long": "a list of at most {max_length}",
    "too_short": "a list of {min_length} or more",
    "tuple_type": "a list",
}
"""Pydantic's error type -> what is allowed."""

PATTERNS = {
    DEVICE_PATTERN: "'cpu', 'cuda', 'cuda:1' or 'auto'",
    NAME_PATTERN: "a letter or digit, then letters, digits and _ . = , + - [ ]",
}


@dataclass(frozen=True)
class Fault:
    """One error of pydantic, found again in the file."""

    kind: Literal["unknown", "missing", "value"]
    path: KeyPath
    """Keys down to the value; for a missing one, to the key that should be there."""
    message: str


def validate(model: type[M], node: Node, stand_ins: dict[str, Any] | None = None) -> tuple[M | None, list[Problem]]:
    """Return `node` as a model, and every problem on the way; `stand_ins` are taken for what it lacks.

    To find the problems behind a problem, an unknown key is then read as the nearest known one and a wrong value is
    marked bad and left out; None is returned where even that makes no whole model.
    """
    problems: list[Problem] = []
    while True:
        try:
            # As JSON, because that is where pydantic's strict mode takes a list for a tuple and yet no "3" for a 3.
            data = json.dumps({**(stand_ins or {}), **node.plain()}, default=_undeclared)
            return model.model_validate_json(data, strict=True), problems
        except ValidationError as error:
            faults = _faults(error, model, node)
        faults = [fault for fault in faults if fault.kind == "unknown"] or faults
        problems += [_problem(fault, node) for fault in faults]
        repaired = [_repair(fault, model, node) for fault in faults]
        if not any(repaired):
            return None, problems


def show_path(path: KeyPath) -> str:
    """Return a path as it is written in a case: ('case', 0, 'recipe', 'epochs') -> 'recipe.epochs'."""
    own = path[2:] if path[:1] == ("case",) and len(path) > 2 else path
    return "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in own).lstrip(".")


def show_value(value: Any) -> str:
    """Return a value as TOML writes it, in short."""
    if isinstance(value, dict):
        return "a table"
    if isinstance(value, bool | int | str | list):
        written = json.dumps(value, ensure_ascii=False, default=str)
        return written if len(written) <= 60 else f"{written[:57]}..."
    return str(value)


def _undeclared(value: Any) -> list[list[str]]:
    # A date, which JSON lacks: nothing in a suite takes a list of lists, so it is refused where it stands.
    return [[str(value)]]


def _problem(fault: Fault, node: Node) -> Problem:
    place = node.follow(fault.path)[1].place
    return Problem(place.file, place.line, fault.message)


def _repair(fault: Fault, model: type[BaseModel], node: Node) -> bool:
    """Let the next look at `node` pass over this fault; False where that cannot be."""
    path = fault.path
    if fault.kind == "unknown":
        parent = node.follow(path[:-1])[1].value
        child = parent.pop(path[-1])
        meant = _nearest_key(str(path[-1]), _known_keys(model, path[:-1]))
        if meant not in ("", path[-1], *parent):
            parent[meant] = child
        return True
    if fault.kind == "missing":
        path = path[:-1]
    while path and isinstance(path[-1], int):
        path = path[:-1]  # a list with a wrong entry is left out as a whole
    if path:
        node.follow(path)[1].bad = True
    return bool(path)


def _faults(error: ValidationError, model: type[BaseModel], node: Node) -> list[Fault]:
    """Return one fault for each place; what several forms of a value allow is joined by 'or'."""
    found: dict[KeyPath, list[ErrorDetails]] = {}
    for detail in error.errors(include_url=False):
        path, _ = node.follow(detail["loc"])
        if detail["type"] == "missing":
            path = (*path, detail["loc"][-1])
            if not node.sound(*path):
                continue
        found.setdefault(path, []).append(detail)
    # A value that may be text or a table complains of both; where the table goes deeper, that is what was meant.
    meant = [path for path in found if not any(other[: len(path)] == path for other in found if len(other) > len(path))]
    return [_fault(path, found[path], model, node) for path in meant]


def _fault(path: KeyPath, details: list[ErrorDetails], model: type[BaseModel], node: Node) -> Fault:
    kind, where = details[0]["type"], show_path(path)
    if kind == "extra_forbidden":
        known = _known_keys(model, path[:-1])
        table = show_path(path[:-1]) if len(path) > 1 and path[:-1] != ("case", path[-2]) else ""
        inside = f" in {table}" if table else ""
        return Fault(
            "unknown", path, f"unknown key {path[-1]!r}{inside}{nearest(str(path[-1]), known)}; allowed: {', '.join(known)}"
        )
    if kind == "missing" and isinstance(path[-1], str):
        return Fault("missing", path, f"{where} is missing")
    value = node.follow(path)[1].plain()
    *others, last = dict.fromkeys(_allowed(detail) for detail in details)
    allowed = f"{', '.join(others)} or {last}" if others else last
    near = nearest(value, re.findall("'([^']*)'", allowed)) if isinstance(value, str) else ""
    return Fault("value", path, f"{where}: found {show_value(value)}{near}; allowed: {allowed}")


def _allowed(detail: ErrorDetails) -> str:
    context = detail.get("ctx", {})
    if detail["type"] == "string_pattern_mismatch":
        return PATTERNS[context["pattern"]]
    words = ALLOWED.get(detail["type"])
    return words.format(**context) if words else detail["msg"]


def _nearest_key(name: str, known: list[str]) -> str:
    return nearest(name, known).removeprefix(", did you mean '").removesuffix("'?")


def _known_keys(model: type[BaseModel], path: KeyPath) -> list[str]:
    """Return the keys of the table at `path`."""
    table: Any = model
    for key in path:
        inner = _model_in(table) if not _is_model(table) else None
        table = inner or next(info.annotation for name, info in table.model_fields.items() if key in (name, info.alias))
    owner = _model_in(table)
    return [info.alias or name for name, info in owner.model_fields.items()] if owner else []


def _is_model(annotation: Any) -> bool:
    return isclass(annotation) and issubclass(annotation, BaseModel)


def _model_in(annotation: Any) -> type[BaseModel] | None:
    """Return the first model in an annotation such as tuple[CaseEntry, ...]."""
    if _is_model(annotation):
        return annotation  # type: ignore[no-any-return]
    return next((inner for part in get_args(annotation) if (inner := _model_in(part))), None)
