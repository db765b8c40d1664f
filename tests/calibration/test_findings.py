"""Margins that promise more than can be told."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path

import pytest
from scipy import stats

from harness.baseline import Baseline, promote, propose, read_baselines, write_proposals
from harness.calibration._findings import MIN_BASE, paired_findings, quality_findings
from harness.suite import Case, Gate, Paired
from harness.verdicts._sampled import MIN_BASE as MIN_BASE_OF_VERDICTS
from tests.calibration.support import make_calibrated, make_calibration, make_clock
from tests.support import Trained, make_case, make_suite, record

SEEDS = (1, 2, 3, 4, 5)
SCORES = {"accuracy": (0.90, 0.91, 0.92, 0.90, 0.93)}


def baselines(folder: Path, case: Case, scores: Mapping[str, tuple[float, ...]]) -> dict[str, Baseline]:
    """Record runs of a case, and make its baseline of them."""
    values = [{metric: found[index] for metric, found in scores.items()} for index in range(len(SEEDS))]
    recorded = case.model_copy(update={"seeds": SEEDS, "more_seeds": 0})
    runs = [Trained(recorded, seed, given) for seed, given in zip(SEEDS, values, strict=True)]
    run_set = record(folder, make_suite(recorded), runs)
    promote(write_proposals(run_set, propose([run_set], "first").baselines), folder / "baselines" / "demo")
    return read_baselines(folder / "baselines" / "demo")


def power(effect: float, sd: float, old: int, new: int, alpha: float) -> float:
    """Chance that a one-sided t test of `new` values against `old` ones finds a drop, by SciPy's noncentral t."""
    error = sd * math.sqrt(1 / old + 1 / new)
    return float(stats.nct.sf(stats.t.ppf(1 - alpha, old - 1), old - 1, effect / error))


def test_a_paired_margin_below_the_detectable_effect_is_refused() -> None:
    """The message names case, clock, margin, effect, machine, file and what to do; one of that size is let pass."""
    case = make_case(paired=Paired(cpu=0.01, wall=0.05))
    calibration = make_calibration({"lenet": make_calibrated(case, cpu=make_clock(0.0123), wall=make_clock(0.05))})

    (found,) = paired_findings(make_suite(case), calibration, "results/calibration/x/demo.json")

    assert found.refused
    for word in ("'lenet'", "paired.cpu", "1 %", "1.23 %", "Example CPU, 4 CPUs", "results/calibration/x/demo.json"):
        assert word in found.message
    assert "write paired.cpu = 0.013 or more" in found.message
    assert "`harness calibrate demo -k lenet`" in found.message


def test_the_margin_that_is_proposed_is_accepted() -> None:
    """Who writes what the message says is done."""
    for effect in (0.0123, 0.013, 0.0999999, 1.5):
        case = make_case(paired=Paired(cpu=0.001))
        calibration = make_calibration({"lenet": make_calibrated(case, cpu=make_clock(effect))})
        (found,) = paired_findings(make_suite(case), calibration, "x")
        proposed = float(found.message.split("write paired.cpu = ")[1].split()[0])
        mended = make_case(paired=Paired(cpu=proposed))
        assert [] == list(paired_findings(make_suite(mended), calibration, "x")), effect


def test_a_case_that_has_changed_or_was_never_calibrated_is_not_refused() -> None:
    """What was measured of another definition is told as a warning; a case without a calibration is as it was."""
    case = make_case(paired=Paired(cpu=0.001))
    recorded = make_calibrated(make_case(repeats=2, data={"name": "other"}))

    (found,) = paired_findings(make_suite(case), make_calibration({"lenet": recorded}), "x")
    assert not found.refused
    assert "has changed since x was recorded" in found.message
    assert [] == list(paired_findings(make_suite(case), make_calibration({"gone": recorded}), "x"))


def test_margins_of_ab_are_no_part_of_what_decides_a_run() -> None:
    """Another margin leaves a case comparable with its baseline and its calibration."""
    assert make_case().digest == make_case(paired=Paired(cpu=0.5)).digest


@pytest.mark.parametrize("head", [(1,), (1, 2, 3)])
def test_a_quality_margin_below_what_seeds_can_tell_is_a_warning(tmp_path: Path, head: tuple[int, ...]) -> None:
    """The effect named is the one that SciPy's noncentral t says is found nine times in ten; just below it warns, above not."""
    sd = stats.tstd(SCORES["accuracy"])
    told = {}
    for margin in (0.001, 10.0):
        case = make_case(gates={"accuracy": Gate(margin=margin)}, seeds=head)
        told[margin] = list(quality_findings(make_suite(case), baselines(tmp_path / str(margin), case, SCORES)))

    (found,) = told[0.001]
    assert [] == told[10.0]
    assert not found.refused
    assert "case 'lenet': gates.accuracy: margin 0.001 is below" in found.message
    effect = float(found.message.split("is below ")[1].split(",")[0])
    assert power(effect, sd, 5, len(head), 0.01) == pytest.approx(0.9, abs=0.002)


def test_hard_quality_gates_share_the_error_and_seeds_to_come_count(tmp_path: Path) -> None:
    """A second hard gate halves the error of each; three looks a third of that; a gate at level warn takes nothing."""
    gates = {"accuracy": Gate(margin=0.001), "macro_f1": Gate(margin=0.5), "test_loss": Gate(margin=0.5, level="warn")}
    case = make_case(gates=gates, seeds=(1, 2), more_seeds=4)
    scores = SCORES | {"macro_f1": SCORES["accuracy"], "test_loss": SCORES["accuracy"]}

    (found,) = quality_findings(make_suite(case), baselines(tmp_path, case, scores))

    effect = float(found.message.split("is below ")[1].split(",")[0])
    sd = stats.tstd(SCORES["accuracy"])
    assert power(effect, sd, 5, 6, 0.01 / 2 / 3) == pytest.approx(0.9, abs=0.002)


def test_constant_scores_and_other_definitions_say_nothing(tmp_path: Path) -> None:
    """Without spread every drop is found; a baseline of another version, or of a changed case, is judged by nobody."""
    case = make_case(gates={"accuracy": Gate(margin=0.001)})
    constant = baselines(tmp_path / "constant", case, {"accuracy": (0.9,) * 5})
    held = baselines(tmp_path / "held", case, SCORES)
    changed = case.model_copy(update={"targets": {"accuracy": 0.5}})

    assert [] == list(quality_findings(make_suite(case), constant))
    assert [] == list(quality_findings(make_suite(case, version=2), held))
    assert [] == list(quality_findings(make_suite(changed), held))
    assert [] == list(quality_findings(make_suite(case), {}))
    assert 1 == len(list(quality_findings(make_suite(case), held)))


def test_a_baseline_of_too_few_seeds_is_told(tmp_path: Path) -> None:
    """Two seeds never judge; the number that a base needs is the verdicts' own."""
    case = make_case(gates={"accuracy": Gate(margin=0.5)})
    (held,) = baselines(tmp_path, case, SCORES).values()
    samples = dict(list(held.metrics["accuracy"].samples.items())[:2])
    few = held.model_copy(
        update={"metrics": {"accuracy": held.metrics["accuracy"].model_copy(update={"samples": samples, "n": 2})}}
    )

    (found,) = quality_findings(make_suite(case), {"lenet": few})

    assert "its baseline holds 2 seeds, and any change is inconclusive below 3" in found.message
    assert MIN_BASE == MIN_BASE_OF_VERDICTS
