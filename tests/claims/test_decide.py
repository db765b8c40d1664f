"""Each kind of test with data planted on each side of its margin, and between; and how often it errs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from scipy import stats

from harness.claims import decide
from harness.suite import Question
from tests.claims.support import A, B, C, apart, question, samples, series, spread

Rows = Sequence[Sequence[float]]
LEVELS = [A, B, C]


def outcome(kind: str, rows: Rows, **fields: Any) -> str:
    """Return what a test of these series comes to."""
    return decide(question(kind, **fields), samples(*rows)).outcome


@pytest.mark.parametrize(
    ("mean", "sd", "expected"),
    [
        (0.10, 0.02, "supported"),
        (0.055, 0.02, "supported"),  # the interval holds the margin, and not 0
        (0.045, 0.02, "inconclusive"),  # smaller than the margin, though it might be as large
        (0.02, 0.02, "refuted"),  # there is an effect, too small to count
        (0.00, 0.02, "refuted"),
        (-0.10, 0.02, "refuted"),
        (0.06, 0.20, "inconclusive"),  # larger than the margin, but it might be nothing
        (0.02, 0.20, "inconclusive"),
    ],
)
def test_difference_on_each_side_of_its_margin(mean: float, sd: float, expected: str) -> None:
    """Supported needs the margin and an interval above 0; refuted an interval below the margin; swapping sides mirrors it."""
    value, against = apart(mean, sd)

    assert outcome("difference", (value, against), value=A, against=B, margin=0.05) == expected
    assert outcome("difference", (against, value), value=A, against=B, margin=0.05, better="lower") == expected


def test_a_difference_has_the_paired_interval_and_the_p_of_its_outcome() -> None:
    """Estimate and interval are those of scipy's paired t test; p is of the sign flips, or of a difference of the margin."""
    value, against = apart(0.10, 0.02)
    paired = stats.ttest_rel(value, against)

    found = decide(question("difference", value=A, against=B, margin=0.05), samples(value, against))
    missed = decide(question("difference", value=A, against=B, margin=0.15), samples(value, against))

    assert found.estimate == pytest.approx(0.10)
    assert (found.low, found.high) == pytest.approx(tuple(paired.confidence_interval(0.95)))
    assert found.p == 2 / 2**10  # all ten seeds agree
    assert missed.outcome == "refuted"
    assert missed.p == pytest.approx(stats.ttest_1samp(np.subtract(value, against), 0.15).pvalue)


@pytest.mark.parametrize(
    ("ratio", "expected"), [(1.30, "supported"), (1.00, "refuted"), (0.80, "refuted"), (1.09, "inconclusive")]
)
def test_a_relative_difference_is_one_of_ratios(ratio: float, expected: str) -> None:
    """A margin of .1 asks for a ratio of 1.1, whatever the scale; where less is better, of the other one to this."""
    against = [10 ** (seed / 5) for seed in range(10)]  # over two orders of magnitude
    value = [one * ratio * factor for one, factor in zip(against, np.exp(spread(0.0, 0.02)), strict=True)]
    fields = {"value": A, "against": B, "margin": 0.1, "relative": True}

    found = decide(question("difference", **fields), samples(value, against))

    assert found.outcome == expected
    assert found.estimate == pytest.approx(ratio - 1)
    assert outcome("difference", (against, value), better="lower", **fields) == expected


def test_a_ratio_of_what_is_not_positive_cannot_be_told() -> None:
    """There is no logarithm of 0."""
    found = decide(
        question("difference", value=A, against=B, margin=0.1, relative=True), samples([0.0, *[1.0] * 9], [1.0] * 10)
    )

    assert (found.outcome, found.reason, found.p) == ("inconclusive", "a ratio needs values above 0", None)


@pytest.mark.parametrize(("mean", "above"), [(1.2, "supported"), (0.8, "refuted"), (1.005, "inconclusive")])
def test_above_and_below_mirror_each_other(mean: float, above: str) -> None:
    """An interval wholly beyond the bound supports or refutes; one that holds it does neither."""
    values = [spread(mean, 0.1)]
    below = {"supported": "refuted", "refuted": "supported"}.get(above, above)

    assert outcome("above", values, value=A, bound=1.0) == above
    assert outcome("below", values, value=A, bound=1.0) == below


@pytest.mark.parametrize(
    ("mean", "sd", "expected"),
    [
        (0.000, 0.01, "supported"),
        (0.010, 0.01, "supported"),
        (-0.010, 0.01, "supported"),
        (0.018, 0.01, "inconclusive"),
        (0.022, 0.01, "inconclusive"),
        (0.040, 0.01, "refuted"),
        (-0.040, 0.01, "refuted"),
        (0.000, 0.10, "inconclusive"),  # no difference seen, and any of the margin's size might be there
    ],
)
def test_equivalent_on_each_side_of_its_margin(mean: float, sd: float, expected: str) -> None:
    """Two one-sided tests: a 90 % interval within the margin supports, a 95 % interval beyond it refutes."""
    value, against = apart(mean, sd)

    assert outcome("equivalent", (value, against), value=A, against=B, margin=0.02) == expected


def test_equivalence_is_decided_by_the_interval_of_90_per_cent() -> None:
    """A difference whose 90 % interval is within the margin and whose 95 % interval is not counts as equivalent."""
    value, against = apart(0.0, 0.03)
    d = np.subtract(value, against)
    narrow, wide = (stats.t.interval(level, 9, d.mean(), stats.sem(d))[1] for level in (0.90, 0.95))

    found = decide(question("equivalent", value=A, against=B, margin=(narrow + wide) / 2), samples(value, against))

    assert (found.outcome, found.confidence) == ("supported", 0.90)
    assert found.high == pytest.approx(narrow)


@pytest.mark.parametrize(
    ("means", "sd", "expected"),
    [
        ((0.70, 0.80, 0.90), 0.01, "supported"),
        ((0.70, 0.71, 0.72), 0.01, "refuted"),  # rises, by less than the margin
        ((0.90, 0.80, 0.70), 0.01, "refuted"),
        ((0.70, 0.90, 0.80), 0.01, "refuted"),  # the last level is worse than the one before
        ((0.70, 0.80, 0.84), 0.20, "inconclusive"),
    ],
)
def test_trend_on_each_side_of_its_margin(means: Sequence[float], sd: float, expected: str) -> None:
    """Upwards, from end to end by the margin, and not back again; downwards where less is better."""
    rows = [np.roll(spread(mean, sd), 3 * level).tolist() for level, mean in enumerate(means)]  # each in an order of its own
    down = [[-value for value in row] for row in rows]

    assert outcome("trend", rows, levels=LEVELS, margin=0.05) == expected
    assert outcome("trend", down, levels=LEVELS, margin=0.05, better="lower") == expected


def test_a_trend_needs_the_levels_between() -> None:
    """Ends that differ make no trend where what lies between them goes up and down."""
    ends = [spread(0.70, 0.01), spread(0.80, 0.01)]
    between = [spread(0.77, 0.12, 10)[::-1], spread(0.72, 0.12, 10), spread(0.70, 0.12, 10)[::-1], spread(0.65, 0.12, 10)]
    levels = [A, B, C, A, B, C]

    found = decide(question("trend", levels=levels, margin=0.05), samples(ends[0], *between, ends[1]))

    assert (found.outcome, found.reason) == ("inconclusive", "no trend over the levels between (Page's L)")


def test_a_trend_that_turns_back_names_the_level() -> None:
    """The reason says than which level the last is worse, and the p-value counts how many were tried."""
    rows = [spread(0.70, 0.01), spread(0.90, 0.01)[::-1], spread(0.80, 0.01)]

    found = decide(question("trend", levels=LEVELS, margin=0.05), samples(*rows))

    assert (found.outcome, found.reason, found.p) == ("refuted", "the last level is worse than level 2", 2 * 2 / 2**10)


@pytest.mark.parametrize(
    ("power", "limits", "expected"),
    [
        (1.0, {"above": 0.5}, "supported"),
        (0.2, {"above": 0.5}, "refuted"),
        (0.5, {"above": 0.5}, "inconclusive"),
        (0.2, {"below": 0.5}, "supported"),
        (1.0, {"below": 0.5}, "refuted"),
        (1.0, {"between": [0.8, 1.2]}, "supported"),
        (1.2, {"between": [0.8, 1.2]}, "inconclusive"),
        (1.5, {"between": [0.8, 1.2]}, "refuted"),
        (0.5, {"between": [0.8, 1.2]}, "refuted"),
    ],
)
def test_slope_finds_the_power_that_was_planted(power: float, limits: dict[str, Any], expected: str) -> None:
    """y = c · xᵖ has log-log slope p, whether x is given or is a metric of the same cases."""
    x, factors, noise = (1.0, 4.0, 16.0), spread(3.0, 0.5), spread(0.0, 0.05)
    rows = [[factor * place ** (power + wobble) for factor, wobble in zip(factors, noise, strict=True)] for place in x]
    fields = {"levels": LEVELS, **limits}

    found = decide(question("slope", x=x, **fields), samples(*rows))

    assert found.outcome == expected
    assert found.estimate == pytest.approx(power)
    measured = [[place] * 10 for place in x]
    assert outcome("slope", [*rows, *measured], x_metric="parameters", **fields) == expected


def test_a_slope_without_logarithms_is_a_line() -> None:
    """y = 3 − 2x has slope −2, where x may be 0 and y negative."""
    rows = [[3 - 2 * place + wobble for wobble in spread(0.0, 0.1)] for place in (0.0, 1.0, 2.0)]

    assert outcome("slope", rows, levels=LEVELS, x=(0, 1, 2), log=False, between=[-2.1, -1.9]) == "supported"
    assert (
        decide(question("slope", levels=LEVELS, x=(1, 2, 3), above=0), samples(*rows)).reason
        == "a logarithm needs values above 0"
    )


@pytest.mark.parametrize(
    ("published", "expected"), [(0.99, "supported"), (0.995, "supported"), (0.90, "refuted"), (1.0, "refuted")]
)
def test_published_is_held_to_the_spread_of_one_further_run(published: float, expected: str) -> None:
    """Not to the interval of the mean, which many seeds make as narrow as one likes."""
    values = spread(0.99, 0.003, 30)
    assert stats.t.interval(0.95, 29, 0.99, stats.sem(values))[1] < 0.995

    found = decide(question("published", value=A, published=published), samples(values))

    assert (found.outcome, found.by_p) == (expected, expected == "refuted")


@pytest.mark.parametrize(
    ("relation", "bound", "expected"),
    [
        (">=", 0.7, "supported"),
        (">", 0.7, "refuted"),
        ("<", 0.95, "supported"),
        ("<=", 0.8, "refuted"),
        ("==", 0.8, "refuted"),
        ("!=", 0.75, "supported"),
    ],
)
def test_one_counterexample_refutes_a_fact(relation: str, bound: float, expected: str) -> None:
    """A fact holds at every seed or not at all."""
    assert outcome("fact", [[0.7, 0.8, 0.9]], value=A, bound=bound, **{"is": relation}) == expected


def test_facts_pair_two_series_and_compare_texts() -> None:
    """Against another series seed by seed; digests are equal or not, and nothing else."""
    same: Question = question("fact", value=A, against=B, **{"is": "=="})

    assert decide(same, samples(["x", "y"], ["x", "y"], metric_class="exact")).outcome == "supported"
    assert decide(same, samples(["x", "y"], ["y", "x"])).reason == "not so at seed 1"
    assert decide(same, samples([1.0, 2.0], [1.0, 2.0], metric_class="exact")).outcome == "supported"
    assert decide(question("fact", value=A, against=B, **{"is": "<"}), samples(["x"], ["y"])).outcome == "inconclusive"
    assert decide(same, samples([1.0], ["x"])).outcome == "inconclusive"


def test_a_fact_of_chance_needs_seeds_and_every_seed_its_counterpart() -> None:
    """Two seeds of what is left to chance support nothing, nor do those of one side without the other; they may refute."""
    above: Question = question("fact", value=A, against=B, **{"is": ">"})

    assert decide(above, samples([0.9, 0.8], [0.1, 0.2])).reason == "2 seeds, where 3 are needed"
    assert decide(above, samples([0.9, 0.8, 0.7], [0.1, 0.2, 0.3])).outcome == "supported"
    assert decide(above, samples([0.9, 0.8, 0.7, 0.6], [0.1, 0.2, 0.3])).reason == "not every seed has its counterpart"
    assert decide(above, samples([0.9], [1.0])).outcome == "refuted"


@pytest.mark.parametrize(
    ("kind", "fields", "rows"),
    [
        ("difference", {"value": A, "against": B, "margin": 0.0}, [[650.0] * 3, [650.0] * 3]),
        ("above", {"value": A, "bound": 3.0}, [[3.0] * 3]),
        ("below", {"value": A, "bound": 3.0}, [[3.0] * 3]),
    ],
)
def test_equal_exact_values_refute_what_asks_for_more(kind: str, fields: dict[str, Any], rows: Rows) -> None:
    """Nothing is left to chance: as many parameters are not more, and 3 is not above 3."""
    assert decide(question(kind, **fields), samples(*rows, metric_class="exact")).outcome == "refuted"


def test_a_few_equal_values_of_chance_are_not_certain() -> None:
    """Three seeds at 1.0 lie on one side of a bound by chance once in four, six once in 32: the p-value is a sign test's."""
    few, more = (decide(question("above", value=A, bound=0.5), samples([1.0] * count)) for count in (3, 6))

    assert (few.p, more.p) == (1 / 4, 1 / 32)


def test_a_fact_is_not_supported_while_a_run_gave_no_value() -> None:
    """What is not known of one seed may be the counter-example; one that is known refutes all the same."""
    from harness.claims import Samples

    held = Samples((series([0.9, 0.8], lacking=("seed 3: failed",)),))

    assert decide(question("fact", value=A, bound=0.5, **{"is": ">"}), held).outcome == "inconclusive"
    assert decide(question("fact", value=A, bound=0.85, **{"is": ">"}), held).outcome == "refuted"
    assert decide(question("fact", value=A, bound=0.5, **{"is": ">"}), samples([])).reason == "no value"


PLAIN: dict[str, tuple[dict[str, Any], Rows]] = {
    "difference": ({"value": A, "against": B, "margin": 0.01}, [[0.9] * 12, [0.5] * 12]),
    "equivalent": ({"value": A, "against": B, "margin": 0.01}, [[0.9] * 12, [0.9] * 12]),
    "trend": ({"levels": LEVELS, "margin": 0.01}, [[0.1] * 12, [0.5] * 12, [0.9] * 12]),
    "above": ({"value": A, "bound": 0.5}, [[0.9] * 12]),
    "below": ({"value": A, "bound": 0.5}, [[0.1] * 12]),
    "slope": ({"levels": LEVELS, "x": (1, 2, 3), "above": 0.0}, [[0.1] * 12, [0.5] * 12, [0.9] * 12]),
    "published": ({"value": A, "published": 0.9}, [[0.9] * 12]),
}
"""Kind -> its fields, and what supports it as plainly as can be."""


@pytest.mark.parametrize("kind", PLAIN)
def test_too_few_seeds_are_inconclusive_never_supported(kind: str) -> None:
    """However plain the numbers: below six seeds a comparison or one further run's range, below three a mean tells nothing."""
    fields, rows = PLAIN[kind]
    asked = question(kind, **fields)

    found = {count: decide(asked, samples(*[row[:count] for row in rows])) for count in range(13)}

    least = 6 if kind in ("difference", "equivalent", "trend", "published") else 3
    assert {count: one.outcome for count, one in found.items()} == {
        count: "inconclusive" if count < least else "supported" for count in range(13)
    }
    assert {found[count].p for count in range(least)} == {None}
    assert f"where {least} are needed" in found[least - 1].reason


def test_only_seeds_that_all_series_have_count() -> None:
    """Ten seeds here and ten there that share four are four."""
    from harness.claims import Measured, Samples

    value = Measured({seed: (0.9,) for seed in range(1, 11)}, "1", "quality")
    against = Measured({seed: (0.5,) for seed in range(7, 17)}, "1", "quality")

    found = decide(question("difference", value=A, against=B, margin=0.1), Samples((value, against)))

    assert found.reason == "4 common seeds, where 6 are needed"


@pytest.mark.parametrize("kind", PLAIN)
def test_exact_metrics_need_one_seed_and_have_no_p(kind: str) -> None:
    """What is the same for every seed and on every machine leaves nothing to chance."""
    fields, rows = PLAIN[kind]

    found = decide(question(kind, **fields), samples(*[row[:1] for row in rows], metric_class="exact"))

    assert (found.outcome, found.p) == ("supported", None)


def test_exact_metrics_that_differ_between_seeds_are_left_to_chance_after_all() -> None:
    """One class of metric says nothing of a series whose seeds disagree."""
    found = decide(question("above", value=A, bound=0.0), samples([1.0, 2.0], metric_class="exact"))

    assert found.outcome == "inconclusive"


def test_without_an_effect_a_difference_is_seldom_supported() -> None:
    """Simulated: at a margin of 0 no more than one in forty (two-sided .05), within three standard errors; at .3 sd, fewer."""
    draw, rounds = np.random.default_rng(5), 2000
    at_zero = beyond = 0
    for _ in range(rounds):
        held = samples(*draw.normal(size=(2, 8)).tolist())
        at_zero += decide(question("difference", value=A, against=B, margin=0.0), held).outcome == "supported"
        beyond += decide(question("difference", value=A, against=B, margin=0.3), held).outcome == "supported"

    assert at_zero / rounds <= 0.025 + 3 * np.sqrt(0.025 * 0.975 / rounds)
    assert beyond <= at_zero


def test_an_effect_of_the_margin_is_seldom_refuted() -> None:
    """The other error, simulated: a true difference of exactly the margin is refuted at most one time in forty."""
    draw, rounds = np.random.default_rng(6), 2000
    asked = question("difference", value=A, against=B, margin=0.5)
    wrong = 0
    for _ in range(rounds):
        against, noise = draw.normal(size=(2, 8))
        wrong += decide(asked, samples((against + 0.5 + noise).tolist(), against.tolist())).outcome == "refuted"

    assert wrong / rounds <= 0.025 + 3 * np.sqrt(0.025 * 0.975 / rounds)
