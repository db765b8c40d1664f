"""Ledgers: what came of judging a suite's claims, as one reviewed JSON file a suite, in git."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self, get_args

from pydantic import BaseModel, ConfigDict, Field, model_validator

from harness.claims._decide import Outcome
from harness.digests import short_digest
from harness.results import read_reviewed, write_reviewed
from harness.suite import BLOCKS

SCHEMA_VERSION: Final = 1
"""Schema history:
    1  first version
"""

FOLDER = "ledgers"
"""Folder of the results that holds them."""

Judgement = Literal["supported", "refuted", "inconclusive", "not run", "untestable"]
JUDGEMENTS: tuple[Judgement, ...] = get_args(Judgement)
"""What claims come to, in the order shown."""
DECIDED: tuple[Judgement, ...] = ("supported", "refuted")

Text = Annotated[str, Field(min_length=1)]


class _Strict(BaseModel):
    """Unknown keys are errors; values never change after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class JudgedTest(_Strict):
    """What one test of a claim came to."""

    kind: Text
    asked: Text
    """What was asked, in words."""
    found: str = ""
    """What was found, in words; '' where nothing could be computed."""
    outcome: Outcome
    reason: str = ""
    """Why it is inconclusive or not run, or what refutes it."""
    why: str = ""
    cases: tuple[str, ...]
    """Where it was measured."""
    unit: str = "1"
    """Of estimate, interval and margin."""
    seeds: int = 0
    """Seeds that every series has."""
    means: tuple[float, ...] = ()
    """Of each series over these seeds."""
    estimate: float | None = None
    low: float | None = None
    high: float | None = None
    confidence: float | None = None
    margin: float | None = None
    """The difference that counts, on the scale of the estimate."""
    p: float | None = None
    p_adjusted: float | None = None
    """Adjusted for all tests of the block."""

    @property
    def told(self) -> str:
        """What was found and why it decides nothing, or whatever there is to say of the two."""
        return "; ".join(filter(None, (self.found, self.reason)))


def judgement_of(need: str, outcomes: Iterable[Outcome]) -> Judgement:
    """Return what a claim's tests come to.

    With need "all" one refuted test refutes, with "any" one supported test supports. Where that settles nothing, a test
    without measurements leaves the claim not run; one that cannot tell, inconclusive.
    """
    found = set(outcomes)
    settling, other = ("refuted", "supported") if need == "all" else ("supported", "refuted")
    if not found:
        return "untestable"
    if settling in found:
        return "refuted" if need == "all" else "supported"
    if found == {other}:
        return "supported" if need == "all" else "refuted"
    return "not run" if "not run" in found else "inconclusive"


class JudgedClaim(_Strict):
    """One claim and its verdict."""

    id: Text
    block: Text
    statement: Text
    source: tuple[str, ...] = ()
    refuted_by: str = ""
    need: Literal["all", "any"] = "all"
    note: str = ""
    untestable: str = ""
    verdict: Judgement
    tests: tuple[JudgedTest, ...] = ()

    @property
    def told(self) -> tuple[str, ...]:
        """What was found, in a line a test, or why there is no test; of several tests also what each came to."""
        if len(self.tests) <= 1:
            return tuple(test.told for test in self.tests) or (self.untestable,)
        named = [f"{test.outcome} ({test.why})" if test.why and test.found else test.outcome for test in self.tests]
        return tuple(dict.fromkeys(f"{name}: {test.told}" for name, test in zip(named, self.tests, strict=True)))

    @model_validator(mode="after")
    def _check_verdict(self) -> Self:
        if self.verdict != (found := judgement_of(self.need, [test.outcome for test in self.tests])):
            raise ValueError(f"{self.id} is {self.verdict}, and its tests come to {found}: one of them was edited by hand")
        return self


class Source(_Strict):
    """Where the measurements of a case come from."""

    run_set: Text
    suite_version: int
    """Of the suite when it was run."""
    recorded_on: str = ""
    """Day of the first of its runs."""
    commit: str = ""
    dirty: bool = False
    """Whether a tracked file differed from the commit."""
    code: str = ""
    """Head of the digest of the source files that it executed."""
    versions: str = ""
    """Python and torch."""
    machine_class: str = ""


class Ledger(_Strict):
    """What came of judging a suite's claims."""

    schema_version: Literal[1] = SCHEMA_VERSION
    suite: Text
    suite_version: int
    machines: dict[str, dict[str, str]]
    """Machine class -> its fields."""
    sources: dict[str, Source]
    """Case -> where its measurements come from; cases without any are left out."""
    claims: tuple[JudgedClaim, ...]

    @model_validator(mode="after")
    def _check_machines(self) -> Self:
        for name, fields in self.machines.items():
            if short_digest(fields) != name:
                raise ValueError(f"machine {name!r} is not the digest of its fields: one of them was edited by hand")
        return self

    @property
    def counts(self) -> dict[Judgement, int]:
        """Verdict -> number of claims, in the order shown."""
        return count_judgements(self.claims)

    def by_block(self) -> dict[str, list[JudgedClaim]]:
        """Return the claims of each block that has any, blocks in their order."""
        return by_block(self.claims)

    def only(self, block: str) -> Ledger:
        """Return the ledger of one block."""
        return self.model_copy(update={"claims": tuple(claim for claim in self.claims if claim.block == block)})


def count_judgements(claims: Iterable[JudgedClaim]) -> dict[Judgement, int]:
    """Return verdict -> number of claims, in the order shown."""
    found = Counter(claim.verdict for claim in claims)
    return {name: found[name] for name in JUDGEMENTS}


def by_block(claims: Iterable[JudgedClaim]) -> dict[str, list[JudgedClaim]]:
    """Return the claims of each block that has any: blocks in their order, those of a suite's own as they come."""
    held = list(claims)
    blocks = dict.fromkeys([*BLOCKS, *(claim.block for claim in held)])
    grouped = {block: [claim for claim in held if claim.block == block] for block in blocks}
    return {block: found for block, found in grouped.items() if found}


def ledger_file(results: Path, suite: str) -> Path:
    """Return where a suite's ledger is stored."""
    return results / FOLDER / f"{suite}.json"


def read_ledger(results: Path, suite: str) -> Ledger | None:
    """Return a suite's stored ledger; None where it has none.

    Raises:
        ResultsError: the file is malformed, of an unknown schema version, or edited by hand; lists every problem.
    """
    remedy = f"make it anew with `harness claims {suite} --store`"
    return read_reviewed(ledger_file(results, suite), Ledger, SCHEMA_VERSION, "a ledger", remedy)


def write_ledger(results: Path, ledger: Ledger) -> Path:
    """Store a suite's ledger under a temporary name and rename it; return the file.

    Raises:
        ResultsError: the folder cannot be written.
    """
    return write_reviewed(ledger_file(results, ledger.suite), to_text(ledger))


LINES = 4
"""Levels of tables and lists of tables whose entries stand on lines of their own: ledger, claims, claim, tests."""


def to_text(ledger: Ledger) -> str:
    """Return the ledger as JSON: what is as usual left out, one test a line, so that a diff shows what moved."""
    content = ledger.model_dump(mode="json", exclude_defaults=True)
    return _indented({"schema_version": ledger.schema_version, **content}, "", LINES) + "\n"


def _indented(value: Any, margin: str, levels: int) -> str:
    entries = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
    if not (levels and entries and any(isinstance(each, Mapping | list) for each in entries)):
        return json.dumps(value, ensure_ascii=False, allow_nan=False)
    inner = margin + " "
    texts = [_indented(entry, inner, levels - 1) for entry in entries]
    if isinstance(value, list):
        return "[\n" + ",\n".join(f"{inner}{text}" for text in texts) + f"\n{margin}]"
    lines = [f"{inner}{json.dumps(str(key))}: {text}" for key, text in zip(value, texts, strict=True)]
    return "{\n" + ",\n".join(lines) + f"\n{margin}}}"
