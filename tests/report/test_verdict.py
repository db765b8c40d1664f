"""The first screen: how it ended, counts, and what did not pass."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.report import Banner, Block, Paragraph
from tests.report.support import (
    Trained,
    alt,
    captioned,
    column,
    make_case,
    make_suite,
    plots,
    read,
    section,
    stored,
    tables,
    texts,
    usual,
    values,
    verdict,
)

WORSE = verdict(
    name="worse",
    base=0.991,
    head=0.981,
    n_base=10,
    n_head=3,
    estimate=-0.01,
    low=-0.02,
    high=-0.005,
    margin=0.002,
    mde=0.004,
)


def build(tmp_path: Path, *verdicts: dict[str, object]) -> list[Block]:
    """Return the section's blocks on a complete run set with these verdicts."""
    case = make_case(seeds=[1])
    return list(section("verdict").build(read(stored(tmp_path, make_suite(case), [Trained(case, 1, values(0.9))], verdicts))))


def banner(blocks: list[Block]) -> Banner:
    """Return the one banner."""
    (found,) = [block for block in blocks if isinstance(block, Banner)]
    return found


def paragraphs(blocks: list[Block]) -> list[str]:
    """Return the paragraphs' texts."""
    return [block.text for block in blocks if isinstance(block, Paragraph)]


def test_unjudged_run_set_says_what_to_do(tmp_path: Path) -> None:
    """Without verdicts the report names the command that makes them, and counts the runs."""
    found = banner(list(section("verdict").build(read(usual(tmp_path)))))

    assert (found.title, found.text) == ("Not judged yet", "No verdict is stored: run `harness gate demo`.")
    assert [(count.number, count.what) for count in found.counts] == [(5, "runs ok"), (1, "run oom")]


@pytest.mark.parametrize(
    ("names", "title", "sentence", "tone"),
    [
        (
            ["same"],
            "Pass",
            "None of 1 number that decides is worse than its baseline. "
            "`harness gate demo` ends with exit code 0: pass: nothing is worse.",
            "good",
        ),
        (
            ["same", "worse"],
            "Worse",
            "1 of 2 numbers that decide is worse or missing, most of all m1 of keras. "
            "`harness gate demo` ends with exit code 1: a metric gated at level hard is worse.",
            "bad",
        ),
        (
            ["new"],
            "Incomparable",
            "Of 1 number that decides none can be told. "
            "`harness gate demo` ends with exit code 4: incomparable, or no baseline.",
            "warn",
        ),
        (
            ["missing", "worse"],
            "Missing",
            "2 of 2 numbers that decide are worse or missing, most of all m0 of keras. "
            "`harness gate demo` ends with exit code 5: measuring failed, or something declared is missing.",
            "bad",
        ),
        (
            ["inconclusive"],
            "Pass, with warnings",
            "Of 1 number that decides none can be told. "
            "`harness gate demo` ends with exit code 0: pass: nothing is worse. "
            "Under `--policy strict` it ends with 3: inconclusive: the data cannot tell.",
            "warn",
        ),
        (
            ["better"],
            "Better",
            "None of 1 number that decides is worse than its baseline. "
            "`harness gate demo` ends with exit code 0: pass: nothing is worse. "
            "Under `--policy strict` it ends with 6: better: the baseline is stale.",
            "good",
        ),
    ],
)
def test_outcome_is_the_gates(names: list[str], title: str, sentence: str, tone: str, tmp_path: Path) -> None:
    """The banner says in words what the gate's exit code is, under its default policy and under strict."""
    found = banner(build(tmp_path, *(verdict(metric=f"m{place}", name=name) for place, name in enumerate(names))))

    assert (found.title, found.text, found.tone) == (title, sentence, tone)


def test_counts_come_gravest_first(tmp_path: Path) -> None:
    """Each verdict is counted, whatever its level."""
    rows = [verdict(metric=f"m{place}", name=name) for place, name in enumerate(("same", "same", "better", "missing"))]

    found = banner(build(tmp_path, *rows, verdict(metric="info", name="worse", level="info")))

    assert [(count.number, count.what) for count in found.counts] == [(1, "missing"), (1, "worse"), (1, "better"), (2, "same")]


def test_what_did_not_pass_is_shown_with_change_margin_and_detectable_effect(tmp_path: Path) -> None:
    """A quality metric's change is in its own unit, with its interval."""
    table = captioned(build(tmp_path, WORSE, verdict(metric="macro_f1")), "What did not come out the same")

    assert texts(table) == [
        ["keras", "Accuracy", "worse", "hard", "0.9910", "0.9810", "−0.0100", "0.0020", "0.0040", "t prediction bound"]
    ]
    cells = table.rows[0].cells
    assert [cells[place].sub for place in (4, 5, 6)] == ["n = 10", "n = 3", "−0.0200 to −0.0050"]


def test_machine_metrics_change_in_per_cent(tmp_path: Path) -> None:
    """A machine metric's change, margin and detectable effect are relative to the base, as they are stored."""
    row = verdict(
        metric="train_throughput",
        name="worse",
        base=5000.0,
        head=4400.0,
        estimate=-0.12,
        low=-0.15,
        high=-0.09,
        margin=0.1,
        mde=0.085,
        **{"class": "machine"},
        unit="{sample}/s",
    )

    table = captioned(build(tmp_path, row), "What did not come out the same")

    assert texts(table)[0][4:9] == ["5.00 ksamples/s", "4.40 ksamples/s", "−12.0 %", "10.0 %", "8.50 %"]


def test_verdict_without_numbers_has_its_note(tmp_path: Path) -> None:
    """A verdict on the runs themselves has no numbers, only a reason."""
    row = verdict(metric="runs", name="missing", method="presence", note="no run of seed 2", **{"class": "exact"})

    (table,) = tables(build(tmp_path, row))

    assert texts(table) == [["keras", "Runs", "missing", "hard", "n/a", "n/a", "no run of seed 2"]]


def test_level_info_does_not_stand_among_what_did_not_pass(tmp_path: Path) -> None:
    """What decides nothing is left to the section Effects."""
    blocks = build(tmp_path, verdict(), verdict(metric="macro_f1", name="worse", level="info"))

    assert [block for block in blocks if not isinstance(block, Banner)] == []


def test_the_largest_effects_are_on_the_first_screen(tmp_path: Path) -> None:
    """Changes are ranked by how many margins they are, whatever their unit and their level."""
    mild = verdict(metric="macro_f1", base=0.9, head=0.91, estimate=0.01, low=0.0, high=0.02, margin=0.1)
    slower = verdict(
        metric="step_time_median",
        base=0.01,
        head=0.013,
        estimate=0.3,
        low=0.2,
        high=0.4,
        margin=0.1,
        level="info",
        direction="lower",
        **{"class": "machine"},
    )

    table = captioned(build(tmp_path, mild, WORSE, slower), "What changed most, of 3 numbers")

    assert [row.cells[0].sub for row in table.rows] == ["Accuracy", "Step time, median", "Macro F1"]
    assert [alt(plot) for plot in plots(table)] == [
        "Accuracy of keras: −5.00 margins, interval −10.00 to −2.50.",
        "Step time, median of keras: −3.00 margins, interval −4.00 to −2.00.",
        "Macro F1 of keras: +0.10 margins, interval +0.00 to +0.20.",
    ]


def test_the_sentence_names_what_is_worst(tmp_path: Path) -> None:
    """The first sentence has the metric, the case and the change that a reader asks for first."""
    words = banner(build(tmp_path, WORSE, verdict(metric="macro_f1"))).text

    assert words.startswith("1 of 2 numbers that decide is worse or missing, most of all Accuracy of keras (−0.0100).")


def test_before_a_verdict_there_is_what_was_published(tmp_path: Path) -> None:
    """An unjudged run set shows how far its scores are from the articles'."""
    cases = [make_case("near", seeds=[1, 2]), make_case("far", seeds=[1, 2])]
    runs = [Trained(case, seed, values(score)) for case, score in zip(cases, (0.99, 0.9), strict=True) for seed in (1, 2)]

    blocks = list(section("verdict").build(read(stored(tmp_path, make_suite(*cases), runs))))

    table = captioned(blocks, "What is furthest from what was published, of 2 cases")
    assert column(table, "Case") == ["far", "near"]
    assert column(table, "Difference") == ["−0.0914", "−0.0014"]
    assert alt(plots(table)[0]) == "Accuracy of far: −0.0914 from what was published."


def test_hard_comes_before_warn_and_grave_before_mild(tmp_path: Path) -> None:
    """Rows are ranked by level, then by how grave the verdict is."""
    rows = [
        verdict(metric="a", name="worse", level="warn"),
        verdict(metric="b", name="inconclusive"),
        verdict(metric="c", name="missing"),
    ]

    assert column(tables(build(tmp_path, *rows))[0], "Metric") == ["c", "b", "a"]


def test_what_passes_with_a_warning_is_said(tmp_path: Path) -> None:
    """The default policy's warnings are those of the gate."""
    words = paragraphs(build(tmp_path, verdict(name="better"), verdict(metric="macro_f1", name="worse", level="warn")))

    assert words == [
        "1 better: passes under policy pr; the baseline is stale, renew it with `harness baseline propose`.",
        "1 worse at level warn.",
    ]


def test_incomplete_run_set_is_said_first(tmp_path: Path) -> None:
    """An interrupted run set names how much is there and what goes on with it."""
    run_set = stored(tmp_path, make_suite(), [Trained(make_case(), 1, values(0.9))], complete=False)

    assert paragraphs(list(section("verdict").build(read(run_set)))) == [
        "This run set is incomplete: 1 of 3 declared runs are stored. `harness run demo` goes on with it."
    ]


def test_a_pass_that_is_absent_or_failed_is_said(tmp_path: Path) -> None:
    """A declared run of another pass counts like a training: one is not there, and one did not succeed."""
    case = make_case(seeds=[1, 2], passes=("memory", "counters"))
    runs = [Trained(case, seed, values(0.9)) for seed in (1, 2)]
    failed = Trained(case, 1, status="oom", losses=(), seconds=(), progress=(), columns={"pass": "memory"})

    assert paragraphs(list(section("verdict").build(read(stored(tmp_path, make_suite(case), [*runs, failed]))))) == [
        "This run set is incomplete: 3 of 4 declared runs are stored. `harness run demo` goes on with it.",
        "1 of 3 runs did not succeed; means are over those that did. The section Environment has the reasons.",
    ]


def test_whole_passes_need_no_notice(tmp_path: Path) -> None:
    """Nothing is said of a case whose trainings and passes are all there and ok."""
    case = make_case(seeds=[1, 2], passes=("memory", "calibrated"))
    runs = [Trained(case, seed, values(0.9)) for seed in (1, 2)]
    passes = [("memory", 1), ("calibrated", 1), ("calibrated", 2)]
    runs += [Trained(case, seed, losses=(), seconds=(), progress=(), columns={"pass": name}) for name, seed in passes]

    assert paragraphs(list(section("verdict").build(read(stored(tmp_path, make_suite(case), runs))))) == []


def test_empty_run_set_is_said(tmp_path: Path) -> None:
    """A run set without a run says so plainly."""
    words = paragraphs(list(section("verdict").build(read(stored(tmp_path, make_suite(), complete=False)))))

    assert words == ["This run set is empty: none of its 3 declared runs is stored."]


def test_failed_runs_are_said(tmp_path: Path) -> None:
    """Failed runs are named before the numbers that lack them; all of them failing is said in other words."""
    case = make_case(seeds=[1, 2])
    failed = [Trained(case, seed, status="failed", losses=(), seconds=()) for seed in (1, 2)]
    some = stored(tmp_path / "some", make_suite(case), [Trained(case, 1, values(0.9)), failed[1]])
    every = stored(tmp_path / "every", make_suite(case), failed)

    assert paragraphs(list(section("verdict").build(read(some)))) == [
        "1 of 2 runs did not succeed; means are over those that did. The section Environment has the reasons."
    ]
    assert paragraphs(list(section("verdict").build(read(every)))) == [
        "Every run failed: nothing was measured. The section Environment has the reasons."
    ]
