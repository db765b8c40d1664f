"""Exact metrics: equal or different, by scope; the loss curve by tolerance where bits cannot be compared."""

from __future__ import annotations

import json

import pytest

from harness.results import Side
from harness.suite import Case, Gate
from harness.verdicts import LOSS_RTOL, Verdict, judge
from tests.support import NUMERIC, Value, make_case, make_series, make_side, make_suite

OTHER_DEVICE = NUMERIC | {"device": "A100"}
LOSSES = [2.302, 1.75, 1.2]


def judged(case: Case, head: Side, base: Side) -> dict[str, Verdict]:
    """Return the verdicts on one case by metric."""
    return {verdict.metric: verdict for verdict in judge(make_suite(case), {case.name: head}, {case.name: base})}


def one(metric: str, head: dict[int, Value], base: dict[int, Value], numeric: dict[str, str] = NUMERIC) -> Verdict:
    """Return the verdict on one metric."""
    case = make_case(gates={metric: Gate()}, seeds=tuple(head))
    return judged(
        case, make_side(case, make_series(metric, head), numeric=numeric), make_side(case, make_series(metric, base))
    )[metric]


def curve(*losses: float) -> str:
    """Return losses as they are stored."""
    return json.dumps(losses)


def test_equal_numbers_are_the_same() -> None:
    """Parameters that are equal for every common seed pass, on any machine."""
    verdict = one("parameters", {1: 61706, 2: 61706}, {1: 61706, 2: 61706, 3: 61706}, OTHER_DEVICE)

    assert (verdict.verdict, verdict.method, verdict.n_base, verdict.n_head) == ("same", "equality", 2, 2)
    assert (verdict.base, verdict.head, verdict.estimate) == (61706, 61706, 0)


@pytest.mark.parametrize(("head", "change"), [(61705, -1), (61707, 1)])
def test_unequal_numbers_are_worse_either_way(head: int, change: int) -> None:
    """Most exact metrics have no better: fewer parameters are as unexpected as more."""
    verdict = one("parameters", {1: 61706, 2: head}, {1: 61706, 2: 61706})

    assert (verdict.verdict, verdict.estimate, verdict.note) == ("worse", change, f"seed 2: 61706 → {head}")


@pytest.mark.parametrize(("head", "verdict"), [(855, "better"), (856, "same"), (857, "worse")])
def test_a_counter_has_a_better_direction(head: int, verdict: str) -> None:
    """Fewer operations a step are better, and one more of 856 is worse: 0.1 % is seen without noise."""
    assert one("aten_operations_per_step", {1: head, 2: head}, {1: 856, 2: 856}).verdict == verdict


def test_counters_of_another_kind_of_device_are_incomparable() -> None:
    """A GPU's step has operations of its own; another instruction set's has the same."""
    cpu, slow, gpu = (
        {"device_type": kind, "instruction_set": name} for kind, name in (("cpu", "a"), ("cpu", "b"), ("cuda", "a"))
    )
    case = make_case(gates={"aten_operations_per_step": Gate()}, seeds=(1,))
    of_cpu, of_slow, of_gpu = (
        make_side(case, make_series("aten_operations_per_step", {1: count}), numeric=numeric)
        for count, numeric in ((856, cpu), (856, slow), (900, gpu))
    )

    assert judged(case, of_slow, of_cpu)["aten_operations_per_step"].verdict == "same"
    assert judged(case, of_gpu, of_cpu)["aten_operations_per_step"].verdict == "incomparable"


def test_a_counter_that_moves_both_ways_is_worse() -> None:
    """What one seed gains makes up for nothing that another one loses."""
    assert one("aten_operations_per_step", {1: 855, 2: 857}, {1: 856, 2: 856}).verdict == "worse"


def test_unequal_digests_name_the_seed_and_both() -> None:
    """A changed digest is worse, and its note shows 12 characters of both."""
    verdict = one("final_weights_digest", {1: "a" * 64, 2: "b" * 64}, {1: "a" * 64, 2: "c" * 64})

    assert (verdict.verdict, verdict.note) == ("worse", f"seed 2: {'c' * 12}… → {'b' * 12}…")
    assert (verdict.base, verdict.head, verdict.estimate) == (None, None, None)


def test_a_seed_that_the_base_lacks_is_skipped_and_said() -> None:
    """Only common seeds are compared; the others are named."""
    verdict = one("parameters", {1: 5, 4: 7}, {1: 5, 2: 6})

    assert (verdict.verdict, verdict.note) == ("same", "seed 4 not in the base, not compared")


def test_without_a_common_seed_nothing_can_be_told() -> None:
    """No seed in common is inconclusive, not equal."""
    verdict = one("parameters", {3: 5}, {1: 5, 2: 5})

    assert (verdict.verdict, verdict.note) == ("inconclusive", "no seed in common: base 1, 2, head 3")


def test_digests_across_fingerprints_are_incomparable() -> None:
    """Bits are not compared across devices; the fields that differ are named, and what would help."""
    verdict = one("final_weights_digest", {1: "a" * 64}, {1: "b" * 64}, OTHER_DEVICE)

    assert (verdict.verdict, verdict.level) == ("incomparable", "hard")
    assert verdict.note == (
        "another numeric fingerprint: device H200 → A100; "
        "loss_curve_head would be judged by tolerance instead, if it were gated"
    )


def test_the_loss_curve_stands_in_across_fingerprints() -> None:
    """Where the loss curve is gated too, the digest's note says that it is judged instead."""
    case = make_case(gates={"final_weights_digest": Gate(), "loss_curve_head": Gate()}, seeds=(1,))
    base = make_side(case, make_series("final_weights_digest", {1: "a"}), make_series("loss_curve_head", {1: curve(*LOSSES)}))
    near = curve(*(loss * (1 + LOSS_RTOL / 2) for loss in LOSSES))
    head = make_side(
        case,
        make_series("final_weights_digest", {1: "b"}),
        make_series("loss_curve_head", {1: near}),
        numeric=OTHER_DEVICE,
    )

    verdicts = judged(case, head, base)

    assert verdicts["final_weights_digest"].note.endswith("; loss_curve_head is judged by tolerance instead")
    assert (verdicts["loss_curve_head"].verdict, verdicts["loss_curve_head"].method) == ("same", "tolerance rtol=0.001")


def test_a_loss_outside_the_tolerance_is_worse_and_its_step_is_named() -> None:
    """The first step whose loss is off by more than the tolerance is named, with both losses."""
    verdict = one("loss_curve_head", {1: curve(2.302, 1.754, 1.3)}, {1: curve(*LOSSES)}, OTHER_DEVICE)

    assert verdict.verdict == "worse"
    assert verdict.note.startswith("seed 1: loss differs first at step 1: 1.75 → 1.754; another numeric fingerprint")


def test_under_one_fingerprint_the_loss_curve_is_compared_bit_by_bit() -> None:
    """Within the tolerance is not enough where the bits must be equal."""
    verdict = one("loss_curve_head", {1: curve(2.302, 1.75, 1.2000000001)}, {1: curve(*LOSSES)})

    assert (verdict.verdict, verdict.method) == ("worse", "equality")
    assert verdict.note == "seed 1: loss differs first at step 2: 1.2 → 1.2000000001"


@pytest.mark.parametrize(
    ("head", "note"),
    [
        (curve(2.302, 1.75), "seed 1: 3 losses → 2"),
        ("[2.302, NaN, 1.2]", "seed 1: loss differs first at step 1: 1.75 → nan"),
        ("[2.302, Infinity, 1.2]", "seed 1: loss differs first at step 1: 1.75 → inf"),
        ("broken", "seed 1: no list of losses: [2.302, 1.75… → broken"),
        ('{"a": 1}', 'seed 1: no list of losses: [2.302, 1.75… → {"a": 1}'),
    ],
)
def test_a_loss_curve_that_is_none_is_worse(head: str, note: str) -> None:
    """A shorter curve, a loss that is not finite and a text that is no curve are outside every tolerance."""
    verdict = one("loss_curve_head", {1: head}, {1: curve(*LOSSES)}, OTHER_DEVICE)

    assert verdict.verdict == "worse"
    assert verdict.note.startswith(note)


def test_a_head_that_does_not_repeat_itself_is_missing() -> None:
    """Two unequal runs of one seed are a fault of measuring, not a regression."""
    case = make_case(gates={"final_weights_digest": Gate()}, seeds=(1,), repeats=2)
    base = make_side(case, make_series("final_weights_digest", {1: ["a", "a"]}))
    head = make_side(case, make_series("final_weights_digest", {1: ["a", "b"]}))

    verdict = judged(case, head, base)["final_weights_digest"]

    assert (verdict.verdict, verdict.note) == ("missing", "not reproducible: two runs of seed 1: a → b")


def test_a_base_that_does_not_repeat_itself_is_incomparable() -> None:
    """A base whose own runs differ is no measure."""
    case = make_case(gates={"final_weights_digest": Gate()}, seeds=(1,), repeats=2)
    base = make_side(case, make_series("final_weights_digest", {1: ["a", "b"]}))
    head = make_side(case, make_series("final_weights_digest", {1: ["a", "a"]}))

    assert judged(case, head, base)["final_weights_digest"].verdict == "incomparable"


def test_a_metric_that_only_the_gate_makes_exact_needs_one_fingerprint() -> None:
    """A peak that a gate declares exact is compared where the bits are, and nowhere else."""
    case = make_case(gates={"cuda_peak_allocated": Gate(metric_class="exact")}, seeds=(1,))
    base = make_side(case, make_series("cuda_peak_allocated", {1: 4096.0}))
    head = make_series("cuda_peak_allocated", {1: 4608.0})

    assert judged(case, make_side(case, head), base)["cuda_peak_allocated"].verdict == "worse"
    assert judged(case, make_side(case, head, numeric=OTHER_DEVICE), base)["cuda_peak_allocated"].verdict == "incomparable"
