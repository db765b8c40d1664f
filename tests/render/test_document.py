"""A report is every section of the catalogue, a user's own included."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.errors import CatalogError
from harness.render import compose, to_html, to_markdown
from tests.report.support import ENVIRONMENT, Trained, make_case, make_suite, read, stored

SECTION = '''"""How many runs there are."""

from harness.report import Paragraph, Section

def build(data):
    return [Paragraph(f"There are {len(data.runs)} runs of {data.manifest.suite.name}.")]

SECTION = Section("Totals", 11, build)
'''


def catalogue(tmp_path: Path, source: str, name: str = "totals") -> Path:
    """Return a catalogue folder with one section."""
    folder = tmp_path / "bench" / "report"
    folder.mkdir(parents=True)
    (folder / f"{name}.py").write_text(source)
    return tmp_path / "bench"


def test_users_section_is_in_both_reports(tmp_path: Path) -> None:
    """One file in a catalogue adds a section, at the place that its order says."""
    run_set = stored(tmp_path / "results", make_suite())

    document = compose(read(run_set, catalogue(tmp_path, SECTION)))

    assert [chapter.name for chapter in document.chapters][:3] == ["verdict", "totals", "cases"]
    assert '<p class="text">There are 0 runs of demo.</p>' in to_html(document)
    assert "<details><summary>Totals</summary>\n\nThere are 0 runs of demo.\n\n</details>" in to_markdown(document)


def test_section_without_blocks_is_left_out(tmp_path: Path) -> None:
    """A section that has nothing to say leaves no empty heading."""
    source = '"""Nothing."""\n\nfrom harness.report import Section\n\nSECTION = Section("Nothing", 11, lambda data: [])\n'

    document = compose(read(stored(tmp_path / "results", make_suite()), catalogue(tmp_path, source)))

    assert "totals" not in [chapter.name for chapter in document.chapters]


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("SECTION = 3\n", "SECTION must be a harness.report.Section, found 3"),
        (
            'from harness.report import Section\nSECTION = Section("x", 15, lambda data: ["text"])\n',
            "build returned a str; allowed are the blocks Paragraph, Heading, Banner, Facts, Table, Figure, Details",
        ),
        ("import nonexistent_module\nSECTION = 3\n", "importing failed: ModuleNotFoundError"),
    ],
)
def test_unusable_section_is_refused_by_name(source: str, message: str, tmp_path: Path) -> None:
    """A file that is no section, or makes something else than blocks, is named."""
    data = read(stored(tmp_path / "results", make_suite()), catalogue(tmp_path, source, "wrong"))

    with pytest.raises(CatalogError, match=r"wrong\.py: ") as caught:
        compose(data)

    assert message in str(caught.value)


def test_head_says_what_was_run(tmp_path: Path) -> None:
    """Run set, start and the cases left out on purpose stand at the top."""
    run_set = stored(tmp_path, make_suite(make_case("a"), make_case("b")), left_out=["c", "d"])

    document = compose(read(run_set))

    assert dict(document.facts) == {
        "Run set": run_set.name,
        "Started": run_set.manifest.created_utc,
        "Suite version": "1",
        "Runs": "0 of 0 ok, 0 s in all",
        "Cases left out": "c, d",
    }
    assert document.cases == ("a", "b")


def test_head_names_commit_and_machine_where_there_is_one(tmp_path: Path) -> None:
    """What all runs share stands at the top; what they differ in is left to the section Environment."""
    case = make_case(seeds=[1, 2])
    other = ENVIRONMENT | {"machine.cpu": "Other CPU"}
    same = stored(tmp_path / "same", make_suite(case), [Trained(case, seed) for seed in case.seeds])
    differ = [Trained(case, 1), Trained(case, 2, environment=other, columns={"commit": "c0ffee"})]

    facts = dict(compose(read(same)).facts)

    assert (facts["Commit"], facts["Machine"], facts["Runs"]) == (
        "0123456789ab",
        "Example CPU 2.5 GHz",
        "2 of 2 ok, 8.40 s in all",
    )
    assert {"Commit", "Machine"} & dict(
        compose(read(stored(tmp_path / "differ", make_suite(case), differ))).facts
    ).keys() == set()
