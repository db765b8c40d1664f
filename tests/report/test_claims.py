"""Claims: the stored ledger as a banner, a table a block, and a forest of effects in units of their margin."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from harness.claims import JudgedClaim, JudgedTest, to_rows
from harness.report import Banner, Block, Details, Facts, Heading, Table
from harness.results import run_sets
from tests.claims.support import A, claim, judged_claim, judged_test, ledger_of, question, suite_of
from tests.report.support import (
    Trained,
    column,
    find_row,
    make_case,
    make_suite,
    read,
    section,
    stored,
    tables,
    usual,
    values,
    verdict,
)

EQUAL = judged_test("supported", kind="equivalent", estimate=0.001, low=-0.004, high=0.006, margin=0.01, confidence=0.9)
SLOPE = judged_test("refuted", kind="slope", estimate=0.2, low=0.1, high=0.3, margin=None, cases=("a", "b", "c"))
UNSURE = judged_test("inconclusive", estimate=0.01, low=-0.05, high=0.07, reason="the interval holds 0", p=0.4, p_adjusted=0.6)
LOST = judged_test(
    "not run", found="", reason="not stored: b", seeds=0, **dict.fromkeys(("estimate", "low", "high", "p", "p_adjusted"))
)


def build(results: Path, *claims: JudgedClaim) -> list[Block]:
    """Return the section's blocks for a usual run set that holds a ledger of these claims."""
    run_set = usual(results)
    if claims:
        run_set.put("claims", to_rows(ledger_of(*claims)))
    return list(section("claims").build(read(run_set)))


def drawn(table: Table) -> list[str]:
    """Return what the drawings of a table's rows say; '' for none."""
    place = [entry.title for entry in table.columns].index("Effect ÷ margin")
    found = [re.search('aria-label="([^"]*)"', row.cells[place].plot) for row in table.rows]
    return [match[1] if match else "" for match in found]


def test_the_banner_says_how_many_are_decided(tmp_path: Path) -> None:
    """On the first screen: counts by verdict, those that there are, and a sentence."""
    claims = judged_claim("C1"), judged_claim("C2", "refuted"), judged_claim("C3", "untestable")
    blocks = build(tmp_path, *claims)
    banner, *_ = section("verdict").build(read(run_sets(tmp_path, "demo")[-1]))

    assert isinstance(banner, Banner)
    assert banner.title == "1 supported, 1 refuted"
    assert banner.text == "2 of 3 claims are decided: 1 supported, 1 refuted, 1 untestable."
    assert [(count.number, count.what, count.tone) for count in banner.counts] == [
        (1, "supported", "good"),
        (1, "refuted", "bad"),
        (1, "untestable", "muted"),
    ]
    assert not any(isinstance(block, Banner) for block in blocks)  # it is said once


def test_a_suite_with_verdicts_has_its_claims_told_beside_them(tmp_path: Path) -> None:
    """The first screen is the verdicts'; the section of the claims has the banner then."""
    case = make_case(seeds=[1])
    run_set = stored(tmp_path, make_suite(case), [Trained(case, 1, values(0.9))], [verdict()])
    run_set.put("claims", to_rows(ledger_of(judged_claim("C1"))))

    first, *_ = section("verdict").build(read(run_set))
    banner, *_ = section("claims").build(read(run_set))

    assert isinstance(first, Banner)
    assert isinstance(banner, Banner)
    assert (first.title, banner.title) == ("Pass", "1 supported, 0 refuted")


def test_a_suite_whose_claims_are_not_judged_names_the_command(tmp_path: Path) -> None:
    """Its first screen is about `harness claims`, not about a baseline that it need not have."""
    suite = suite_of(claim("C1", question("above", value=A, bound=0.5)))
    run_set = stored(tmp_path, suite, [Trained(suite.cases[0], 1, values(0.9))])

    first, *_ = section("verdict").build(read(run_set))

    assert isinstance(first, Banner)
    assert (first.title, first.text) == ("Not judged yet", "No claim is judged: run `harness claims demo`.")


def test_each_block_has_its_claims_and_their_tests(tmp_path: Path) -> None:
    """Blocks in their order, each with what is claimed, found and would refute; a block without tests has none to show."""
    blocks = build(
        tmp_path,
        judged_claim("C9", "untestable", block="cost", note="the future"),
        judged_claim("C1", "inconclusive", judged_test(), UNSURE, block="scale"),
        judged_claim("C2", "supported", judged_test(why="width alone"), block="scale"),
    )

    assert [block.text for block in blocks if isinstance(block, Heading)] == [
        "Scale: 1 supported, 1 inconclusive",
        "Cost: 1 untestable",
    ]
    scale, tests, cost = tables(blocks)
    assert column(scale, "Claim") == ["C1", "C2"]
    assert column(scale, "Verdict") == ["inconclusive", "supported"]
    assert find_row(scale, "C2").cells[2].sub == "004 §2 · 001 §1 · refuted by the opposite"
    found = find_row(scale, "C1").cells[3].text
    assert found.startswith("supported: 0.9410 against 0.8740")
    assert found.endswith("; the interval holds 0")
    assert column(tests, "Claim") == ["C1", "C1", "C2"]
    assert column(tests, "p") == ["0.002", "0.600", "0.002"]
    assert find_row(tests, "C2").cells[2].sub == "width alone"
    assert find_row(cost, "C9").cells[3].text == "Nobody can measure it."
    assert find_row(cost, "C9").cells[3].sub == "the future"


def test_effects_are_drawn_in_units_of_their_margin(tmp_path: Path) -> None:
    """Each with its interval; what has no margin or was not run is not drawn, and says so."""
    blocks = build(
        tmp_path,
        judged_claim("C1", "supported", judged_test(estimate=0.06, low=0.04, high=0.08, margin=0.02)),
        judged_claim("C2", "supported", EQUAL),
        judged_claim("C3", "refuted", SLOPE),
        judged_claim("C4", "not run", LOST),
        judged_claim("C5", "inconclusive", UNSURE),
    )

    _, tests = tables(blocks)

    assert drawn(tests) == [
        "C1, supported: +3 margins, interval +2 to +4.",
        "C2, supported: +0.1 margins, interval −0.4 to +0.6.",
        "",
        "",
        "C5, inconclusive: +0.5 margins, interval −2.5 to +3.5.",
    ]
    place = [entry.title for entry in tests.columns].index("Effect ÷ margin")
    assert tests.columns[place].axis.startswith("<svg")
    assert [row.cells[place].sort for row in tests.rows if row.cells[place].plot] == pytest.approx([3.0, 0.1, 0.5])
    assert find_row(tests, "C3").cells[place].note == "no margin, or nothing to draw"


def test_where_a_claim_holds_is_shaded(tmp_path: Path) -> None:
    """From the margin outwards for a difference, between the margins for an equivalence."""

    def shade(test: JudgedTest) -> tuple[int, int]:
        """Return the ends of the shaded stretch, tenths of a pixel."""
        _, tests = tables(build(tmp_path / test.kind, judged_claim("C1", "supported", test)))
        drawing = next(cell.plot for cell in tests.rows[0].cells if cell.plot)
        start, end = re.search(r'class="z" d="M(\d+) 0H(\d+)', drawing).groups()  # type: ignore[union-attr]
        return int(start), int(end)

    middle = 1200
    difference, equivalence = shade(judged_test()), shade(EQUAL)

    assert middle < difference[0] < difference[1]
    assert equivalence == (2 * middle - equivalence[1], difference[0])


def test_a_block_without_margins_has_no_empty_column(tmp_path: Path) -> None:
    """Where nothing can be drawn, nothing is."""
    _, tests = tables(build(tmp_path, judged_claim("C3", "refuted", SLOPE)))

    assert "Effect ÷ margin" not in [entry.title for entry in tests.columns]


def test_the_report_says_where_it_was_measured(tmp_path: Path) -> None:
    """Run sets, commits and versions, each once."""
    *_, details = build(tmp_path, judged_claim("C1"), judged_claim("C2"))

    assert isinstance(details, Details)
    (facts,) = details.blocks
    assert isinstance(facts, Facts)
    assert facts.items[:3] == (
        ("Run sets", "demo/20260102T030405Z"),
        ("Commits", "0123456789ab"),
        ("Versions", "python 3.11 torch 2.13.0"),
    )


def test_the_section_is_left_out_where_nothing_is_judged(tmp_path: Path) -> None:
    """A suite that claims nothing, or whose claims were not judged yet, has no section."""
    assert build(tmp_path) == []
