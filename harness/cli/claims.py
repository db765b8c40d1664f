"""Judge a suite's claims by its stored results, and show the ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli._base import AsJson, AsMarkdown, Catalogues, Command
from harness.errors import ExitCode, ResultsError, UsageError, nearest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.catalog import Catalog
    from harness.claims import JudgedClaim, Ledger
    from harness.project import Project
    from harness.suite import Suite

Claiming = Annotated[str, typer.Argument(metavar="[SUITE]", help="Suite name, or path of a .toml file.")]
Store = Annotated[bool, typer.Option("--store", help="Store the ledger in results/ledgers/SUITE.json, for git.")]
BlockOption = Annotated[str | None, typer.Option("--block", metavar="BLOCK", help="Show only the claims of this block.")]

COLUMNS = ("claim", "block", "verdict", "what is claimed", "what was asked and found")
NAMED = 3
"""Cases that a line names; of more, their number is told."""


def claims(
    suite: Claiming = "claims",
    store: Store = False,
    as_json: AsJson = False,
    as_markdown: AsMarkdown = False,
    block: BlockOption = None,
    catalogue: Catalogues = None,
) -> ExitCode:
    """Judge what a suite claims of its measurements: supported, refuted, inconclusive, not run or untestable.

    Each case counts with the newest stored run set that has the most seeds of it, as long as the case is declared as it was
    then; cases whose code was edited since are named. The p-values of a block's tests are adjusted together, so that at most
    one in twenty of what is decided is so by chance. Nothing is measured; a refuted claim is a result and no error. The
    ledger is kept in the suite's last run set, too, for `harness report`.

    Examples: harness claims · harness claims mine --block training · harness claims --store
    """
    from harness.claims import judge_claims, to_markdown, to_text, write_ledger
    from harness.cli._table import print_table
    from harness.project import find_project
    from harness.suite import load_suite

    if as_json and as_markdown:
        raise UsageError("--json and --markdown: give one of them")
    project = find_project(catalogues=catalogue or ())
    catalog = project.catalog()
    declared = load_suite(project.suite_file(suite), catalog)
    _check_block(block, [claim.block for claim in declared.claims])
    ledger = judge_claims(project.results, declared, lambda line: typer.echo(line, err=True))
    shown = ledger.only(block) if block else ledger
    for line in _edited(ledger, declared, catalog, suite):
        typer.echo(line, err=True)
    typer.echo(_counted(shown), err=True)
    _keep(project, ledger)
    if store:  # before anything is printed: what reads it may leave early
        for line in _lost(project, ledger):
            typer.echo(line, err=True)
        typer.echo(f"stored in {write_ledger(project.results, ledger)}", err=True)
    if as_json:
        print(to_text(shown), end="")
    elif as_markdown:
        print(to_markdown(shown), end="")
    else:
        print_table(COLUMNS, [_row(claim) for claim in shown.claims], words=COLUMNS[3:])
    for line in _next(shown, suite):
        typer.echo(line, err=True)
    return ExitCode.PASS


def _next(ledger: Ledger, suite: str) -> Iterator[str]:
    """Yield what to do about claims that are not run: measure what is not stored, and look at what has failed."""
    lacking = [
        test for claim in ledger.claims if claim.verdict == "not run" for test in claim.tests if test.outcome == "not run"
    ]
    failed = [test for test in lacking if all(case in ledger.sources for case in test.cases)]
    if len(failed) < len(lacking):
        yield f"some measurements are not there: harness run {suite}"
    if failed:
        stored = dict.fromkeys(ledger.sources[case].run_set for test in failed for case in test.cases)
        shown = " · ".join(f"harness show {name}" for name in stored)
        yield f"some cases were run, and every run of them failed; why: {shown}; once that is mended: harness run {suite}"


def _check_block(block: str | None, held: list[str]) -> None:
    if block is not None and held and block not in held:
        allowed = list(dict.fromkeys(held))
        raise UsageError(f"--block: no claim of {block!r}{nearest(block, allowed)}; there are claims of {', '.join(allowed)}")


def _counted(ledger: Ledger) -> str:
    """Return how many claims came to what: '41 supported, 12 refuted, …'."""
    return ", ".join(f"{count} {name}" for name, count in ledger.counts.items())


def _row(claim: JudgedClaim) -> tuple[str, ...]:
    several = len(claim.tests) > 1
    tests = [f"{f'{test.outcome}: ' if several else ''}{test.asked}: {test.told}" for test in claim.tests]
    return (claim.id, claim.block, claim.verdict, claim.statement, ";\n".join(tests) or claim.untestable)


def _edited(ledger: Ledger, suite: Suite, catalog: Catalog, asked: str) -> Iterator[str]:
    """Yield which cases were measured with other code than they would execute now."""
    from harness.runner.code import code_digest

    known = {case.name: ledger.sources[case.name].code for case in suite.cases if case.name in ledger.sources}
    edited = [
        case.name for case in suite.cases if known.get(case.name) and not _same(known[case.name], code_digest(case, catalog))
    ]
    if edited:
        more = f" and {len(edited) - NAMED} more" if len(edited) > NAMED else ""
        cases = f"{len(edited)} case{'s' * (len(edited) != 1)}"
        yield f"edited since they were measured: the code of {cases} ({', '.join(edited[:NAMED])}{more}); harness run {asked}"


def _same(stored: str, now: str) -> bool:
    """Whether the head of a digest that a ledger holds is that of the code as it is."""
    return stored == now[: len(stored)]


def _keep(project: Project, ledger: Ledger) -> None:
    """Store the ledger's rows in the suite's last run set; that judging works does not depend on it."""
    from harness.claims import to_rows
    from harness.results import run_sets

    stored = run_sets(project.results, ledger.suite)
    if not stored:
        return
    try:
        stored[-1].put("claims", to_rows(ledger))
    except ResultsError as error:
        typer.echo(f"warning: the claims are not stored in the run set: {error}", err=True)


def _lost(project: Project, now: Ledger) -> Iterator[str]:
    """Yield which claims the stored ledger decides and the new one does not."""
    from harness.claims import DECIDED, read_ledger

    try:
        before = read_ledger(project.results, now.suite)
    except ResultsError as error:
        yield f"warning: written anew: {error}"
        return
    verdicts = {claim.id: claim.verdict for claim in now.claims}
    for claim in before.claims if before else ():
        if claim.verdict in DECIDED and (found := verdicts.get(claim.id)) not in DECIDED:
            yield f"warning: {claim.id} was {claim.verdict} in the stored ledger and is {found or 'gone'} now"


COMMAND = Command(run=claims, order=38)
