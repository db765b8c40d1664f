"""The exit code, for every verdict, level, class and policy."""

from __future__ import annotations

from itertools import product
from typing import get_args

import pytest

from harness.errors import ExitCode, Policy
from harness.observations import MetricClass
from harness.suite import Level
from harness.verdicts import Verdict, VerdictName, exit_code, warnings
from harness.verdicts._policy import CODES

STRICT = {
    "same": 0,
    "better": 6,
    "worse": 1,
    "inconclusive": 3,
    "incomparable": 4,
    "missing": 5,
    "new": 4,
    "void": 0,
}

EVERY = list(product(get_args(VerdictName), get_args(MetricClass)))


def verdict(
    name: VerdictName = "same",
    level: Level = "hard",
    metric_class: MetricClass = "quality",
    metric: str = "m",
    method: str = "t prediction bound",
    case: str = "lenet",
) -> Verdict:
    """Return a verdict."""
    return Verdict(case=case, metric=metric, verdict=name, level=level, method=method, metric_class=metric_class)


LOSS_JUDGED = verdict("same", metric_class="exact", metric="loss_curve_head", method="tolerance rtol=0.001")
DIGEST = verdict("incomparable", metric_class="exact", metric="final_weights_digest", method="same numeric fingerprint")


def test_every_verdict_has_a_code() -> None:
    """The table covers exactly the verdicts that exist."""
    assert set(CODES) == set(get_args(VerdictName)) == set(STRICT)


@pytest.mark.parametrize(("name", "metric_class"), EVERY)
def test_strict_lets_every_code_stand(name: VerdictName, metric_class: MetricClass) -> None:
    """Under strict each hard verdict gives its own code, whatever the metric's class."""
    assert exit_code([verdict(name, metric_class=metric_class)], "strict") == STRICT[name]


@pytest.mark.parametrize(("name", "metric_class"), EVERY)
def test_pr_excuses_what_is_documented(name: VerdictName, metric_class: MetricClass) -> None:
    """Under pr inconclusive and better pass, and incomparable where the metric is a machine's; nothing else changes."""
    excused = name in ("inconclusive", "better") or (name == "incomparable" and metric_class == "machine")

    assert exit_code([verdict(name, metric_class=metric_class)], "pr") == (0 if excused else STRICT[name])


@pytest.mark.parametrize(("name", "level", "policy"), list(product(get_args(VerdictName), ("warn", "info"), get_args(Policy))))
def test_only_hard_verdicts_decide(name: VerdictName, level: Level, policy: Policy) -> None:
    """At levels warn and info no verdict changes the code."""
    assert exit_code([verdict(name, level)], policy) == ExitCode.PASS


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ((), 0),
        (("worse", "missing"), 5),
        (("worse", "new"), 1),
        (("inconclusive", "incomparable"), 4),
        (("better", "inconclusive"), 3),
        (("same", "better"), 6),
    ],
)
def test_the_gravest_code_stands(names: tuple[VerdictName, ...], expected: int) -> None:
    """Of several verdicts that one decides that comes first in the order of precedence."""
    assert exit_code([verdict(name) for name in names], "strict") == expected


def test_a_digest_passes_where_the_loss_curve_stood_in() -> None:
    """On another numeric fingerprint a digest is excused if the case's loss curve was judged by tolerance."""
    assert exit_code([DIGEST, LOSS_JUDGED], "pr") == ExitCode.PASS
    assert exit_code([DIGEST, LOSS_JUDGED], "strict") == ExitCode.INCOMPARABLE


@pytest.mark.parametrize(
    "other",
    [
        verdict("inconclusive", metric_class="exact", metric="loss_curve_head", method="tolerance rtol=0.001"),
        verdict("same", "info", "exact", "loss_curve_head", "tolerance rtol=0.001"),
        verdict("same", metric_class="exact", metric="loss_curve_head", method="tolerance rtol=0.001", case="another"),
    ],
    ids=["inconclusive", "info", "another case"],
)
def test_a_digest_is_excused_by_nothing_else(other: Verdict) -> None:
    """A loss curve that was not judged, hard, in the same case, excuses no digest."""
    assert exit_code([DIGEST, other], "pr") == ExitCode.INCOMPARABLE


@pytest.mark.parametrize("method", ["equality", "tolerance rtol=0.001"])
def test_an_exact_metric_of_other_versions_passes_where_the_loss_curve_was_judged(method: str) -> None:
    """Under another Python or torch, batch order and FLOPs are excused if the case's loss curve was judged."""
    counter = verdict("incomparable", metric_class="exact", method="same versions")
    judged = verdict("same", metric_class="exact", metric="loss_curve_head", method=method)

    assert exit_code([counter, judged], "pr") == ExitCode.PASS
    assert exit_code([counter], "pr") == ExitCode.INCOMPARABLE
    assert exit_code([counter, judged], "strict") == ExitCode.INCOMPARABLE


def test_a_machine_metric_of_another_definition_is_not_excused() -> None:
    """Another machine is excused, another unit or case is not."""
    assert exit_code([verdict("incomparable", metric_class="machine", method="same definition")], "pr") == ExitCode.INCOMPARABLE


def test_what_passes_is_warned_of() -> None:
    """Each kind that the policy lets pass is counted, and so are warnings at level warn."""
    verdicts = [
        verdict("inconclusive"),
        verdict("inconclusive"),
        verdict("better"),
        verdict("incomparable", metric_class="machine"),
        verdict("worse", "warn"),
        verdict("worse"),
    ]

    assert warnings(verdicts, "pr") == [
        "1 better: passes under policy pr; the baseline is stale, renew it with `harness baseline propose`",
        "1 incomparable: passes under policy pr; the baseline is of another machine",
        "2 inconclusive: passes under policy pr; more seeds or runs would tell",
        "1 worse at level warn",
    ]
    assert warnings(verdicts, "strict") == ["1 worse at level warn"]
