"""Prints verdicts: counts first, then what did not pass, then what the exit code means."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast, get_args

from harness.errors import EXIT_CODES, ExitCode, Policy, UsageError, nearest

if TYPE_CHECKING:
    from harness.gate import Judged


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
    from harness.cli._table import print_table
    from harness.verdicts import COLUMNS, cells, count_verdicts, exit_code, fold, passes, warnings

    print(count_verdicts(judged.verdicts))
    rows = list(map(cells, judged.verdicts)) if everything else fold(v for v in judged.verdicts if not passes(v))
    if rows:
        print_table(COLUMNS, rows, right=("change", "margin", "mde"))
    for warning in warnings(judged.verdicts, policy):
        print(f"warning: {warning}")
    if any(verdict.verdict == "new" for verdict in judged.verdicts):
        suite = judged.head.path.parent.name
        print(f"what is new has no baseline yet: harness baseline propose {suite} --reason TEXT")
    code = exit_code(judged.verdicts, policy)
    print(f"{judged.head.name} judged against {judged.base} under policy {policy}: exit code {code.value}, {EXIT_CODES[code]}")
    return code
