"""Print the JSON Schema of suite files."""

from __future__ import annotations

import json
from typing import Any

from harness.cli._base import Command
from harness.errors import ExitCode


def schema() -> ExitCode:
    """Print the JSON Schema of a suite file, for editors that complete and check TOML.

    Example: harness schema > suite.schema.json
    """
    print(json.dumps(suite_schema(), indent=2, ensure_ascii=False))
    return ExitCode.PASS


def suite_schema() -> dict[str, Any]:
    """Return the JSON Schema of the form in which a suite is written."""
    from harness.suite import SuiteFile

    found: dict[str, Any] = _without_null(SuiteFile.model_json_schema(by_alias=True))
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **found}


def _without_null(value: Any) -> Any:
    """Return the schema without null, which TOML does not have, and without defaults that hold it."""
    if isinstance(value, list):
        return [_without_null(entry) for entry in value if entry != {"type": "null"}]
    if not isinstance(value, dict):
        return value
    kept = {key: _without_null(entry) for key, entry in value.items() if not (key == "default" and "null" in json.dumps(entry))}
    alternatives = kept.get("anyOf", [])
    if len(alternatives) == 1:
        del kept["anyOf"]
        kept |= alternatives[0]
    return kept


COMMAND = Command(run=schema, order=80)
