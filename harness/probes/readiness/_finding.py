"""What a check is given, and what it answers."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

Status = Literal["ok", "warn", "bad"]
"""bad: what is measured here and now is worth nothing; warn: it may be worth less than it seems."""


@dataclass(frozen=True)
class Finding:
    """One thing about this machine."""

    status: Status
    topic: str
    found: str
    why: str
    """Why it matters to what is measured."""
    advice: str = ""
    """What to do; '' where all is well."""
    stops: bool = False
    """Whether nothing at all can be measured because of it."""


@dataclass(frozen=True)
class Surroundings:
    """Where to look."""

    project: Path
    results: Path
    data: Path
    downloads: Mapping[str, Path]
    """Data set that has to be fetched -> its folder."""
    threads: int = 1
    """Threads that runs are to compute with."""
    root: Path = Path("/")
    """Where the system's /proc and /sys are."""
    pid: int = field(default_factory=os.getpid)
    """The process that looks: what it does itself is no disturbance."""
    clock: Callable[[], float] = time.monotonic
    pause: Callable[[float], None] = time.sleep

    def read(self, path: str) -> str:
        """Return a system file's text without surrounding space; '' where there is none."""
        try:
            return (self.root / path).read_text(errors="replace").strip()
        except OSError:
            return ""


Check = Callable[[Surroundings], Iterator[Finding]]
