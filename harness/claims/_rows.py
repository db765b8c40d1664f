"""A ledger as rows of the table `claims`, one a test, and back: what the report draws is in the run set's tables."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from typing import Any

from harness.claims._ledger import JudgedClaim, JudgedTest, Ledger
from harness.results import TABLES

SEPARATOR = "; "
OF_CLAIM = ("block", "statement", "refuted_by", "need", "note", "untestable", "verdict")
OF_TEST = ("kind", "asked", "found", "outcome", "reason", "why", "unit", "seeds")
NUMBERS = ("estimate", "low", "high", "confidence", "margin", "p", "p_adjusted")
SOURCES = {"run_sets": "run_set", "commits": "commit", "version_keys": "versions", "machine_classes": "machine_class"}
"""Column -> field of the sources of a test's cases."""


def to_rows(ledger: Ledger) -> list[dict[str, Any]]:
    """Return the rows of the table `claims`: one a test, and one for a claim without any."""
    return [row for claim in ledger.claims for row in _rows(ledger, claim)]


def _rows(ledger: Ledger, claim: JudgedClaim) -> Iterator[dict[str, Any]]:
    empty = dict.fromkeys(TABLES["claims"].names)
    told = {name: getattr(claim, name) for name in OF_CLAIM}
    own = empty | told | {"claim": claim.id, "source": SEPARATOR.join(claim.source)}
    for place, test in enumerate(claim.tests, start=1):
        values = {name: getattr(test, name) for name in (*OF_TEST, *NUMBERS)}
        yield own | values | {"test": place, "cases": SEPARATOR.join(test.cases)} | _sources(ledger, test)
    if not claim.tests:
        yield own


def _sources(ledger: Ledger, test: JudgedTest) -> dict[str, str]:
    """Return where a test's measurements come from, each value once."""
    held = [ledger.sources[case] for case in test.cases if case in ledger.sources]
    return {
        column: SEPARATOR.join(dict.fromkeys(filter(None, (getattr(source, name) for source in held))))
        for column, name in SOURCES.items()
    }


def from_rows(rows: Iterable[Mapping[Any, Any]]) -> tuple[JudgedClaim, ...]:
    """Return the claims of which these are the rows, in their order; of the means of series there is nothing left."""
    return tuple(_claim(list(found)) for _, found in groupby(rows, key=lambda row: row["claim"]))


def _claim(rows: list[Mapping[Any, Any]]) -> JudgedClaim:
    first = rows[0]
    tests = tuple(_test(row) for row in rows if _known(row["test"]))
    told = {name: first[name] for name in OF_CLAIM}
    return JudgedClaim(**told, id=first["claim"], source=_split(first["source"]), tests=tests)


def _test(row: Mapping[Any, Any]) -> JudgedTest:
    told = {name: row[name] for name in OF_TEST} | {name: row[name] if _known(row[name]) else None for name in NUMBERS}
    return JudgedTest(**(told | {"seeds": int(row["seeds"]), "cases": _split(row["cases"])}))


def _split(text: str | None) -> tuple[str, ...]:
    return tuple(text.split(SEPARATOR)) if text else ()


def _known(value: Any) -> bool:
    """Return whether a value is there: a frame with nulls makes them NaN."""
    return value is not None and not (isinstance(value, float) and math.isnan(value))
