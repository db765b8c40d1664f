"""Where the numbers come from, and how to get them again."""

from __future__ import annotations

import re
from pathlib import Path

from harness.report import Block, Details, Facts, Heading, Paragraph
from tests.report.support import (
    ENVIRONMENT,
    Trained,
    column,
    make_case,
    make_suite,
    read,
    section,
    stored,
    tables,
    texts,
    usual,
    values,
)


def facts(blocks: list[Block]) -> dict[str, dict[str, str]]:
    """Return the groups of facts by title, folded ones included."""
    found: dict[str, dict[str, str]] = {}
    for block in blocks:
        if isinstance(block, Details):
            found |= facts(list(block.blocks))
        elif isinstance(block, Facts):
            found[block.title] = dict(block.items)
    return found


def test_environment_is_grouped(tmp_path: Path) -> None:
    """Machine and versions are shown, fingerprint and flags are folded, keys read as words."""
    blocks = list(section("environment").build(read(usual(tmp_path))))

    found = facts(blocks)
    assert found["Machine"] == {"cpu": "Example CPU 2.5 GHz", "cpu count": "2", "gpu": "none"}
    assert found["Versions"] == {"python": "3.11.4", "torch": "2.13.0+cpu"}
    assert found["Flags"] == {"deterministic algorithms": "false"}
    assert "Numeric fingerprint" not in facts([block for block in blocks if not isinstance(block, Details)])


def test_installed_distributions_are_folded(tmp_path: Path) -> None:
    """The few versions that a reader looks for are not lost among all those that were installed."""
    case = make_case(seeds=[1])
    installed = ENVIRONMENT | {"version.scikit-learn": "1.9.1", "version.pluggy": "1.7.0"}
    run = Trained(case, 1, values(0.9), environment=installed)

    blocks = list(section("environment").build(read(stored(tmp_path, make_suite(case), [run]))))

    assert facts(blocks)["Versions"] == {"python": "3.11.4", "torch": "2.13.0+cpu"}
    assert facts(blocks)["Installed distributions"] == {"pluggy": "1.7.0", "scikit-learn": "1.9.1"}
    assert "Installed distributions" not in facts([block for block in blocks if not isinstance(block, Details)])


def test_uncommitted_changes_are_told_apart(tmp_path: Path) -> None:
    """Two runs of one commit with other changes are of other code."""
    case = make_case(seeds=[1, 2])
    runs = [
        Trained(case, seed, values(0.9), columns={"dirty": True, "commit": "c0ffee", "diff_digest": f"{seed}" * 64})
        for seed in case.seeds
    ]

    blocks = section("environment").build(read(stored(tmp_path, make_suite(case), runs)))

    assert facts(list(blocks))["Reproduce"]["Commit"] == ", ".join(
        f"c0ffee with uncommitted changes (SHA-256 of git diff HEAD: {digit * 12})" for digit in "12"
    )


def test_failed_run_has_reason_and_command(tmp_path: Path) -> None:
    """A run that did not succeed is listed with why, and with what runs it again."""
    table = tables(section("environment").build(read(usual(tmp_path))))[0]

    assert table.caption == "Runs that did not succeed: 1 of 6"
    assert texts(table) == [
        [
            "digits",
            "3",
            "train",
            "oom",
            "killed at 7.2 GiB <script>alert('x')</script> | a_b",
            "4.20 s",
            "harness run demo -k digits --seeds 3,",
        ]
    ]


def test_a_failed_pass_is_named(tmp_path: Path) -> None:
    """Which of a seed's runs failed is told; running its seed again runs its passes again."""
    case = make_case(seeds=[7], passes=("memory",))
    failed = Trained(case, 7, status="timeout", losses=(), seconds=(), progress=(), columns={"pass": "memory"})
    run_set = stored(tmp_path, make_suite(case), [Trained(case, 7, values(0.9)), failed])

    table = tables(section("environment").build(read(run_set)))[0]

    assert ["memory"] == column(table, "Pass")
    assert ["harness run demo -k keras --seeds 7,"] == column(table, "To run it again")


def test_every_run_has_its_command(tmp_path: Path) -> None:
    """Each run that succeeded has the command that trains it again; commit and uncommitted changes are beside it."""
    case = make_case(seeds=[1, 7])
    runs = [Trained(case, 1, values(0.9)), Trained(case, 7, values(0.9), columns={"dirty": True, "commit": None})]

    blocks = list(section("environment").build(read(stored(tmp_path, make_suite(case), runs))))

    table = tables(blocks)[-1]
    assert column(table, "To reproduce it") == [f"harness reproduce {run.run_id}" for run in runs]
    assert column(table, "Commit") == ["0123456789ab", "none"]
    assert [row.cells[3].badge for row in table.rows] == ["", "uncommitted changes"]
    assert (
        facts(blocks)["Reproduce"]["Commit"] == "0123456789abcdef0123456789abcdef01234567, no commit with uncommitted changes"
    )


def test_reproduce_says_how_to_get_everything_a_case_and_a_run(tmp_path: Path) -> None:
    """From the whole suite down to one run, each is a command that the command line has."""
    from harness.catalog import Catalog

    found = facts(list(section("environment").build(read(usual(tmp_path)))))["Reproduce"]

    commands = [re.findall(r"`harness (\w+)", found[key])[0] for key in ("Everything", "One case", "One run")]
    assert commands == ["bench", "run", "reproduce"]
    assert set(commands) <= set(Catalog().parts("cli"))


def test_two_environments_are_told_apart(tmp_path: Path) -> None:
    """Runs from two machines show both, the commoner first."""
    case = make_case(seeds=[1, 2, 3])
    other = ENVIRONMENT | {"machine.cpu": "Other CPU"}
    runs = [Trained(case, seed, values(0.9), environment=other if seed == 1 else ENVIRONMENT) for seed in case.seeds]

    blocks = section("environment").build(read(stored(tmp_path, make_suite(case), runs)))

    headings = [block.text for block in blocks if isinstance(block, Heading)]
    assert [heading.split(": ")[1] for heading in headings] == ["2 of 3 runs", "1 of 3 runs"]
    assert facts(list(blocks))["As the first, but for"] == {"machine cpu": "Other CPU in place of Example CPU 2.5 GHz"}


def test_all_well_is_said(tmp_path: Path) -> None:
    """Without a failure the section says so instead of showing an empty table."""
    case = make_case(seeds=[1])

    blocks = section("environment").build(read(stored(tmp_path, make_suite(case), [Trained(case, 1, values(0.9))])))

    assert blocks[0] == Paragraph("Every stored run succeeded: 1.", "good")
