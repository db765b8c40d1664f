"""Quality and machine metrics: significant and beyond the margin, or shown to be within it, or inconclusive."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy import stats as oracle

from harness.observations import MetricClass
from harness.results import Side
from harness.stats import detectable_effect
from harness.suite import Case, Gate
from harness.verdicts import Verdict, judge
from harness.verdicts._sampled import POWER
from tests.support import make_case, make_series, make_side, make_suite

BASE = [0.901, 0.899, 0.903, 0.897, 0.900, 0.902, 0.898, 0.904, 0.896, 0.900]
TIMES = [0.0100, 0.0101, 0.0099, 0.0102, 0.0098, 0.0100, 0.0101, 0.0099, 0.0100, 0.0100]


def by_seed(values: Sequence[Any]) -> dict[int, Any]:
    """Return values as those of seeds 1, 2, …"""
    return dict(enumerate(values, start=1))


def one(metric: str, gate: Gate, head: Sequence[Any], base: Sequence[Any], **changed: Any) -> Verdict:
    """Return the verdict on one metric."""
    case = make_case(gates={metric: gate}, seeds=tuple(by_seed(head)))
    new = make_side(case, make_series(metric, by_seed(head), **changed))
    old = make_side(case, make_series(metric, by_seed(base), **changed))
    [verdict] = judge(make_suite(case), {case.name: new}, {case.name: old})
    return verdict


def pooled(base: list[float], head: list[float]) -> float:
    """The spread of a base, or of base and head about their own means where that is larger."""
    apart = np.concatenate([np.array(side) - np.mean(side) for side in (base, head)])
    together = math.sqrt(float(np.sum(apart**2)) / (len(apart) - 2)) if len(head) > 1 else 0.0
    return max(float(np.std(base, ddof=1)), together)


def test_a_clear_drop_is_worse_and_its_numbers_are_right() -> None:
    """A drop that is significant and beyond the margin is worse; p and interval are those of scipy."""
    head = [0.86, 0.87, 0.865]

    verdict = one("accuracy", Gate(margin=0.01), head, BASE)

    error = float(np.std(BASE, ddof=1)) * math.sqrt(1 / 3 + 1 / 10)
    spread = pooled(BASE, head)
    change = float(np.mean(head) - np.mean(BASE))
    assert (verdict.verdict, verdict.method, verdict.n_base, verdict.n_head) == ("worse", "t prediction bound", 10, 3)
    assert verdict.estimate == pytest.approx(change)
    assert (verdict.low, verdict.high) == pytest.approx(oracle.t.interval(0.95, 9, change, spread * math.sqrt(1 / 3 + 1 / 10)))
    assert verdict.p == pytest.approx(oracle.t.cdf(change / error, 9))
    assert verdict.p_adjusted == verdict.p
    assert verdict.mde == pytest.approx(detectable_effect(spread, 10, 3, 0.01, 0.01, POWER))


def test_an_unchanged_metric_is_the_same() -> None:
    """With a margin wide enough for the spread, no change is shown to be none."""
    verdict = one("accuracy", Gate(margin=0.02), BASE[:3], BASE)

    assert (verdict.verdict, verdict.note) == ("same", "")


def test_a_significant_drop_within_the_margin_is_the_same() -> None:
    """Materiality counts: what the margin allows is no regression, however sure it is."""
    verdict = one("accuracy", Gate(margin=0.05), [0.890] * 5, BASE)

    assert verdict.p_adjusted is not None
    assert verdict.p_adjusted < 0.01
    assert verdict.verdict == "same"


def test_a_drop_beyond_the_margin_that_is_not_significant_is_inconclusive() -> None:
    """Significance counts: a noisy drop is neither worse nor the same."""
    noisy = [0.80, 0.95, 0.90, 0.85]

    verdict = one("accuracy", Gate(margin=0.01), [0.84], noisy)

    assert verdict.verdict == "inconclusive"
    assert verdict.note == "beyond the margin, but not significant; the margin is below the minimum detectable effect"


def test_a_margin_below_the_detectable_effect_is_said() -> None:
    """Where the data could not have found a drop of the margin's size, the note says so."""
    verdict = one("accuracy", Gate(margin=0.001), BASE[:3], BASE)

    assert verdict.verdict == "inconclusive"
    assert verdict.note.endswith("the margin is below the minimum detectable effect")
    assert verdict.mde is not None
    assert verdict.mde > 0.001


def test_an_improvement_beyond_the_margin_is_better() -> None:
    """The mirror image of worse: the baseline is stale."""
    verdict = one("accuracy", Gate(margin=0.01), [0.93, 0.94], BASE)

    assert verdict.verdict == "better"
    assert verdict.p is not None
    assert verdict.p < 0.01


def test_where_lower_is_better_a_rise_is_worse() -> None:
    """Direction is read from the metric: loss and accuracy are judged as mirror images."""
    up = one("test_loss", Gate(margin=0.01), [0.94, 0.95], BASE)
    down = one("test_loss", Gate(margin=0.01), [0.86, 0.87], BASE)

    assert (up.verdict, down.verdict) == ("worse", "better")
    assert up.estimate is not None
    assert up.estimate > 0


def test_a_constant_history_decides_by_any_difference() -> None:
    """With no spread in the base the gate is not switched off: any difference of the margin's size counts."""
    constant = [0.9] * 8
    gate = Gate(margin=0.01)

    verdicts = [one("accuracy", gate, [value], constant) for value in (0.9, 0.895, 0.85, 0.95)]

    assert [verdict.verdict for verdict in verdicts] == ["same", "same", "worse", "better"]
    assert [verdict.p for verdict in verdicts] == [1.0, 0.0, 0.0, 0.0]
    assert [verdict.mde for verdict in verdicts] == [0.01] * 4


def test_a_constant_history_without_a_margin_decides_by_any_difference() -> None:
    """With neither spread nor margin the metric is exact: equal is the same, all else is worse or better."""
    verdicts = [one("accuracy", Gate(margin=0.0), [value], [0.1] * 3) for value in (0.1, 0.1 - 1e-12, 0.1 + 1e-12)]

    assert [verdict.verdict for verdict in verdicts] == ["same", "worse", "better"]


@pytest.mark.parametrize("seeds", [1, 2])
def test_too_few_seeds_in_the_base_are_inconclusive(seeds: int) -> None:
    """One or two old values say nothing about the spread."""
    verdict = one("accuracy", Gate(margin=0.01), [0.5, 0.5], BASE[:seeds])

    assert verdict.verdict == "inconclusive"
    assert verdict.note == f"the base holds {seeds} seed{'s' if seeds > 1 else ''}, the test needs 3"


@pytest.mark.parametrize("count", [1, 2, 10, 25])
def test_unequal_numbers_of_seeds_are_judged(count: int) -> None:
    """Head and base need not hold equally many seeds; more of them make a drop surer, never less sure."""
    verdict = one("accuracy", Gate(margin=0.01), [0.85] * count, BASE)

    assert (verdict.verdict, verdict.n_head, verdict.n_base) == ("worse", count, 10)


def test_repeats_of_a_seed_count_once() -> None:
    """A seed that ran four times is one piece of evidence about the spread over seeds."""
    case = make_case(gates={"accuracy": Gate(margin=0.01)}, repeats=4)
    side = make_side(case, make_series("accuracy", {seed: [0.9 + seed / 1000] * 4 for seed in (1, 2, 3)}))

    [verdict] = judge(make_suite(case), {"lenet": side}, {"lenet": side})

    assert (verdict.n_base, verdict.n_head) == (3, 3)


def test_a_seed_that_does_not_converge_is_worse() -> None:
    """One seed of three at chance level pulls the mean far below the bound."""
    verdict = one("accuracy", Gate(margin=0.01), [0.90, 0.10, 0.90], BASE)

    assert verdict.verdict == "worse"


def test_a_seed_that_did_not_converge_in_the_base_blinds_nobody_silently() -> None:
    """A base with such a seed has so wide a spread that nothing is the same; the detectable effect shows it."""
    verdict = one("accuracy", Gate(margin=0.01), [0.90, 0.90, 0.90], [*BASE[:9], 0.10])

    assert verdict.verdict == "inconclusive"
    assert verdict.mde is not None
    assert verdict.mde > 0.5


def test_a_seed_that_misses_its_target_is_inconclusive() -> None:
    """One miss in three may be chance; the mean over the others is not taken for the answer."""
    verdict = one(
        "steps_to_target", Gate(margin=10.0), [100, "null: not_reached", 110], [100, 105, 110, 100, 95, 100, 100, 100]
    )

    assert (verdict.verdict, verdict.method) == ("inconclusive", "Fisher exact")
    assert verdict.note == "target not reached by 1 of 3 seeds (2), on the base by 0 of 8"
    assert verdict.p == pytest.approx(oracle.fisher_exact([[1, 2], [0, 8]], "greater").pvalue)


def test_targets_that_all_seeds_miss_are_worse() -> None:
    """Three misses in three where the base had none in eight are no chance."""
    verdict = one("steps_to_target", Gate(margin=10.0), ["null: not_reached"] * 3, [100, 105, 110, 100, 95, 100, 100, 100])

    assert (verdict.verdict, verdict.method) == ("worse", "Fisher exact")


@pytest.mark.parametrize("metric_class", ["quality", "machine"])
def test_the_hard_metrics_of_a_class_share_an_error_rate(metric_class: MetricClass) -> None:
    """Holm over the hard metrics: what is significant alone need not be among ten, and warnings are apart."""
    hard = {f"m{number}": Gate(margin=0.0001) for number in range(9)}
    case = make_case(gates={"accuracy": Gate(margin=0.0001), **hard, "warned": Gate(level="warn", margin=0.0001)}, seeds=(1, 2))
    drop = float(oracle.t.ppf(0.995, 9)) * float(np.std(BASE, ddof=1)) * math.sqrt(1 / 2 + 1 / 10)
    names = {"accuracy": drop, "warned": drop} | dict.fromkeys(hard, 0.0)

    def side(shift: bool) -> Side:
        values = {name: [float(np.mean(BASE)) - lost] * 2 if shift else BASE for name, lost in names.items()}
        usual = {name: make_series("accuracy", by_seed(found)) for name, found in values.items()}
        return make_side(case, *(replace(series, metric=name, metric_class=metric_class) for name, series in usual.items()))

    verdicts = {verdict.metric: verdict for verdict in judge(make_suite(case), {"lenet": side(True)}, {"lenet": side(False)})}

    hard_p, warned_p = verdicts["accuracy"], verdicts["warned"]
    assert hard_p.p is not None
    assert hard_p.p == pytest.approx(0.005, rel=0.05)
    assert hard_p.p_adjusted == pytest.approx(10 * hard_p.p)
    assert (hard_p.verdict, warned_p.verdict) == ("inconclusive", "worse")
    assert warned_p.p_adjusted == warned_p.p
    assert hard_p.mde is not None
    assert warned_p.mde is not None
    assert hard_p.mde > warned_p.mde


@pytest.mark.parametrize("base", [BASE, [], BASE[:2]])
def test_a_mean_below_the_floor_is_worse_whatever_the_base(base: list[float]) -> None:
    """The floor holds for a case that is the same as ever, for a new one, and for one with too small a base."""
    case = make_case(gates={"accuracy": Gate(margin=0.5, floor=0.95)}, seeds=tuple(by_seed(BASE)))
    head = make_side(case, make_series("accuracy", by_seed(BASE)))
    old = {"lenet": make_side(case, make_series("accuracy", by_seed(base)))} if base else {}

    [verdict] = judge(make_suite(case), {"lenet": head}, old)

    assert (verdict.verdict, verdict.method) == ("worse", "floor")
    assert verdict.note.startswith("the mean 0.9 is worse than the floor 0.95")


def test_a_floor_is_a_ceiling_where_lower_is_better() -> None:
    """A loss above its floor is worse, one below it is judged as ever."""
    above = one("test_loss", Gate(margin=0.5, floor=0.8), BASE, BASE)
    below = one("test_loss", Gate(margin=0.5, floor=0.95), BASE, BASE)

    assert (above.verdict, below.verdict) == ("worse", "same")


def test_machine_metrics_are_judged_by_ratio() -> None:
    """Estimate and interval of a time are relative, base and head geometric means; p is that of the logarithms."""
    head = [0.0120, 0.0121, 0.0119]

    verdict = one("step_time_median", Gate(margin=0.1), head, TIMES)

    old, new = np.log(TIMES), np.log(head)
    error = old.std(ddof=1) * math.sqrt(1 / 3 + 1 / 10)
    assert verdict.verdict == "worse"
    assert (verdict.base, verdict.head) == pytest.approx((oracle.gmean(TIMES), oracle.gmean(head)))
    assert verdict.estimate == pytest.approx(oracle.gmean(head) / oracle.gmean(TIMES) - 1)
    assert (verdict.low, verdict.high) == pytest.approx(np.expm1(oracle.t.interval(0.95, 9, new.mean() - old.mean(), error)))
    assert verdict.p == pytest.approx(oracle.t.sf((new.mean() - old.mean()) / error, 9))


@pytest.mark.parametrize(
    ("metric", "factor", "expected"),
    [
        ("step_time_median", 1.099, "same"),
        ("step_time_median", 1.101, "worse"),
        ("step_time_median", 0.90, "better"),
        ("train_throughput", 0.901, "same"),
        ("train_throughput", 0.899, "worse"),
        ("train_throughput", 1.12, "better"),
    ],
)
def test_a_relative_margin_is_a_share_of_the_base(metric: str, factor: float, expected: str) -> None:
    """Ten per cent is ×1.1 in time and ×0.9 in throughput."""
    assert one(metric, Gate(margin=0.1), [factor * 0.01], [0.01] * 5).verdict == expected


def test_machine_repeats_are_samples() -> None:
    """Each fresh process is a unit of replication, whatever its seed."""
    case = make_case(gates={"step_time_median": Gate(margin=0.1)}, seeds=(1,), repeats=4)
    side = make_side(case, make_series("step_time_median", {1: [0.010, 0.011, 0.010, 0.012]}))

    [verdict] = judge(make_suite(case), {"lenet": side}, {"lenet": side})

    assert (verdict.n_base, verdict.n_head) == (4, 4)


@pytest.mark.parametrize(
    ("head", "expected", "change"),
    [([0.0, 0.0], "same", None), ([4096.0, 4096.0], "worse", None)],
)
def test_a_zero_baseline_is_judged_without_a_ratio(head: list[float], expected: str, change: float | None) -> None:
    """Against zero no relative change can be said, yet any rise is found."""
    verdict = one("cuda_peak_allocated", Gate(margin=0.05), head, [0.0, 0.0, 0.0])

    assert (verdict.verdict, verdict.estimate, verdict.base) == (expected, change, 0.0)


def test_a_base_with_some_zeros_is_judged_relative_to_its_mean() -> None:
    """Where logarithms cannot be taken, the change is a share of the base's mean."""
    verdict = one("cuda_peak_allocated", Gate(margin=0.05), [3000.0], [0.0, 1000.0, 2000.0, 1000.0])

    assert verdict.estimate == pytest.approx(2.0)
    assert verdict.base == 1000.0


def test_a_metric_without_a_direction_is_reported_only() -> None:
    """Utilisation is neither better high nor low: it is shown at level info and never judged."""
    verdict = one("gpu_utilization", Gate(margin=0.1), [10.0], [90.0, 91.0, 92.0])

    assert (verdict.verdict, verdict.level) == ("incomparable", "info")


@pytest.mark.parametrize(
    ("metric", "worse", "expected"),
    [("accuracy", 0.5, "void"), ("parameters", 7, "void"), ("step_time_median", 0.02, "better")],
)
def test_a_speed_verdict_is_void_where_results_are_worse(metric: str, worse: float, expected: str) -> None:
    """A faster wrong answer is no gain; a slower step alone does not void the throughput."""
    gates = {"accuracy": Gate(margin=0.05), "parameters": Gate(), "step_time_median": Gate(margin=0.1)}
    case = make_case(gates={**gates, "train_throughput": Gate(margin=0.1)})
    usual = {"accuracy": 0.9, "parameters": 5, "step_time_median": 0.01, "train_throughput": 100.0}

    def side(values: dict[str, float]) -> Side:
        return make_side(case, *(make_series(name, by_seed([value] * 3)) for name, value in values.items()))

    verdicts = judge(
        make_suite(case), {"lenet": side(usual | {metric: worse, "train_throughput": 200.0})}, {"lenet": side(usual)}
    )

    by_metric = {verdict.metric: verdict for verdict in verdicts}
    assert by_metric[metric].verdict == "worse"
    assert by_metric["train_throughput"].verdict == expected


def test_a_warning_voids_nothing() -> None:
    """Only hard gates void the speed verdict."""
    case = make_case(gates={"accuracy": Gate(level="warn", margin=0.05), "train_throughput": Gate(margin=0.1)})
    base = make_side(case, make_series("accuracy", by_seed([0.9] * 3)), make_series("train_throughput", by_seed([100.0] * 3)))
    head = make_side(case, make_series("accuracy", by_seed([0.5] * 3)), make_series("train_throughput", by_seed([100.0] * 3)))

    verdicts = judge(make_suite(case), {"lenet": head}, {"lenet": base})

    assert [(verdict.verdict, verdict.level) for verdict in verdicts] == [("worse", "warn"), ("same", "hard")]


def _simulate(trials: int, shift: float, gates: Sequence[str], seed: int) -> list[list[Verdict]]:
    """Judge normal samples of standard deviation 1, 8 old seeds against 3 new ones lower by `shift` in the first metric."""
    rng = np.random.default_rng(seed)
    case: Case = make_case(gates={name: Gate(margin=0.5) for name in gates})
    suite, found = make_suite(case), []
    for _ in range(trials):
        old = make_side(case, *(make_series(name, by_seed([float(x) for x in rng.normal(10, 1, 8)])) for name in gates))
        means = [10 - shift, *[10.0] * (len(gates) - 1)]
        new = make_side(
            case,
            *(
                make_series(name, by_seed([float(x) for x in rng.normal(mean, 1, 3)]))
                for name, mean in zip(gates, means, strict=True)
            ),
        )
        found.append(judge(suite, {"lenet": new}, {"lenet": old}))
    return found


def test_without_a_change_at_most_one_comparison_in_a_hundred_is_worse() -> None:
    """A/A: over three hard metrics together, false alarms stay within the family's 1 %, up to chance."""
    trials = 400

    alarms = sum(
        any(verdict.verdict == "worse" for verdict in verdicts)
        for verdicts in _simulate(trials, 0.0, ("accuracy", "macro_f1", "test_loss"), seed=7)
    )

    assert alarms <= oracle.binom.ppf(0.999, trials, 0.01)


def test_a_drop_of_the_detectable_effect_is_found_nine_times_in_ten() -> None:
    """With a true drop of the minimum detectable effect, at least 90 % of comparisons are worse, up to chance."""
    trials = 300
    effect = detectable_effect(1.0, 8, 3, 0.01, margin=0.5)

    found = sum(verdicts[0].verdict == "worse" for verdicts in _simulate(trials, effect, ("accuracy",), seed=8))

    assert found >= oracle.binom.ppf(0.001, trials, 0.9)


def _until_decided(base: list[float], head: list[float], margin: float) -> tuple[str, int]:
    """Judge three seeds, then five, then seven, until decided; return the verdict and the look."""
    case = make_case(gates={"accuracy": Gate(margin=margin)}, more_seeds=4)
    while True:
        old, new = (make_series("accuracy", by_seed(values)) for values in (base, head[: len(case.seeds)]))
        [verdict] = judge(make_suite(case), {"lenet": make_side(case, new)}, {"lenet": make_side(case, old)})
        later = case.at_next_look()
        if verdict.verdict != "inconclusive" or later == case:
            return verdict.verdict, case.look
        case = later


def _rule(base: list[float], head: list[float], margin: float, shares: int) -> tuple[str, int]:
    """Return what the rule says by scipy, with each error divided among so many looks."""
    for look, count in enumerate((3, 5, 7), start=1):
        change = float(np.mean(head[:count]) - np.mean(base))
        error = float(np.std(base, ddof=1)) * math.sqrt(1 / count + 1 / len(base))
        for word, toward in (("worse", -change), ("better", change)):
            if oracle.t.sf(toward / error, len(base) - 1) * shares < 0.01 and toward >= margin:
                return word, look
        reach = pooled(base, head[:count]) * math.sqrt(1 / count + 1 / len(base))
        if change + oracle.t.ppf(0.05 / shares, len(base) - 1) * reach > -margin:
            return "same", look
    return "inconclusive", 3


@pytest.mark.slow
def test_looking_again_does_not_raise_the_error() -> None:
    """A/A with three looks and hardly a margin: at most 1 % are worse, where the same looks at full error call more so.

    Each of our verdicts, and the look that made it, is that of the rule evaluated with scipy.
    """
    rng, trials, margin = np.random.default_rng(11), 4000, 1e-6
    ours, careless = [], []
    for _ in range(trials):
        base, head = ([float(x) for x in rng.normal(10, 1, count)] for count in (8, 7))
        ours.append(_until_decided(base, head, margin))
        careless.append(_rule(base, head, margin, shares=1))
        assert ours[-1] == _rule(base, head, margin, shares=3)

    alarms, others = (sum(word == "worse" for word, _ in found) for found in (ours, careless))
    assert alarms <= 0.01 * trials
    assert others > 0.01 * trials


@pytest.mark.slow
def test_looking_again_does_not_let_a_loss_of_the_margins_size_pass() -> None:
    """A true drop of exactly the margin is called the same in at most 5 % of comparisons, over all three looks."""
    rng, trials = np.random.default_rng(12), 4000
    drawn = ([float(x) for x in rng.normal(mean, 1, count)] for _ in range(trials) for mean, count in ((10, 8), (8.5, 7)))
    pairs = zip(drawn, drawn, strict=True)

    passed = sum(_until_decided(base, head, 1.5)[0] == "same" for base, head in pairs)

    assert passed <= oracle.binom.ppf(0.999, trials, 0.05)


def test_equal_input_gives_equal_verdicts_in_the_suites_order() -> None:
    """Rows come by case as the suite has them, then exact, quality, machine, then metric; twice the same."""
    gates = {
        "step_time_median": Gate(margin=0.1),
        "macro_f1": Gate(margin=0.1),
        "accuracy": Gate(margin=0.1),
        "parameters": Gate(),
    }
    cases = [make_case(name, gates) for name in ("zeta", "alpha")]
    sides = {
        case.name: make_side(case, *(make_series(name, by_seed([0.9, 0.91, 0.92])) for name in sorted(gates))) for case in cases
    }

    verdicts = judge(make_suite(*cases), sides, dict(reversed(sides.items())))

    order = ["parameters", "accuracy", "macro_f1", "step_time_median"]
    assert [(verdict.case, verdict.metric) for verdict in verdicts] == [
        (case, name) for case in ("zeta", "alpha") for name in order
    ]
    assert verdicts == judge(make_suite(*cases), dict(reversed(sides.items())), sides)
