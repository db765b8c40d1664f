"""Run, gate and report a suite in one go; the exit code is the gate's."""

from __future__ import annotations

from pathlib import Path

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
        if _claims(suite, catalogue):
            print(f"what the suite claims is judged apart: harness claims {suite}")
    finally:  # what was measured is worth reading, whatever the gate says
        report([suite], catalogue=catalogue)
    return combine([measured, judged])


def _claims(suite: str, catalogue: list[Path] | None) -> bool:
    from harness.project import find_project
    from harness.suite import load_suite

    project = find_project(catalogues=catalogue or ())
    return bool(load_suite(project.suite_file(suite), project.catalog()).claims)


COMMAND = Command(run=bench, order=5)
