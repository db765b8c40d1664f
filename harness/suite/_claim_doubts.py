"""What may be meant otherwise in a suite's claims: no error, and worth a word before hours are spent."""

from __future__ import annotations

from collections.abc import Iterator

from harness.catalog import Catalog
from harness.errors import nearest
from harness.suite._claim_series import Meant, meant
from harness.suite._claims import BLOCKS, SINGLE_SEEDS, Claim, Fact, Question
from harness.suite._rules import Parts
from harness.suite._suite import Suite


def claim_doubts(suite: Suite, catalog: Catalog) -> Iterator[str]:
    """Yield a line about each test that the declared seeds can never decide, and each block that looks misspelt."""
    cases, parts = {case.name: case for case in suite.cases}, Parts(catalog)
    for claim in suite.claims:
        if claim.block not in BLOCKS and (near := nearest(claim.block, BLOCKS)):
            yield f"claim {claim.id}: a block {claim.block!r} of its own{near}"
        for number, question in enumerate(claim.tests, start=1):
            held = [found for each in question.series if (found := meant(each, cases[each.case], parts))]
            seeds = set.intersection(*(set(each.seeds) for each in held)) if held else set()
            if held and len(seeds) < (least := _least(question, held)):
                yield f"{_named(claim, number)}: {len(seeds)} common seeds are declared, where {least} are needed to decide"


def _least(question: Question, held: list[Meant]) -> int:
    """Return how many seeds a test needs; exact values, which are the same at every seed, need one."""
    if all(each.metric_class == "exact" for each in held):
        return 1
    return SINGLE_SEEDS if isinstance(question, Fact) else question.least_seeds


def _named(claim: Claim, number: int) -> str:
    return f"claim {claim.id}, test {number}" if len(claim.tests) > 1 else f"claim {claim.id}"
