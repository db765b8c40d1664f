"""The report for a pull request: counts first, then what did not pass, the cases, the environment folded away."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.render import Chapter, Document, compose, to_markdown
from harness.render._markdown import code, escape
from harness.report import Cell, Column, Figure, Row, Table
from tests.report.support import Trained, make_case, make_suite, read, stored, usual, values, verdict


def test_whole_report_literally(tmp_path: Path) -> None:
    """The Markdown of a small judged run set, to the letter."""
    case = make_case(seeds=[1, 2], why="Does it reach 99 %?")
    runs = [Trained(case, 1, values(0.990)), Trained(case, 2, values(0.992))]
    verdicts = [
        verdict(metric="macro_f1", base=0.99, head=0.99, estimate=0.0, margin=0.002, mde=0.001),
        verdict(
            name="worse", base=0.995, head=0.991, n_base=10, n_head=2, estimate=-0.004, low=-0.006, high=-0.002, margin=0.002
        ),
    ]
    run_set = stored(tmp_path, make_suite(case), runs, verdicts)

    text = to_markdown(compose(read(run_set)))

    created = run_set.manifest.created_utc
    assert (
        text
        == f"""\
## demo

Shows what a report looks like.

**1 worse · 1 same**

**Worse.** 1 of 2 numbers that decide is worse or missing, most of all Accuracy of keras (−0.0040). `harness gate demo` ends \
with exit code 1: a metric gated at level hard is worse.

**What changed most, of 2 numbers with a margin**

| Case and metric | Verdict | Change | Margin |
|:--|:--|--:|--:|
| keras<br><sub>Accuracy</sub> | **worse**<br><sub>level hard</sub> | −0.0040<br><sub>−0.0060 to −0.0020</sub> | 0.0020 |

**What did not come out the same, gravest first**

| Case | Metric | Verdict | Level | Base | Head | Change | Margin | Detectable | Why |
|:--|:--|:--|:--|--:|--:|--:|--:|--:|:--|
| keras | Accuracy | **worse** | hard | 0.9950<br><sub>n = 10</sub> | 0.9910<br><sub>n = 2</sub> | \
−0.0040<br><sub>−0.0060 to −0.0020</sub> | 0.0020 | n/a | t prediction bound |

**Quality: mean over seeds with its 95 % t interval, beside what was published**

| Case | Data | Seeds ok | Accuracy | Published | Difference | Target | Macro F1 | Test loss |
|:--|:--|--:|--:|--:|--:|--:|--:|--:|
| keras<br><sub>a003_keras_cnn</sub> | mnist | 2/2 | 0.9910<br><sub>0.9783 to 1.0037</sub> | 0.9914 | \
−0.0004<br><sub>in the interval</sub> | – | 0.9900 | 0.0500 |

**Cost: speed, memory and size**

| Case | Training throughput | Step time, median | Host memory, peak | Training time | Parameters | Training FLOPs per sample |
|:--|--:|--:|--:|--:|--:|--:|
| keras<br><sub>a003_keras_cnn</sub> | 5.12 ksamples/s | 12.5 ms | 500 MiB | 3.50 s | 93,322 | 16.4 MFLOP/sample |

<details><summary>Environment</summary>

Every stored run succeeded: 2.

**Machine**

- cpu: Example CPU 2.5 GHz
- cpu count: 2
- gpu: none

**Versions**

- python: 3.11.4
- torch: 2.13.0+cpu

<details><summary>Numeric fingerprint, flags, settings and installed distributions</summary>

**Numeric fingerprint**

- precision: fp32
- torch: 2.13.0+cpu

**Flags**

- deterministic algorithms: false

</details>

**Reproduce**

- Commit: 0123456789abcdef0123456789abcdef01234567
- Everything: `harness bench demo`
- One case: `harness run demo -k CASE --fresh`
- One run: `harness reproduce RUN`: trains it again and compares losses, scores and digests; each run's is below

</details>

Run set: {run_set.name} · Started: {created} · Suite version: 1 · Runs: 2 of 2 ok, 8.40 s in all · Commit: 0123456789ab · \
Machine: Example CPU 2.5 GHz
"""
    )


def test_unjudged_report_counts_runs_first(tmp_path: Path) -> None:
    """Without verdicts the first line counts runs, and the next says what to do."""
    lines = [line for line in to_markdown(compose(read(usual(tmp_path)))).splitlines() if line]

    assert lines[2:4] == [
        "**5 runs ok · 1 run oom**",
        "**Not judged yet.** No verdict is stored: run `harness gate demo`.",
    ]


def test_reason_with_markup_is_text(tmp_path: Path) -> None:
    """A stored reason can neither end its cell nor become HTML."""
    text = to_markdown(compose(read(usual(tmp_path))))

    assert "| killed at 7.2 GiB &lt;script&gt;alert('x')&lt;/script&gt; \\| a_b |" in text


def test_passing_rows_are_left_out(tmp_path: Path) -> None:
    """Only what did not pass is listed; what passed is a count."""
    case = make_case(seeds=[1])
    run_set = stored(tmp_path, make_suite(case), [Trained(case, 1, values(0.9))], [verdict(metric="macro_f1")])

    text = to_markdown(compose(read(run_set)))

    assert "**1 same**" in text
    assert "| Case | Metric | Verdict" not in text


def test_plots_are_left_to_the_page(tmp_path: Path) -> None:
    """No image and no drawing; a plot whose numbers stand in a table already is left out."""
    text = to_markdown(compose(read(usual(tmp_path))))

    assert "<svg" not in text
    assert "of all cases" not in text


def test_plot_of_a_section_is_its_caption_and_its_numbers() -> None:
    """A plot in Markdown is what it shows and the table behind it."""
    table = Table((Column("Seed", "number"),), (Row((Cell("1"),)),))
    figure = Figure("Mine", "<svg></svg>", "One seed.", table, "Dot: a seed.")

    text = to_markdown(Document("t", "", (), (), (Chapter("mine", "Mine", (figure,), "shown"),)))

    assert text == "## t\n\n**Mine.** Dot: a seed.\n\n| Seed |\n|--:|\n| 1 |\n"


def test_drawn_columns_are_left_to_the_page() -> None:
    """A column of drawings has its numbers beside it, and Markdown has those alone."""
    columns = (Column("Case"), Column("Drawn", "plot"), Column("Mean", "number"))
    table = Table(columns, (Row((Cell("a"), Cell("", plot="<svg></svg>"), Cell("1"))),))

    text = to_markdown(Document("t", "", (), (), (Chapter("mine", "Mine", (table,), "shown"),)))

    assert text == "## t\n\n| Case | Mean |\n|:--|--:|\n| a | 1 |\n"


def test_same_tables_give_the_same_bytes(tmp_path: Path) -> None:
    """Two renderings of one run set are equal."""
    run_set = usual(tmp_path)

    assert to_markdown(compose(read(run_set))) == to_markdown(compose(read(run_set)))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a_b_c", "a_b_c"),
        ("_a_ __init__", "\\_a\\_ \\_\\_init\\_\\_"),
        ("a | b", "a \\| b"),
        ("![x](y) *z* `c`", "!\\[x\\](y) \\*z\\* \\`c\\`"),
        ("two\nlines", "two lines"),
        ("<b> & #1", "&lt;b&gt; &amp; \\#1"),
        ("back\\slash", "back\\\\slash"),
    ],
)
def test_escape_leaves_no_markup(text: str, expected: str) -> None:
    """Whatever Markdown or HTML would read is escaped; names with underscores stay readable."""
    assert escape(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [("run `a|b` now", "run `a\\|b` now"), ("one ` tick", "one \\` tick"), ("plain *x*", "plain \\*x\\*")],
)
def test_code_between_backticks(text: str, expected: str) -> None:
    """Code stays code; an odd backtick is itself."""
    assert code(text) == expected
