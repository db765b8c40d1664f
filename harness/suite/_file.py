"""The form in which a suite is written in TOML, before defaults, includes and matrices are resolved.

The entries of a case and of `[defaults]` are made from the fields of `Case`, so that the two forms cannot drift apart.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, PositiveInt, create_model
from pydantic.fields import FieldInfo

from harness.suite._claims import ClaimEntry
from harness.suite._schema import Case, Gate, Option, Seed, Strict

MAX_SEEDS = 10_000
TOLD_BY_RUN_SETS = ("drawn_seeds",)
"""Fields of `Case` that no file declares."""


class PartTable(BaseModel):
    """A part and its options: {name = "mnist", scale = "unit"}."""

    model_config = ConfigDict(extra="allow", allow_inf_nan=False, use_attribute_docstrings=True)
    __pydantic_extra__: dict[str, Option]

    name: str = ""
    """Name of the part; left out, the table adds options to the part that [defaults] names."""


PartEntry = str | PartTable
SeedsEntry = Annotated[int, Field(ge=1, le=MAX_SEEDS)] | Annotated[tuple[Seed, ...], Field(min_length=1)]

# Unquoted, the dots of a key make tables of it.
_AXIS = {"additionalProperties": {"anyOf": [{"type": "array", "minItems": 1}, {"type": "object"}]}}
_MATRIX = "Dotted key of the case -> its values; one case is made for each combination."
_WRITTEN_AS: dict[str, Any] = {
    "model": PartEntry,
    "data": PartEntry,
    "task": PartEntry,
    "experiment": PartEntry,
    "seeds": SeedsEntry,
}


def _entries(*left_out: str) -> dict[str, Any]:
    """Return the fields of `Case` for create_model, none of them required, each in the form a file gives it."""
    return {name: _entry(name, info) for name, info in Case.model_fields.items() if name not in left_out}


def _entry(name: str, info: FieldInfo) -> tuple[Any, Any]:
    written = _WRITTEN_AS.get(name)
    form = written or Annotated[(info.annotation, *info.metadata, Field(description=info.description))]
    return form, None if written or info.is_required() else info.default


if TYPE_CHECKING:

    class Defaults(Strict):
        """Any key of a case but name and matrix; merged under every case."""

    class CaseEntry(Strict):
        """One case, or with a matrix several."""

else:
    Defaults = create_model(
        "Defaults",
        __base__=Strict,
        __doc__="Any key of a case but name and matrix; merged under every case.",
        **_entries("name", *TOLD_BY_RUN_SETS),
    )
    CaseEntry = create_model(
        "CaseEntry",
        __base__=Strict,
        __doc__="One case, or with a matrix several.",
        **_entries(*TOLD_BY_RUN_SETS),
        matrix=(dict[str, Any], Field(default={}, description=_MATRIX, json_schema_extra=_AXIS)),
    )


class Fragment(Strict):
    """A file that suites include; what it says of itself (version, why, tags) stays its own."""

    version: PositiveInt = 1
    """Raise it when data, a model or a target changes."""
    why: str = ""
    """What the suite is for, in one sentence."""
    tags: tuple[str, ...] = ()
    include: tuple[str, ...] = ()
    """Files, relative to this one, whose defaults, gates, cases and claims come first."""
    defaults: Defaults = Defaults()
    gates: dict[str, Gate] = Field(default={})
    """Metric -> how it is judged, in every case; a case's own gates win."""
    case: tuple[CaseEntry, ...] = ()
    claim: tuple[ClaimEntry, ...] = ()
    """What is said of the cases' measurements, and how it is judged."""


class SuiteFile(Fragment):
    """One suite file."""

    version: PositiveInt
    """Raise it when data, a model or a target changes."""
    why: Annotated[str, Field(min_length=1)]
    """What the suite is for, in one sentence."""
