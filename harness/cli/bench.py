"""Run, gate and report a suite in one go; the exit code is the gate's."""

from __future__ import annotations

from harness.cli._base import Catalogues, Command, Device, Keyword, PolicyOption, Seeds, SuiteArgument, Tags, Threads
from harness.cli.gate import AcceptRenewed, gate
from harness.cli.report import report
from harness.cli.run import Fresh, run
from harness.errors import ExitCode, combine


def bench(
    suite: SuiteArgument,
    keyword: Keyword = None,
    tag: Tags = None,
    seeds: Seeds = None,
    device: Device = None,
    threads: Threads = None,
    policy: PolicyOption = "pr",
    fresh: Fresh = False,
    accept_renewed: AcceptRenewed = False,
    catalogue: Catalogues = None,
) -> ExitCode:
    """Run a suite, judge it against its baselines and write the report.

    Where a case declares `more_seeds`, they are drawn while a hard quality metric of it is inconclusive.

    Example: harness bench articles
    """
    measured = run(suite, keyword, tag, seeds, device, threads, fresh, True, accept_renewed, catalogue)
    try:
        judged = gate(suite, policy=policy, accept_renewed=accept_renewed, catalogue=catalogue)
    finally:  # what was measured is worth reading, whatever the gate says
        report([suite], catalogue=catalogue)
    return combine([measured, judged])


COMMAND = Command(run=bench, order=5)
