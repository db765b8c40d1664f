"""Train and measure a suite; every run's rows are on disk as it ends."""

from __future__ import annotations

from typing import Annotated

import typer

from harness.cli._base import Catalogues, Command, Device, Keyword, Seeds, SuiteArgument, Tags, Threads
from harness.cli.gate import AcceptRenewed
from harness.errors import ExitCode, UsageError

UntilDecided = Annotated[
    bool,
    typer.Option(
        "--until-decided", help="Draw seeds from the cases' `more_seeds` while a hard quality metric is inconclusive."
    ),
]
Fresh = Annotated[bool, typer.Option("--fresh", help="Start a new run set even if the last one is unfinished.")]


def run(
    suite: SuiteArgument,
    keyword: Keyword = None,
    tag: Tags = None,
    seeds: Seeds = None,
    device: Device = None,
    threads: Threads = None,
    fresh: Fresh = False,
    until_decided: UntilDecided = False,
    accept_renewed: AcceptRenewed = False,
    catalogue: Catalogues = None,
) -> ExitCode:
    """Train and measure a suite, each run in a fresh process.

    An unfinished run set is taken up where it stopped; Ctrl-C loses at most the run in flight.

    Examples: harness run smoke · harness run articles --seeds 10 · harness run mnist -k keras --device cuda
    · harness run mnist --until-decided
    """
    from harness.api import run_suite
    from harness.project import find_project
    from harness.suite import Overrides, parse_seeds

    if accept_renewed and not until_decided:
        raise UsageError("--accept-renewed is about verdicts: give it with --until-decided, or to `harness gate`")
    overrides = Overrides(keyword, tuple(tag or ()), parse_seeds(seeds) if seeds else None, device, threads)
    ran = run_suite(find_project(catalogues=catalogue or ()), suite, overrides, fresh, until_decided, accept_renewed)
    print(ran.run_set.path)
    counts = ", ".join(f"{count} {status}" for status, count in sorted(ran.statuses.items()))
    judged = "claims" if ran.run_set.manifest.suite.claims else "gate"
    typer.echo(f"{counts}; next: harness {judged} {suite} · harness report {suite}", err=True)
    return ExitCode.MEASURING if ran.failed else ExitCode.PASS


COMMAND = Command(run=run, order=10)
