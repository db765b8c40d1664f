"""The stored ledger: readable by people and diffs, refused when damaged; its rows and its Markdown."""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pandas as pd
import pytest

from harness.claims import (
    JUDGEMENTS,
    from_rows,
    judge_claims,
    ledger_file,
    read_ledger,
    to_markdown,
    to_rows,
    to_text,
    write_ledger,
)
from harness.errors import ResultsError
from harness.results import to_table
from tests.claims.support import A, B, apart, claim, judged_claim, judged_test, ledger_of, question, suite_of, trained
from tests.support import record

ROOT = Path(__file__).parents[2]
MIXED = ledger_of(
    judged_claim("C1", "supported"),
    judged_claim(
        "C2", "refuted", judged_test("refuted", p=0.0, low=-0.01), judged_test("not run", found="", reason="not stored: b")
    ),
    judged_claim("C3", "untestable", block="cost", note="A | B < C"),
    judged_claim(
        "C4", "inconclusive", judged_test("inconclusive", estimate=None, low=None, high=None, p=None, p_adjusted=None)
    ),
)


def test_a_ledger_is_read_as_it_was_written(tmp_path: Path) -> None:
    """What is stored is what was judged; a suite without a ledger has none."""
    assert read_ledger(tmp_path, "demo") is None

    path = write_ledger(tmp_path, MIXED)

    assert path == ledger_file(tmp_path, "demo") == tmp_path / "ledgers" / "demo.json"
    assert read_ledger(tmp_path, "demo") == MIXED


def test_a_diff_of_a_ledger_shows_what_moved() -> None:
    """One test a line, one field of a claim a line: a changed number changes one line."""
    moved = judged_claim("C1", "supported", judged_test(estimate=0.068))
    other = ledger_of(moved, *MIXED.claims[1:])

    changed = [one for one, two in zip(to_text(MIXED).splitlines(), to_text(other).splitlines(), strict=True) if one != two]

    assert len(changed) == 1
    assert json.loads(changed[0].strip().rstrip(","))["estimate"] == 0.067
    assert json.loads(to_text(MIXED))["claims"][2] == {
        "id": "C3",
        "block": "cost",
        "statement": "What C3 says.",
        "source": ["004 §2", "001 §1"],
        "note": "A | B < C",
        "untestable": "Nobody can measure it.",
        "verdict": "untestable",
    }


def test_equal_tables_give_equal_bytes(tmp_path: Path) -> None:
    """Judging twice is judging once."""
    value, against = apart(0.1, 0.02)
    suite = suite_of(claim("C1", question("difference", value=A, against=B, margin=0.05)))
    record(tmp_path, suite, [*trained(suite.cases[0], value), *trained(suite.cases[1], against)])

    assert to_text(judge_claims(tmp_path, suite)) == to_text(judge_claims(tmp_path, suite))


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda text: text[:-20], "demo.json: "),
        (lambda text: "[]", "not a JSON object"),
        (lambda text: text.replace('"schema_version": 1', '"schema_version": 2'), "schema version 2; this harness reads 1"),
        (lambda text: text.replace('"suite": "demo"', '"suite": "other"'), "holds suite 'other'"),
        (
            lambda text: text.replace('"verdict": "refuted"', '"verdict": "supported"'),
            "C2 is supported, and its tests come to refuted: one of them was edited by hand",
        ),
        (lambda text: text.replace("H200", "H100"), "is not the digest of its fields"),
        (lambda text: text.replace('"need"', '"needs"').replace('"note"', '"notes"'), "notes: Extra inputs are not permitted"),
    ],
)
def test_a_damaged_or_edited_ledger_is_refused(tmp_path: Path, damage: Callable[[str], str], message: str) -> None:
    """It says what is wrong in which file, and what to do."""
    path = write_ledger(tmp_path, MIXED)
    path.write_text(damage(path.read_text()))

    with pytest.raises(ResultsError) as caught:
        read_ledger(tmp_path, "demo")

    assert message in str(caught.value)
    assert "harness claims demo --store" in str(caught.value)


def test_rows_hold_all_that_a_report_needs() -> None:
    """The table's rows give the claims back, nulls included, as they come from a stored table."""
    frame: pd.DataFrame = to_table("claims", to_rows(MIXED)).to_pandas()

    assert from_rows(frame.to_dict("records")) == MIXED.claims
    assert list(frame["claim"]) == ["C1", "C2", "C2", "C3", "C4"]
    assert frame["run_sets"][0] == "demo/20260102T030405Z"


def test_markdown_counts_first_and_folds_the_claims() -> None:
    """The sentence, one row a block, then each block's claims; what Markdown would read as its own is escaped."""
    text = to_markdown(MIXED)

    lines = text.splitlines()
    assert lines[0] == ("**demo**, 4 claims, 2 decided on H200: 1 supported, 1 refuted, 1 inconclusive, 1 untestable.")
    assert lines[2] == f"| block | {' | '.join(JUDGEMENTS)} |"
    assert "| training | 1 | 1 | 1 | – | – |" in lines
    assert "| cost | – | – | – | – | 1 |" in lines
    assert "<details><summary>cost: 1 untestable</summary>" in lines
    row = next(line for line in lines if line.startswith("| C3 |"))
    assert row.endswith("| Nobody can measure it.<br><sub>A \\| B &lt; C</sub> |")
    assert "refuted: accuracy of a is higher than that of b: 0.9410 against" in text
    assert "not run: accuracy of a is higher than that of b: not stored: b" in text


@pytest.fixture
def tool(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The tool that writes README's ledgers, imported from where its neighbours are."""
    monkeypatch.syspath_prepend(ROOT / "tests" / "tools")
    return importlib.import_module("write_claims")


def test_readme_has_the_ledgers_in_git(tool: ModuleType) -> None:
    """Every figure of README's ledgers and of their page is that of results/ledgers; README has a place for them."""
    readme = (ROOT / "README.md").read_text()

    assert tool.readme() == readme
    assert tool.page() == (ROOT / "results" / "ledgers" / "README.md").read_text()
    assert bool(tool.ledgers()) <= ("<!-- claims -->" in readme)


def test_the_tool_fills_the_place_of_the_ledgers(tool: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What stands between the markers is what the stored ledgers say."""
    monkeypatch.setattr(tool, "RESULTS", tmp_path)
    monkeypatch.setattr("_readme.README", tmp_path / "README.md")
    (tmp_path / "README.md").write_text("# A\n<!-- claims -->\nold\n<!-- /claims -->\nend\n")
    write_ledger(tmp_path, MIXED)

    assert tool.readme() == f"# A\n<!-- claims -->\n{to_markdown(MIXED, brief=True)}<!-- /claims -->\nend\n"
