"""`harness schema`: the form of a suite file, for editors."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.cli import main
from harness.suite import Case

SUITES = Path(__file__).parents[2] / "suites"
TYPES = {"object": dict, "array": list, "string": str, "integer": int, "number": int | float, "boolean": bool}


@pytest.fixture
def schema(project_folder: Path, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """What the command prints."""
    assert main(["schema"]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def errors(value: Any, form: dict[str, Any], root: dict[str, Any], where: str = "") -> Iterator[str]:
    """Yield where a value breaks a JSON Schema, for the keywords that ours uses."""
    if "$ref" in form:
        form = {**form, **root["$defs"][form["$ref"].rsplit("/", 1)[-1]]}
    if "anyOf" in form and all(list(errors(value, choice, root)) for choice in form["anyOf"]):
        yield f"{where}: none of the forms"
    wanted = TYPES.get(form.get("type", ""))
    if wanted and (not isinstance(value, wanted) or (isinstance(value, bool) and wanted is not bool)):
        yield f"{where}: no {form['type']}"
        return
    if "enum" in form and value not in form["enum"]:
        yield f"{where}: not among {form['enum']}"
    if "pattern" in form and not re.search(form["pattern"], value):
        yield f"{where}: no match"
    if isinstance(value, int | float):
        yield from [f"{where}: too small" for least in [form.get("minimum")] if least is not None and value < least]
        yield from [f"{where}: too small" for bound in [form.get("exclusiveMinimum")] if bound is not None and value <= bound]
    if isinstance(value, list):
        yield from [error for entry in value for error in errors(entry, form.get("items", {}), root, f"{where}[]")]
    if isinstance(value, dict):
        yield from [f"{where}.{key}: missing" for key in form.get("required", ()) if key not in value]
        for key, entry in value.items():
            inner = form.get("properties", {}).get(key, form.get("additionalProperties", {}))
            yield from [f"{where}.{key}: unknown"] if inner is False else errors(entry, inner, root, f"{where}.{key}")


@pytest.mark.parametrize("name", sorted(path.stem for path in SUITES.glob("[!_]*.toml")))
def test_shipped_suites_obey_the_schema(schema: dict[str, Any], name: str) -> None:
    """Every shipped suite, as written, is of the printed form."""
    written = tomllib.loads((SUITES / f"{name}.toml").read_text())

    assert list(errors(written, schema, schema)) == []


WRITTEN: dict[str, Any] = {
    "version": 1,
    "why": "To test.",
    "include": ["_a.toml"],
    "defaults": {"seeds": 3, "data": {"scale": "unit"}, "recipe": {"optimizer": {"lr": 1}}},
    "gates": {"accuracy": {"class": "quality", "margin": 0.1}},
    "case": [
        {"name": "a", "model": "m", "seeds": [1, 2], "matrix": {"recipe.epochs": [1, 2]}},
        {"model": {"name": "m", "width": 3, "sizes": [1, "x"]}, "recipe": {"batch_size": "full", "steps": 3}},
    ],
}


def test_every_short_form_is_allowed(schema: dict[str, Any]) -> None:
    """Parts as text or table, seeds as count or list, a table of options without a name, a matrix."""
    assert list(errors(WRITTEN, schema, schema)) == []


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({"versoin": 1}, [".versoin: unknown"]),
        ({"why": 3}, [".why: no string"]),
        ({"version": 0}, [".version: too small"]),
        ({"case": [{"modle": "x"}]}, [".case[].modle: unknown"]),
        ({"case": [{"seeds": "x"}]}, [".case[].seeds: none of the forms"]),
        ({"defaults": {"name": "x"}}, [".defaults.name: unknown"]),
        ({"defaults": {"matrix": {}}}, [".defaults.matrix: unknown"]),
        ({"gates": {"x": {"level": "soft"}}}, [".gates.x.level: not among ['hard', 'warn', 'info']"]),
        ({"case": [{"matrix": {"a": 3}}]}, [".case[].matrix.a: none of the forms"]),
    ],
)
def test_what_the_loader_refuses_the_schema_refuses(schema: dict[str, Any], change: dict[str, Any], found: list[str]) -> None:
    """Misspelt keys and wrong values break the schema too, where no catalogue is needed to tell."""
    assert list(errors({**WRITTEN, **change}, schema, schema)) == found


def test_the_schema_needs_version_and_why_and_knows_no_null(schema: dict[str, Any]) -> None:
    """TOML has no null, so that none is offered; every key of a case is there, with its description."""
    assert schema["required"] == ["version", "why"]
    assert "null" not in json.dumps(schema)
    entry = schema["$defs"]["CaseEntry"]["properties"]
    assert set(entry) == {*Case.model_fields, "matrix"} - {"drawn_seeds"}  # which run sets tell, not files
    assert entry["repeats"]["description"] == "Times that each seed is run."
