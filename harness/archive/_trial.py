"""A process that reads an archive's tables before the harness does: one that is malformed on purpose can end whoever reads it.

pyarrow aborts on some such files, and others unpack to more memory than there is; here only this process dies of either.
"""

from __future__ import annotations

import resource
import sys
from contextlib import suppress

from harness.archive._format import table_member
from harness.archive._read import members_of
from harness.archive._tables import TableError, unpack
from harness.results import RUN_TABLES

MOST_MEMORY = 2**33
"""Bytes of address space; far more than the largest archive needs."""


def main() -> None:
    """Read the archive that comes on stdin; exit code 0 means that reading its tables is safe, not that they are right."""
    with suppress(ValueError, OSError):  # some systems have no such limit
        resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
    members, _ = members_of(sys.stdin.buffer.read())
    for name in RUN_TABLES:
        with suppress(TableError):
            unpack(name, members[table_member(name)])


if __name__ == "__main__":
    main()
