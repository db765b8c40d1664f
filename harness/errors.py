"""Every error the harness raises on purpose, and the exit codes.

HarnessError                 anything expected; printed as one message, without a traceback
├── UsageError               2  a command line, suite, catalogue or configuration that cannot be used
│   ├── SuiteError           2  a suite file with problems, all of them listed
│   └── CatalogError         2  a part that cannot be found, read or imported
├── ComparisonError          4  nothing comparable to judge against
└── MeasuringError           5  measuring failed
    ├── ResultsError         5  a results folder or table that cannot be written or read
    └── DataError            5  a data set that is absent, corrupt or cannot be fetched

A message says where, what was found, what is allowed and what to do. Anything else that escapes is a bug
and keeps its traceback.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum
from typing import Literal


class ExitCode(IntEnum):
    """What a command's exit status means. The order of `PRECEDENCE` decides between several."""

    PASS = 0
    WORSE = 1
    USAGE = 2
    INCONCLUSIVE = 3
    INCOMPARABLE = 4
    MEASURING = 5
    BETTER = 6
    INTERRUPTED = 130
    READER_LEFT = 141


EXIT_CODES: dict[ExitCode, str] = {
    ExitCode.PASS: "pass: nothing is worse",
    ExitCode.WORSE: "a metric gated at level hard is worse",
    ExitCode.USAGE: "usage or configuration error",
    ExitCode.INCONCLUSIVE: "inconclusive: the data cannot tell",
    ExitCode.INCOMPARABLE: "incomparable, or no baseline",
    ExitCode.MEASURING: "measuring failed, or something declared is missing",
    ExitCode.BETTER: "better: the baseline is stale",
    ExitCode.INTERRUPTED: "interrupted by Ctrl-C; finished runs are kept",
    ExitCode.READER_LEFT: "the reader of the output left early, such as `head`: as of a Unix tool that SIGPIPE ends",
}

PRECEDENCE: tuple[ExitCode, ...] = (
    ExitCode.USAGE,
    ExitCode.MEASURING,
    ExitCode.WORSE,
    ExitCode.INCOMPARABLE,
    ExitCode.INCONCLUSIVE,
    ExitCode.BETTER,
)

Policy = Literal["pr", "strict"]


def combine(codes: Iterable[ExitCode]) -> ExitCode:
    """Return the one code that stands for several, by `PRECEDENCE`; PASS for none."""
    present = set(codes)
    return next((code for code in PRECEDENCE if code in present), ExitCode.PASS)


class HarnessError(Exception):
    """Anything expected to go wrong; its text is meant for the user."""

    exit_code: ExitCode = ExitCode.MEASURING


class UsageError(HarnessError):
    """A command line or configuration that cannot be used."""

    exit_code = ExitCode.USAGE


class CatalogError(UsageError):
    """A part that cannot be found, read or imported."""


class ComparisonError(HarnessError):
    """Nothing comparable to judge against."""

    exit_code = ExitCode.INCOMPARABLE


class MeasuringError(HarnessError):
    """Measuring failed."""


class ResultsError(MeasuringError):
    """A results folder or table that cannot be written or read."""


class DataError(MeasuringError):
    """A data set that is absent, corrupt or cannot be fetched."""


@dataclass(frozen=True, order=True)
class Problem:
    """One thing wrong in a file: where, and what to do about it."""

    file: str
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.message}"


class SuiteError(UsageError):
    """A suite file with problems; carries every one of them."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = sorted(set(problems))
        count = len(self.problems)
        head = f"{count} problem{'s' if count != 1 else ''}:"
        super().__init__("\n".join([head, *(f"  {problem}" for problem in self.problems)]))


def nearest(name: str, allowed: Iterable[str]) -> str:
    """Return ', did you mean X?' for the closest allowed name, or '' when none is close."""
    matches = difflib.get_close_matches(name, list(allowed), n=1, cutoff=0.5)
    return f", did you mean {matches[0]!r}?" if matches else ""


FEW = 20
"""Names that a message lists beside the closest one."""


def among(name: str, allowed: Iterable[str], all_by: str, word: str = "allowed") -> str:
    """Return the closest of the allowed names, and which there are: '; allowed: a, b'.

    Where many are allowed and one is close, the command `all_by` stands for the others.
    """
    names = list(allowed)
    near = nearest(name, names)
    shown = f"what `{all_by}` shows" if near and len(names) > FEW else ", ".join(names) or "none"
    return f"{near}; {word}: {shown}"
