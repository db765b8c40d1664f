"""Reviewed files: what was found of a suite, as one JSON file in git. Each kind has a pydantic model with the field `suite`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from harness.errors import ResultsError
from harness.results._files import write_atomically

Reviewed = TypeVar("Reviewed", bound=BaseModel)


def read_reviewed(path: Path, model: type[Reviewed], version: int, what: str, remedy: str) -> Reviewed | None:
    """Return what a file holds; None where there is none.

    Args:
        path: named after the suite.
        model: what the file holds.
        version: of its schema, that can be read.
        what: the file's kind in an error, "an audit".
        remedy: how to make it anew, as in "make a new one with …".

    Raises:
        ResultsError: the file is malformed, of another schema version, or edited by hand; lists every problem.
    """
    try:
        return _parse(json.loads(path.read_text(encoding="utf-8")), model, version, path.stem)
    except FileNotFoundError:
        return None
    except ValidationError as error:
        details = error.errors(include_url=False)
        problems = [f"{path}: {_where(detail['loc'])}{detail['msg']}" for detail in details]
    except (OSError, ValueError) as error:
        problems = [f"{path}: {error}"]
    raise ResultsError("\n  ".join([f"{what} that cannot be read:", *problems]) + f"\nrestore the file from git, or {remedy}")


def _parse(content: Any, model: type[Reviewed], version: int, suite: str) -> Reviewed:
    if not isinstance(content, dict):
        raise ValueError("not a JSON object")
    if content.get("schema_version") != version:
        raise ValueError(f"schema version {content.get('schema_version')!r}; this harness reads {version}")
    document = model.model_validate(content)
    if content["suite"] != suite:
        raise ValueError(f"holds suite {content['suite']!r}; the file's name names the suite")
    return document


def _where(location: tuple[int | str, ...]) -> str:
    return ".".join(map(str, location)) + ": " if location else ""


def write_reviewed(path: Path, text: str) -> Path:
    """Store a file under a temporary name and rename it; return it.

    Raises:
        ResultsError: the folder cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, text)
    except OSError as error:
        raise ResultsError(f"{path}: cannot be written: {error.strerror or error}") from error
    return path
