"""Planted data: samples whose mean and spread are exactly what a test of a test needs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from pydantic import TypeAdapter
from scipy import stats

from harness.claims import JudgedClaim, JudgedTest, Ledger, Measured, Samples, Source
from harness.digests import short_digest
from harness.observations import MetricClass
from harness.suite import Case, Claim, Question, Suite
from tests.support import MACHINE, Trained, make_case

A, B, C = ({"case": name, "metric": "accuracy"} for name in "abc")
"""Series of three cases."""
QUESTION: TypeAdapter[Question] = TypeAdapter(Question)


def question(kind: str, **fields: Any) -> Question:
    """Return a test of a claim, as a suite would declare it of a metric of which more is better."""
    if kind in ("difference", "trend"):
        fields = {"better": "higher"} | fields
    return QUESTION.validate_python({"kind": kind, **fields})


def spread(mean: float, sd: float, count: int = 10) -> list[float]:
    """Return values of exactly this mean and standard deviation, as normal quantiles in a fixed order."""
    quantiles = stats.norm.ppf((np.arange(count) + 0.5) / count)
    shuffled = np.random.default_rng(7).permutation(quantiles)
    return [float(mean + sd * value) for value in (shuffled - shuffled.mean()) / shuffled.std(ddof=1)]


def apart(mean: float, sd: float, count: int = 10, start: float = 0.8) -> tuple[list[float], list[float]]:
    """Return two paired series whose differences have exactly this mean and standard deviation."""
    against = spread(start, 0.03, count)
    return [one + d for one, d in zip(against, spread(mean, sd, count), strict=True)], against


def series(values: Sequence[float | str], metric_class: MetricClass = "quality", **given: Any) -> Measured:
    """Return a series of seeds 1, 2, 3, …"""
    held = {seed: (value,) for seed, value in enumerate(values, start=1)}
    return Measured(held, given.pop("unit", "1"), metric_class, **given)


def samples(*rows: Sequence[float | str], metric_class: MetricClass = "quality") -> Samples:
    """Return series that are paired by seed."""
    return Samples(tuple(series(row, metric_class) for row in rows))


def claim(name: str = "C1", *tests: Question, **given: Any) -> Claim:
    """Return a claim with these tests."""
    fields = {"statement": f"What {name} says.", "refuted_by": "the opposite", "block": "training"}
    return Claim(id=name, tests=tests, **(fields | given))


def suite_of(*claims: Claim, cases: Iterable[Case] = (), version: int = 1) -> Suite:
    """Return a suite with claims of the cases a, b and c, unless others are given."""
    held = tuple(cases) or tuple(make_case(name, seeds=range(1, 11)) for name in "abc")
    return Suite(name="demo", version=version, why="To test.", cases=held, claims=claims)


def trained(case: Case, values: Sequence[float | None], metric: str = "accuracy", **given: Any) -> list[Trained]:
    """Return runs of seeds 1, 2, 3, … that measured these values."""
    return [Trained(case, seed, {metric: value}, **given) for seed, value in enumerate(values, start=1)]


def judged_test(outcome: str = "supported", **given: Any) -> JudgedTest:
    """Return what a test came to."""
    fields: dict[str, Any] = {
        "kind": "difference",
        "asked": "accuracy of a is higher than that of b",
        "found": "0.9410 against 0.8740: +0.0670 [+0.0520, +0.0820], 10 seeds, p 0.002",
        "cases": ("a", "b"),
        "seeds": 10,
        "estimate": 0.067,
        "low": 0.052,
        "high": 0.082,
        "confidence": 0.95,
        "margin": 0.02,
        "p": 0.001953125,
        "p_adjusted": 0.001953125,
    }
    return JudgedTest(outcome=outcome, **(fields | given))  # type: ignore[arg-type]


def judged_claim(name: str = "C1", verdict: str = "supported", *tests: JudgedTest, **given: Any) -> JudgedClaim:
    """Return a judged claim; of a verdict that tests come to, with one such test unless others are given."""
    held = tests or (() if verdict == "untestable" else (judged_test(verdict),))
    fields: dict[str, Any] = {"block": "training", "statement": f"What {name} says.", "source": ("004 §2", "001 §1")}
    fields |= {"untestable": "Nobody can measure it."} if verdict == "untestable" else {"refuted_by": "the opposite"}
    return JudgedClaim(id=name, verdict=verdict, tests=held, **(fields | given))  # type: ignore[arg-type]


def ledger_of(*claims: JudgedClaim, **given: Any) -> Ledger:
    """Return a ledger of these claims."""
    origin = {"suite_version": 1, "recorded_on": "2026-01-02", "commit": "0123456789ab", "versions": "python 3.11 torch 2.13.0"}
    source = Source(run_set="demo/20260102T030405Z", machine_class=short_digest(MACHINE), **origin)  # type: ignore[arg-type]
    fields: dict[str, Any] = {"suite": "demo", "suite_version": 1, "machines": {short_digest(MACHINE): MACHINE}}
    return Ledger(claims=claims, sources={"a": source, "b": source}, **(fields | given))
