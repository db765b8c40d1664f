"""Writes the ledgers of claims in git as text: in short into README, test by test as results/ledgers/README.md.

    python tests/tools/write_claims.py

A test holds both equal to what this writes.
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
    return filled("claims", "\n".join(to_markdown(ledger, brief=True) for ledger in ledgers()))


def page() -> str:
    """Return the page of all that was asked and found."""
    return "\n".join(["# Claims, test by test\n", *map(to_markdown, ledgers())])


if __name__ == "__main__":
    README.write_text(readme())
    (RESULTS / FOLDER / "README.md").write_text(page())
