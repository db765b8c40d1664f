"""What a suite's claims came to, in one sentence."""

from __future__ import annotations

from collections.abc import Sequence

from harness.claims import DECIDED, JudgedClaim, count_judgements
from harness.report._base import Banner, Count, Tone

TONES: dict[str, Tone] = {
    "supported": "good",
    "refuted": "bad",
    "inconclusive": "warn",
    "not run": "muted",
    "untestable": "muted",
}


def outcome(claims: Sequence[JudgedClaim]) -> Banner:
    """Return how many claims came to what, and how many are decided."""
    counts = count_judgements(claims)
    decided = sum(counts[name] for name in DECIDED)
    words = f"{decided} of {len(claims)} claims are decided: {told(claims)}."
    listed = tuple(Count(count, name, TONES[name]) for name, count in counts.items() if count)
    title = f"{counts['supported']} supported, {counts['refuted']} refuted" if decided else "Nothing is decided"
    return Banner(title, words, "plain" if decided else "warn", listed)


def told(claims: Sequence[JudgedClaim]) -> str:
    """Return how many claims came to what: '3 supported, 1 refuted'."""
    return ", ".join(f"{count} {name}" for name, count in count_judgements(claims).items() if count)
