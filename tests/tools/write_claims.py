"""Writes README's ledgers of claims from those in git: `python tests/tools/write_claims.py`.

A test holds README equal to what this writes.
"""

from __future__ import annotations

from _readme import README, ROOT, filled

from harness.claims import FOLDER, Ledger, read_ledger, to_markdown

RESULTS = ROOT / "results"


def ledgers() -> list[Ledger]:
    """Return the stored ledgers, in the order of their suites' names."""
    found = (read_ledger(RESULTS, path.stem) for path in sorted((RESULTS / FOLDER).glob("*.json")))
    return [ledger for ledger in found if ledger is not None]


def readme() -> str:
    """Return README with its ledgers written anew."""
    return filled("claims", "\n".join(map(to_markdown, ledgers())))


if __name__ == "__main__":
    README.write_text(readme())
