"""What an archive of a run is made of: its members, its record, and how large it may be."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from harness.results import RUN_TABLES
from harness.suite import NAME_PATTERN

FORMAT = 1
"""Version of the format; a reader refuses a later one."""

RECORD, SUITE, README, LOCK, SUMS = "record.json", "suite.json", "README.md", "requirements.txt", "SHA256SUMS"
TEXTS = (RECORD, SUITE, README, LOCK)


def table_member(table: str) -> str:
    """Return the name of the member that holds a table."""
    return f"tables/{table}.parquet"


MEMBERS = (SUMS, *TEXTS, *map(table_member, RUN_TABLES))
"""Everything that an archive holds, and all that a reader takes from one."""

MOST_BYTES = {**dict.fromkeys((SUMS, *TEXTS), 2**22), **{table_member(table): 2**29 for table in RUN_TABLES}}
"""Member -> bytes that it may have unpacked."""
MOST_TOTAL_BYTES = 2**30
MOST_ROWS = 10_000_000
"""Rows of a table."""

ROW_KEYS: dict[str, tuple[str, ...]] = {
    "runs": ("run_id",),
    "measurements": ("metric",),
    "steps": ("step",),
    "evaluations": ("epoch", "split", "metric"),
    "episodes": ("phase", "step", "episode"),
    "images": ("title",),
    "confusions": ("label", "predicted"),
    "targets": ("score",),
    "digests": ("step", "tensor"),
    "data_samples": ("split", "sample"),
    "environments": ("key",),
}
"""Table -> columns that no two of a run's rows share: a number that is there twice could be read as either."""

SUITE_PATTERN = r"^[^./\\\x00-\x1f\x7f][^/\\\x00-\x1f\x7f]*$"
"""A suite is named after its file, and names a folder."""
Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
NoDigest = Literal[""]


class Record(BaseModel):
    """What was run, and from what code; the case itself is in suite.json."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    format: Literal[1]
    schema_version: int
    """Of the tables."""
    run_id: Annotated[str, Field(pattern=NAME_PATTERN)]
    run_key: Digest | NoDigest
    suite: Annotated[str, Field(pattern=SUITE_PATTERN)]
    case: Annotated[str, Field(pattern=NAME_PATTERN)]
    seed: Annotated[int, Field(ge=0, lt=2**63)]
    commit: Annotated[str, Field(pattern=r"^[0-9a-f]*$")]
    dirty: bool
    """Whether tracked files differed from the commit."""
    diff_digest: Digest | NoDigest
    """SHA-256 of `git diff HEAD`; '' where nothing differed."""
    code_digest: Digest
    """Of the source files that the case executes."""
    data_digest: Digest
    started_utc: str
    commands: tuple[str, ...]
    """What makes the run again, in order."""

    @property
    def checkout(self) -> str:
        """The code in words: a commit, and whether it had changes."""
        changes = f" with uncommitted changes (SHA-256 of `git diff HEAD`: {self.diff_digest[:12]})" if self.dirty else ""
        return f"commit {self.commit}{changes}" if self.commit else "code outside git"
