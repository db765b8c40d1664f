"""Prints verdicts: counts first, then what did not pass, then what the exit code means."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, cast, get_args

from harness.errors import EXIT_CODES, ExitCode, Policy, UsageError, nearest

if TYPE_CHECKING:
    from harness.gate import Judged
    from harness.verdicts import Verdict


def check_policy(text: str) -> Policy:
    """Return a policy's name.

    Raises:
        UsageError: there is no such policy.
    """
    allowed = get_args(Policy)
    if text not in allowed:
        raise UsageError(f"--policy: found {text!r}{nearest(text, allowed)}; allowed: {', '.join(allowed)}")
    return cast(Policy, text)


def print_verdicts(judged: Judged, policy: Policy, everything: bool) -> ExitCode:
    """Print what came of judging a run set; return its exit code."""
    new = any(verdict.verdict == "new" for verdict in judged.verdicts)
    hint = f"what is new has no baseline yet: harness baseline propose {judged.head.path.parent.name} --reason TEXT"
    return print_judged(
        judged.verdicts, f"{judged.head.name} judged against {judged.base}", policy, everything, hint if new else ""
    )


def print_judged(verdicts: Sequence[Verdict], what: str, policy: Policy, everything: bool = True, hint: str = "") -> ExitCode:
    """Print verdicts and what they mean; return the exit code."""
    from harness.cli._table import print_table
    from harness.verdicts import COLUMNS, cells, count_verdicts, exit_code, fold, passes, warnings

    print(count_verdicts(verdicts))
    rows = list(map(cells, verdicts)) if everything else fold(v for v in verdicts if not passes(v))
    if rows:
        print_table(COLUMNS, rows, right=("change", "margin", "mde"))
    for warning in warnings(verdicts, policy):
        print(f"warning: {warning}")
    if hint:
        print(hint)
    code = exit_code(verdicts, policy)
    print(f"{what} under policy {policy}: exit code {code.value}, {EXIT_CODES[code]}")
    return code
