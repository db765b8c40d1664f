"""Whether two records say the same, and in which fields they differ."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

MIXED = "mixed: "
"""How a field begins on which the runs of one side disagree; it equals nothing, not even itself."""


def only(values: Iterable[str | None]) -> str:
    """Return the one value that all share ('' for null), or 'mixed: a, b'."""
    found = sorted({value or "" for value in values})
    return MIXED + ", ".join(found) if len(found) > 1 else "".join(found)


def agree(one: str, other: str) -> bool:
    """Whether two digests or keys are equal; one on which a side's own runs disagree equals nothing."""
    return one == other and not one.startswith(MIXED)


def flatten(value: Any, path: str = "") -> dict[str, Any]:
    """Return nested plain data as dotted path -> leaf: {'a': {'b': 1}} -> {'a.b': 1}."""
    if not isinstance(value, Mapping) or not value:
        return {path: value}
    leaves: dict[str, Any] = {}
    for key, inner in value.items():
        leaves |= flatten(inner, f"{path}.{key}" if path else str(key))
    return leaves


def differing(old: Mapping[str, Any], new: Mapping[str, Any]) -> str:
    """Return the fields that differ, 'dotted.path old → new' each; '' when none does."""
    before, after = flatten(old), flatten(new)
    pairs = {key: (before.get(key, "absent"), after.get(key, "absent")) for key in sorted({*before, *after}) if key}
    return ", ".join(f"{key} {_shown(was)} → {_shown(now)}" for key, (was, now) in pairs.items() if was != now)


def _shown(value: Any) -> str:
    return "none" if value in ("", None) else str(value)
