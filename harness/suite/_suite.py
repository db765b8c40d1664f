"""A suite as it is run and judged: its cases, and what is claimed of them."""

from __future__ import annotations

from pydantic import PositiveInt

from harness.digests import digest_of
from harness.suite._claims import Claim
from harness.suite._schema import Case, Strict


class Suite(Strict):
    """A resolved suite: every case complete, matrix expanded, includes merged."""

    name: str
    version: PositiveInt
    why: str
    tags: tuple[str, ...] = ()
    cases: tuple[Case, ...]
    claims: tuple[Claim, ...] = ()
    """What is said of the cases' measurements, and by which tests it is judged."""

    @property
    def digest(self) -> str:
        """SHA-256 of everything the suite declares."""
        return digest_of(self.model_dump(mode="json", exclude=set() if self.claims else {"claims"}))
