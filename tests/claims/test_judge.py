"""Judging a suite's claims by real run sets: which measurements count, and what becomes of a claim."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from harness.claims import Ledger, judge_claims
from harness.claims._words import signed
from harness.digests import short_digest
from harness.errors import ComparisonError
from harness.suite import PartRef, Question, Suite
from tests.claims.support import A, B, apart, claim, question, spread, suite_of, trained
from tests.support import MACHINE, Trained, make_case, record

VALUE, AGAINST = apart(0.10, 0.02)
BETTER = question("difference", value=A, against=B, margin=0.05)
WORSE = question("difference", value=B, against=A, margin=0.05)
UNSURE = question("difference", value=A, against=B, margin=0.101)
FEW = question("above", value={"case": "c", "metric": "accuracy"}, bound=0.5)


def store(results: Path, suite: Suite) -> None:
    """Store a run set in which a is better than b by .10, and c was run twice."""
    a, b, c = suite.cases
    record(results, suite, [*trained(a, VALUE), *trained(b, AGAINST), *trained(c, [0.9, 0.91])])


def verdicts(ledger: Ledger) -> dict[str, str]:
    """Return what each claim came to."""
    return {one.id: one.verdict for one in ledger.claims}


def test_each_claim_gets_its_verdict_from_its_tests(tmp_path: Path) -> None:
    """All tests are needed unless any one is enough; one refuted test settles the first, one supported test the second."""
    suite = suite_of(
        claim("one", BETTER),
        claim("other", WORSE),
        claim("few", FEW),
        claim("all", BETTER, BETTER),
        claim("spoilt", BETTER, WORSE, FEW),
        claim("waits", BETTER, FEW),
        claim("any", WORSE, BETTER, need="any"),
        claim("none", WORSE, WORSE, need="any"),
        claim("perhaps", WORSE, FEW, need="any"),
        claim("never", untestable="Nobody can know."),
    )
    store(tmp_path, suite)

    ledger = judge_claims(tmp_path, suite)

    assert verdicts(ledger) == {
        "one": "supported",
        "other": "refuted",
        "few": "inconclusive",
        "all": "supported",
        "spoilt": "refuted",
        "waits": "inconclusive",
        "any": "supported",
        "none": "refuted",
        "perhaps": "inconclusive",
        "never": "untestable",
    }
    assert ledger.counts == {"supported": 3, "refuted": 3, "inconclusive": 3, "not run": 0, "untestable": 1}


def test_a_test_says_what_was_asked_and_found_in_words(tmp_path: Path) -> None:
    """Means, difference, interval, seeds and p stand in one line; the numbers behind it are those of scipy."""
    suite = suite_of(claim("C1", BETTER))
    store(tmp_path, suite)

    (test,) = judge_claims(tmp_path, suite).claims[0].tests

    paired = stats.ttest_rel(VALUE, AGAINST).confidence_interval(0.95)
    assert test.asked == "accuracy of a is higher than that of b by at least 0.0500"
    assert test.found == f"0.9000 against 0.8000: +0.1000 [+{paired.low:.4f}, +{paired.high:.4f}], 10 seeds, p 0.002"
    assert (test.low, test.high) == pytest.approx((paired.low, paired.high))
    assert (test.seeds, test.cases, test.unit, test.margin) == (10, ("a", "b"), "1", 0.05)
    assert test.means == pytest.approx((np.mean(VALUE), np.mean(AGAINST)))


def test_p_values_are_adjusted_within_a_block(tmp_path: Path) -> None:
    """What is significant alone is inconclusive among enough tests that are not; other blocks do not count."""
    weak = question("above", value=A, bound=float(np.mean(VALUE) - 2.6 * stats.sem(VALUE)))  # p is about .03
    unsure = [question("above", value=A, bound=float(np.mean(VALUE)) + place / 1e6) for place in range(5)]
    nothing = [claim(f"n{place}", one) for place, one in enumerate(unsure)]
    alone = suite_of(claim("C1", weak), *[one.model_copy(update={"block": "data"}) for one in nothing])
    among = suite_of(claim("C1", weak), *nothing)
    store(tmp_path, alone)

    before, after = (judge_claims(tmp_path, suite).claims[0] for suite in (alone, among))

    assert (before.verdict, before.tests[0].p_adjusted) == ("supported", before.tests[0].p)
    assert after.verdict == "inconclusive"
    p_values = [one.tests[0].p for one in judge_claims(tmp_path, among).claims]
    assert after.tests[0].p_adjusted == pytest.approx(stats.false_discovery_control(p_values)[0])
    assert after.tests[0].reason.endswith("among the 6 tests of its block")


def test_a_test_that_claims_share_counts_once(tmp_path: Path) -> None:
    """Five claims that rest on one measurement are no five chances of error; their words beside it do not matter."""
    weak = question("above", value=A, bound=float(np.mean(VALUE) - 2.6 * stats.sem(VALUE)))
    shared = [claim(f"n{place}", UNSURE.model_copy(update={"why": f"as claim {place} has it"})) for place in range(5)]
    suite = suite_of(claim("C1", weak), *shared)
    store(tmp_path, suite)

    first, *others = judge_claims(tmp_path, suite).claims

    expected = stats.false_discovery_control([first.tests[0].p, others[0].tests[0].p])
    assert first.tests[0].p_adjusted == pytest.approx(expected[0])
    assert [one.tests[0].p_adjusted for one in others] == pytest.approx([expected[1]] * 5)


def test_a_published_value_is_not_lost_by_a_large_p(tmp_path: Path) -> None:
    """It is refuted by a small p-value, and supported without one."""
    near = question("published", value=A, published=float(np.mean(VALUE)))
    suite = suite_of(claim("C1", near), claim("C2", question("published", value=A, published=0.5)))
    store(tmp_path, suite)

    assert verdicts(judge_claims(tmp_path, suite)) == {"C1": "supported", "C2": "refuted"}


def test_the_newest_measurements_of_the_present_definition_count(tmp_path: Path) -> None:
    """Per case: a later run set wins, be it of other cases only; one of another definition does not count."""
    suite = suite_of(claim("C1", BETTER), version=2)
    a, b, _ = suite.cases
    first = record(tmp_path, suite_of(claim("C1", WORSE)), [*trained(a, AGAINST), *trained(b, AGAINST)])
    second = record(tmp_path, suite, trained(a, VALUE))
    changed = a.model_copy(update={"model": PartRef(name="another")})
    record(tmp_path, suite_of(cases=[changed]), trained(changed, AGAINST))

    ledger = judge_claims(tmp_path, suite)

    assert verdicts(ledger) == {"C1": "supported"}
    assert {case: (source.run_set, source.suite_version) for case, source in ledger.sources.items()} == {
        "a": (second.name, 2),
        "b": (first.name, 1),
    }


def test_a_few_seeds_run_later_do_not_hide_all_of_them(tmp_path: Path) -> None:
    """The newest run set with the most seeds counts, and what is passed over is told; seeds that failed were run, too."""
    suite = suite_of(claim("C1", BETTER))
    a, b, _ = suite.cases
    whole = record(tmp_path, suite, [*trained(a, VALUE), *trained(b, AGAINST)])
    few = record(tmp_path, suite, trained(a, AGAINST[:3]))
    told: list[str] = []

    ledger = judge_claims(tmp_path, suite, told.append)

    assert (verdicts(ledger), ledger.sources["a"].run_set) == ({"C1": "supported"}, whole.name)
    assert told == [f"passed over: {few.name} has 3 seeds of a, fewer than the 10 of {whole.name}"]

    failing = record(tmp_path, suite, [*trained(a, VALUE[:4]), *(Trained(a, seed, status="diverged") for seed in range(5, 11))])
    told.clear()

    ledger = judge_claims(tmp_path, suite, told.append)

    assert (verdicts(ledger), ledger.sources["a"].run_set) == ({"C1": "inconclusive"}, failing.name)
    assert told == []


def test_the_newest_of_equally_many_seeds_count(tmp_path: Path) -> None:
    """Where no run set is whole, the one with the most seeds counts; of equal ones the newest."""
    suite = suite_of(claim("C1", question("above", value=A, bound=0.5)))
    a = suite.cases[0]
    record(tmp_path, suite, trained(a, [0.9] * 4))
    newer = record(tmp_path, suite, trained(a, [0.8] * 4))
    record(tmp_path, suite, trained(a, [0.1]))

    ledger = judge_claims(tmp_path, suite)

    assert ledger.sources["a"].run_set == newer.name
    assert ledger.claims[0].tests[0].means == pytest.approx((0.8,))


def test_blocks_of_ones_own_come_after_the_others(tmp_path: Path) -> None:
    """A suite may name blocks as it likes; they are shown in the order in which they come, and adjusted apart."""
    suite = suite_of(*[claim(name, BETTER, block=block) for name, block in zip("abc", ("speed", "cost", "taste"), strict=True)])
    store(tmp_path, suite)

    assert list(judge_claims(tmp_path, suite).by_block()) == ["cost", "speed", "taste"]


def test_the_ledger_says_what_it_was_judged_from(tmp_path: Path) -> None:
    """Run set, day, commit, code, versions and machine of each case, and the machine's fields."""
    suite = suite_of(claim("C1", BETTER))
    a, b, _ = suite.cases
    record(tmp_path, suite, [*trained(a, VALUE, columns={"code_digest": "c0de" * 16}), *trained(b, AGAINST)])

    ledger = judge_claims(tmp_path, suite)

    source = ledger.sources["a"]
    assert (source.recorded_on, source.commit, source.dirty) == ("2026-01-02", "0123456789ab", False)
    assert (source.code, ledger.sources["b"].code) == ("c0dec0dec0de", "")
    assert (source.versions, source.machine_class) == ("python 3.11 torch 2.13.0", short_digest(MACHINE))
    assert ledger.machines == {short_digest(MACHINE): MACHINE}
    assert "c" not in ledger.sources  # which no claim needs


def test_what_was_not_run_is_not_run(tmp_path: Path) -> None:
    """Without a run set, without the case, or with none but failed runs; a settled claim stays settled."""
    suite = suite_of(claim("C1", BETTER), claim("C2", FEW), claim("C3", WORSE, FEW))
    assert verdicts(judge_claims(tmp_path, suite)) == {"C1": "not run", "C2": "not run", "C3": "not run"}

    a, b, c = suite.cases
    lost = trained(c, [None] * 2, status="failed", reason="boom")
    record(tmp_path, suite, [*trained(a, VALUE), *trained(b, AGAINST), *lost])

    ledger = judge_claims(tmp_path, suite)

    assert verdicts(ledger) == {"C1": "supported", "C2": "not run", "C3": "refuted"}
    assert ledger.claims[1].tests[0].reason == "no run of c succeeded (seed 1: failed (boom); seed 2: failed (boom))"


def test_seeds_that_failed_are_told(tmp_path: Path) -> None:
    """A comparison of the seeds that are left says which are lacking, and why."""
    suite = suite_of(claim("C1", BETTER))
    a, b, _ = suite.cases
    runs = [*trained(a, VALUE[:8]), Trained(a, 9, status="diverged"), Trained(a, 10, {"accuracy": None}), *trained(b, AGAINST)]
    record(tmp_path, suite, runs)

    (test,) = judge_claims(tmp_path, suite).claims[0].tests

    assert (test.outcome, test.seeds) == ("supported", 8)
    assert test.reason == "seed 9: diverged; seed 10: the run used no GPU"


def test_a_metric_that_no_run_gave_is_inconclusive(tmp_path: Path) -> None:
    """The case was run; that it tells nothing of the claim is said, and how."""
    suite = suite_of(claim("C1", question("above", value={"case": "a", "metric": "gpu_utilization"}, bound=1)))
    record(tmp_path, suite, trained(suite.cases[0], [None] * 3, metric="gpu_utilization"))

    (test,) = judge_claims(tmp_path, suite).claims[0].tests

    assert test.outcome == "inconclusive"
    assert test.reason.startswith("no common seeds, where 3 are needed; seed 1: the run used no GPU")


def test_times_of_two_machines_are_not_compared(tmp_path: Path) -> None:
    """A ratio of times across machines tells of the machines; quality travels."""
    series = [{"case": name, "metric": "train_time"} for name in "ab"]
    suite = suite_of(claim("C1", question("difference", value=series[0], against=series[1], margin=0.05)), claim("C2", BETTER))
    a, b, _ = suite.cases
    elsewhere = {"machine": {"cpu": "Another CPU"}}
    times = [*trained(a, VALUE, "train_time"), *trained(b, AGAINST, "train_time", **elsewhere)]
    record(tmp_path, suite, [*times])
    assert verdicts(judge_claims(tmp_path, suite))["C1"] == "inconclusive"

    record(tmp_path, suite, [*trained(a, VALUE), *trained(b, AGAINST, **elsewhere)])
    assert verdicts(judge_claims(tmp_path, suite))["C2"] == "supported"


def test_repeats_of_a_seed_are_one_piece_of_evidence(tmp_path: Path) -> None:
    """Three seeds that ran four times each are three, not twelve."""
    suite = suite_of(claim("C1", BETTER))
    a, b, _ = suite.cases
    runs = [
        Trained(case, seed, {"accuracy": value}, repeat=repeat)
        for case, value in ((a, 0.9), (b, 0.5))
        for seed in (1, 2, 3)
        for repeat in (1, 2, 3, 4)
    ]
    record(tmp_path, suite, runs)

    assert judge_claims(tmp_path, suite).claims[0].tests[0].reason == "3 common seeds, where 6 are needed"


def test_a_damaged_run_set_is_told_and_left_out(tmp_path: Path) -> None:
    """One cut-off file does not cost the ledger; what is older counts in its place."""
    suite = suite_of(claim("C1", BETTER))
    store(tmp_path, suite)
    damaged = record(tmp_path, suite, trained(suite.cases[0], AGAINST))
    (damaged.path / "measurements.parquet").write_bytes(b"PAR1")
    told: list[str] = []

    assert verdicts(judge_claims(tmp_path, suite, told.append)) == {"C1": "supported"}
    (line,) = told
    assert line.startswith(f"left out: {damaged.path}")


def test_a_suite_that_claims_nothing_has_nothing_to_judge(tmp_path: Path) -> None:
    """An empty ledger would look like one without a refuted claim."""
    with pytest.raises(ComparisonError, match="claims nothing"):
        judge_claims(tmp_path, suite_of())


@pytest.mark.parametrize(
    ("value", "unit", "expected"),
    [
        (-0.25, "1", "−0.2500"),
        (0.25, "1", "+0.2500"),
        (1.5e-6, "1", "+1.50e-06"),
        (-1.5e-6, "1", "−1.50e-06"),
        (-2e-3, "s", "−2.00 ms"),
    ],
)
def test_a_minus_is_a_minus_and_an_exponents_hyphen_stays(value: float, unit: str, expected: str) -> None:
    """Numbers below zero look alike wherever they stand in a sentence."""
    assert signed(value, unit) == expected


def ends(values: Sequence[float], confidence: float = 0.95, sign: str = "+", digits: str = ".4f") -> str:
    """Return scipy's interval of a mean as the ledger writes it."""
    low, high = stats.t.interval(confidence, len(values) - 1, np.mean(values), stats.sem(values))
    return f"[{low:{sign}{digits}}, {high:{sign}{digits}}]".replace("-", "−")


GAIN = np.subtract(VALUE, AGAINST)
LOG_RATIO = np.log(VALUE) - np.log(AGAINST)
RATIO = np.exp([LOG_RATIO.mean(), *stats.t.interval(0.95, 9, LOG_RATIO.mean(), stats.sem(LOG_RATIO))])


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (
            question("difference", value=A, against=B, margin=0.1, relative=True),
            "accuracy of a is higher than that of b by at least 10 %: 0.9000 against 0.8000: "
            "a ratio of {:.3g} in favour [{:.3g}, {:.3g}], 10 seeds, p 0.002".format(*RATIO),
        ),
        (
            question("difference", value=B, against=A, margin=0, better="lower"),
            f"accuracy of b is lower than that of a: 0.8000 against 0.9000: −0.1000 {ends(-GAIN)}, 10 seeds, p 0.002",
        ),
        (
            question("above", value=A, bound=0.5),
            f"accuracy of a is above 0.5000: 0.9000 {ends(VALUE, sign='')} against the bound 0.5000, 10 seeds, p < 0.001",
        ),
        (
            question("equivalent", value=A, against=B, margin=0.5),
            "accuracy of a differs from that of b by less than 0.5000: "
            f"0.9000 against 0.8000: +0.1000 {ends(GAIN, 0.90)}, 10 seeds, p < 0.001",
        ),
        (
            question("fact", value=A, bound=0.5, **{"is": ">"}),
            f"accuracy of a > 0.5000, at every seed: {min(VALUE):.4f} to {max(VALUE):.4f} > 0.5000, 10 seeds",
        ),
    ],
    ids=lambda value: getattr(value, "kind", ""),
)
def test_words_of_each_kind(tmp_path: Path, asked: Question, words: str) -> None:
    """A person reads what was asked and what was found without knowing the test."""
    suite = suite_of(claim("C1", asked))
    store(tmp_path, suite)

    (test,) = judge_claims(tmp_path, suite).claims[0].tests

    assert f"{test.asked}: {test.found}" == words


def test_words_of_what_spans_levels(tmp_path: Path) -> None:
    """A trend shows its levels in a row, a slope its power; many levels are cut in the middle."""
    cases = [make_case(f"w{width}", seeds=range(1, 11)) for width in (1, 2, 4, 8, 16, 32, 64)]
    levels = [{"case": case.name, "metric": "accuracy"} for case in cases]
    trend = question("trend", levels=levels, margin=0.05)
    slope = question("slope", levels=levels, x=(1, 2, 4, 8, 16, 32, 64), above=0)
    suite = suite_of(claim("C1", trend, slope), cases=cases)
    record(
        tmp_path,
        suite,
        [run for at, case in enumerate(cases) for run in trained(case, spread(0.5 + 0.05 * at, 0.01)[:: 1 - 2 * (at % 2)])],
    )

    rising, power = judge_claims(tmp_path, suite).claims[0].tests

    assert rising.asked == "accuracy gets higher over 7 levels from w1 to w64, by at least 0.0500"
    assert rising.found.startswith("0.5000 → 0.5500 → 0.6000 → … → 0.7500 → 0.8000: +0.3000 [")
    assert power.asked == "the log-log slope of accuracy over 1, 2, 4, 8, 16, 32, 64, from w1 to w64, is above 0"
    assert "slope 0.11" in power.found


@pytest.mark.slow
def test_a_block_without_any_effect_seldom_supports_a_claim(tmp_path: Path) -> None:
    """Simulated: of blocks of six claims that are all void, at most one in forty supports any, within three errors."""
    draw, rounds = np.random.default_rng(8), 150
    pairs = [(f"v{place}", f"w{place}") for place in range(6)]
    cases = {name: make_case(name, seeds=range(1, 9)) for pair in pairs for name in pair}
    tests = [
        question("difference", value={"case": one, "metric": "accuracy"}, against={"case": two, "metric": "accuracy"}, margin=0)
        for one, two in pairs
    ]
    suite = suite_of(*[claim(f"C{place}", test) for place, test in enumerate(tests)], cases=cases.values())
    wrong = 0
    for place in range(rounds):
        results = tmp_path / str(place)
        record(results, suite, [run for case in suite.cases for run in trained(case, draw.normal(size=8).tolist())])
        wrong += "supported" in verdicts(judge_claims(results, suite)).values()

    assert wrong / rounds <= 0.025 + 3 * np.sqrt(0.025 * 0.975 / rounds)
