"""The ledger in GitHub's Markdown: how many claims of each block came to what, then every claim, folded away by block."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from harness.claims._ledger import DECIDED, JUDGEMENTS, JudgedClaim, Ledger, count_judgements


def to_markdown(ledger: Ledger, brief: bool = False) -> str:
    """Return the ledger; equal ledgers give equal text.

    Args:
        ledger: to be shown.
        brief: of each claim only the test that decides, or that is in the way, and no notes.
    """
    blocks = ledger.by_block()
    lines = [summary(ledger), "", _row(("block", *JUDGEMENTS)), "|:--" + "|--:" * len(JUDGEMENTS) + "|"]
    lines += [_row((block, *_counts(claims))) for block, claims in blocks.items()]
    for block, claims in blocks.items():
        lines += ["", f"<details><summary>{block}: {_told(claims)}</summary>", "", *_table(claims, brief), "", "</details>"]
    return "\n".join(lines) + "\n"


def summary(ledger: Ledger) -> str:
    """Return in a sentence how many claims are decided, and on what."""
    decided = sum(ledger.counts[name] for name in DECIDED)
    machines = sorted({_named(fields) for fields in ledger.machines.values()})
    where = f" on {', '.join(machines)}" if machines else ""
    return f"**{ledger.suite}**, {len(ledger.claims)} claims, {decided} decided{where}: {_told(ledger.claims)}."


def _named(machine: Mapping[str, str]) -> str:
    gpu = machine.get("gpu", "none")
    return machine.get("cpu", "an unknown CPU") if gpu in ("", "none") else gpu


def _told(claims: Sequence[JudgedClaim]) -> str:
    return ", ".join(f"{count} {name}" for name, count in count_judgements(claims).items() if count)


def _counts(claims: Sequence[JudgedClaim]) -> Iterator[str]:
    return (str(count or "–") for count in count_judgements(claims).values())


def _table(claims: Sequence[JudgedClaim], brief: bool) -> Iterator[str]:
    yield _row(("claim", "verdict", "what is claimed", "what was found"))
    yield "|:--|:--|:--|:--|"
    for claim in claims:
        source = f"<br><sub>{escape(', '.join(claim.source))}</sub>" if claim.source else ""
        cells = (
            escape(claim.id),
            f"**{claim.verdict}**",
            escape(claim.statement) + source,
            "<br>".join(_deciding(claim) if brief else _found(claim)),
        )
        yield _row(cells)


def _deciding(claim: JudgedClaim) -> Iterator[str]:
    """Yield the first test that came to what the claim did, or why there is none."""
    if claim.untestable:
        yield escape(claim.untestable)
    for test in [test for test in claim.tests if test.outcome == claim.verdict][:1]:
        number = f" ({len(claim.tests)} tests)" if len(claim.tests) > 1 else ""
        yield escape(f"{test.asked}: {test.told}{number}")


def _found(claim: JudgedClaim) -> Iterator[str]:
    """Yield what each test asked and found, and what is to be said beside."""
    for test in claim.tests:
        yield escape(f"{test.outcome}: {test.asked}: {test.told}")
    if claim.untestable:
        yield escape(claim.untestable)
    if claim.note:
        yield f"<sub>{escape(claim.note)}</sub>"


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def escape(text: str) -> str:
    """Return text that a cell shows as it is, on one line."""
    for sign, written in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("|", "\\|"), ("*", "\\*"), ("`", "\\`"), ("~", "\\~")):
        text = text.replace(sign, written)
    return " ".join(text.split())
