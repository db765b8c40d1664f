"""What verdicts mean for the exit code: the one place.

Only level hard counts. Each verdict stands for a code, and `errors.PRECEDENCE` chooses between several:

verdict       strict              pr
same, void    0                   0
worse         1 worse             1
inconclusive  3 inconclusive      0, with a warning
incomparable  4 incomparable      4; 0 with a warning where only machine, versions or numeric fingerprint are others
new           4 no baseline       4
missing       5 measuring failed  5
better        6 better            0, with a warning

Under `pr` an incomparable verdict passes in two cases, because a pull request may be judged on another machine than
the baseline's: a machine metric, unless the definition of case or metric has changed; and an exact metric on another
numeric fingerprint or other versions, if the same case's loss curve is gated hard and was judged. At levels warn and
info nothing changes the code, but a *worse* at level warn is a warning.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from harness.errors import ExitCode, Policy, combine
from harness.verdicts._verdict import DEFINITION, DEVICE, FINGERPRINT, LOSS_CURVE, VERSIONS, Verdict, VerdictName

CODES: dict[VerdictName, ExitCode] = {
    "same": ExitCode.PASS,
    "void": ExitCode.PASS,
    "worse": ExitCode.WORSE,
    "inconclusive": ExitCode.INCONCLUSIVE,
    "incomparable": ExitCode.INCOMPARABLE,
    "new": ExitCode.INCOMPARABLE,
    "missing": ExitCode.MEASURING,
    "better": ExitCode.BETTER,
}
"""The code of each verdict at level hard under `strict`."""


def exit_code(verdicts: Iterable[Verdict], policy: Policy = "pr") -> ExitCode:
    """Return the exit code that verdicts mean."""
    standing, _ = _split(verdicts, policy)
    return combine(CODES[verdict.verdict] for verdict in standing)


def deciding(verdicts: Iterable[Verdict], policy: Policy = "pr") -> list[Verdict]:
    """Return the verdicts that make the exit code something other than pass."""
    standing, _ = _split(verdicts, policy)
    return [verdict for verdict in standing if CODES[verdict.verdict] != ExitCode.PASS]


def warnings(verdicts: Iterable[Verdict], policy: Policy = "pr") -> list[str]:
    """Return one sentence for each kind of verdict that passes with a warning."""
    judged = list(verdicts)
    excused = Counter(verdict.verdict for verdict in _split(judged, policy)[1])
    lines = [f"{count} {name}: passes under policy {policy}; {_ADVICE[name]}" for name, count in sorted(excused.items())]
    warned = sum(verdict.level == "warn" and verdict.verdict == "worse" for verdict in judged)
    return lines + ([f"{warned} worse at level warn"] if warned else [])


_ADVICE: dict[VerdictName, str] = {
    "inconclusive": "more seeds or runs would tell",
    "incomparable": "the baseline is of another machine",
    "better": "the baseline is stale, renew it with `harness baseline propose`",
}


def _split(verdicts: Iterable[Verdict], policy: Policy) -> tuple[list[Verdict], list[Verdict]]:
    """Return the hard verdicts that decide, and those that the policy lets pass."""
    hard = [verdict for verdict in verdicts if verdict.level == "hard"]
    stood_in = {verdict.case for verdict in hard if _stands_in(verdict)}
    passing = [policy == "pr" and _passes(verdict, stood_in) for verdict in hard]
    standing = [verdict for verdict, passes in zip(hard, passing, strict=True) if not passes]
    return standing, [verdict for verdict, passes in zip(hard, passing, strict=True) if passes]


def _stands_in(verdict: Verdict) -> bool:
    judged = verdict.verdict in ("same", "worse")
    return judged and verdict.metric == LOSS_CURVE


def _passes(verdict: Verdict, stood_in: set[str]) -> bool:
    if verdict.verdict != "incomparable":
        return verdict.verdict in ("inconclusive", "better")
    if verdict.metric_class == "machine":
        return verdict.method != DEFINITION
    return verdict.method in (FINGERPRINT, DEVICE, VERSIONS) and verdict.case in stood_in
