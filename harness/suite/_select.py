"""Narrows a suite to some of its cases, and overrides what the command line may override."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import Any

from harness.errors import UsageError
from harness.suite._file import MAX_SEEDS
from harness.suite._schema import DEVICE_PATTERN, Case
from harness.suite._suite import Suite

EXAMPLES = "--seeds 10 (seeds 1 to 10), 3,5,7, 4-6, 1,4-6, or 7, for seed 7 alone"


@dataclass(frozen=True)
class Overrides:
    """What a command line asks for; None and () leave the suite as it is."""

    keyword: str | None = None
    """Part of a case's name, in either case of letters."""
    tags: tuple[str, ...] = ()
    """A case is kept that has one of them, or whose suite has."""
    seeds: tuple[int, ...] | None = None
    device: str | None = None
    threads: int | None = None

    def __str__(self) -> str:
        """The options as they would be typed: '-k lenet --seeds 1,2'; '' for none."""
        seeds = ",".join(map(str, self.seeds)) if self.seeds else None
        named = [("-k", self.keyword), *(("--tag", tag) for tag in self.tags), ("--seeds", seeds)]
        named += [("--device", self.device), ("--threads", str(self.threads) if self.threads else None)]
        return " ".join(f"{name} {value}" for name, value in named if value is not None)


def parse_seeds(text: str) -> tuple[int, ...]:
    """Return the seeds that a text names: '3' -> (1, 2, 3), '7,' -> (7,), '1,4-6' -> (1, 4, 5, 6).

    Raises:
        UsageError: it names none, names one twice, or is no such text.
    """
    pieces = [piece.strip() for piece in text.split(",")]
    count = pieces[0] if len(pieces) == 1 and pieces[0].isdecimal() else None
    if count is not None:
        pieces = [f"1-{count}"]
    elif pieces[-1] == "" and len(pieces) > 1:
        pieces.pop()
    seeds = [seed for piece in pieces for seed in _range(piece, text)]
    _check_seeds(tuple(seeds))
    return tuple(seeds)


def _check_seeds(seeds: tuple[int, ...]) -> None:
    wrong = [f"{seed} twice" for seed, times in Counter(seeds).items() if times > 1]
    wrong += [f"{seed}" for seed in seeds if not 0 <= seed < 2**63]
    if wrong or not seeds:
        found = f"seed {wrong[0]}" if wrong else "none"
        raise UsageError(f"--seeds: found {found}; allowed: each seed once, none below 0; examples: {EXAMPLES}")


def _range(piece: str, text: str) -> range:
    found = re.fullmatch(r"(\d{1,18})(?:\s*-\s*(\d{1,18}))?", piece, re.ASCII)
    first, last = (int(found[1]), int(found[2] or found[1])) if found else (1, 0)
    if not first <= last < first + MAX_SEEDS:
        raise UsageError(f"--seeds: found {text!r}; allowed: 1 to {MAX_SEEDS} seeds; examples: {EXAMPLES}")
    return range(first, last + 1)


def narrow(suite: Suite, overrides: Overrides) -> tuple[Suite, tuple[str, ...]]:
    """Return the suite with only the cases asked for and the overrides in them, and the names of those left out.

    Raises:
        UsageError: no case is left, or an override is not allowed.
    """
    kept = [case for case in suite.cases if _wanted(case, suite, overrides)]
    if not kept:
        raise UsageError(_nothing(suite, overrides))
    changed = [_overridden(case, overrides) for case in kept]
    left_out = tuple(case.name for case in suite.cases if case not in kept)
    return suite.model_copy(update={"cases": tuple(changed)}), left_out


def _wanted(case: Case, suite: Suite, overrides: Overrides) -> bool:
    named = overrides.keyword is None or overrides.keyword.casefold() in case.name.casefold()
    return named and (not overrides.tags or not {*case.tags, *suite.tags}.isdisjoint(overrides.tags))


def _nothing(suite: Suite, overrides: Overrides) -> str:
    asked = [f"-k {overrides.keyword}"] if overrides.keyword is not None else []
    asked += [f"--tag {tag}" for tag in overrides.tags]
    tags = sorted({*suite.tags, *(tag for case in suite.cases for tag in case.tags)})
    return (
        f"no case of suite {suite.name!r} matches {' '.join(asked)}; "
        f"cases: {', '.join(case.name for case in suite.cases)}; tags: {', '.join(tags) or 'none'}"
    )


def _overridden(case: Case, overrides: Overrides) -> Case:
    if overrides.device is not None and not re.fullmatch(DEVICE_PATTERN, overrides.device):
        raise UsageError(f"--device: found {overrides.device!r}; allowed: cpu, cuda, cuda:1 (or another number), auto")
    if overrides.threads is not None and overrides.threads < 1:
        raise UsageError(f"--threads: found {overrides.threads}; allowed: 1 or more")
    if overrides.seeds is not None:
        _check_seeds(overrides.seeds)
    data: dict[str, Any] = case.model_dump(by_alias=True)
    data["execution"] |= {key: value for key in ("device", "threads") if (value := getattr(overrides, key)) is not None}
    data["seeds"] = overrides.seeds or case.seeds
    return Case.model_validate(data)
