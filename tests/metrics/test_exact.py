"""Counts and digests: taken as they are, equal where they must be."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from harness.catalog import Catalog
from harness.observations import Observations, Value, null, number, text

Measure = Callable[[str, Observations], Value]
DIGESTS = {
    "data_digest": ("data", "any"),
    "batch_order_digest": ("batch_order", "versions"),
    "initial_weights_digest": ("initial_weights", "fingerprint"),
    "final_weights_digest": ("final_weights", "fingerprint"),
    "loss_curve_digest": ("loss_curve", "fingerprint"),
}


@pytest.mark.parametrize(
    ("name", "value", "n", "unit", "scope"),
    [
        ("parameters", 61_706, 1, "{parameter}", "any"),
        ("model_bytes", 246_824, 1, "By", "any"),
        ("train_flops_per_sample", 2_263_920, 1, "{flop}/{sample}", "versions"),
        ("training_steps", 45, 45, "{step}", "any"),
        ("samples_seen", 3 * (14 * 64 + 16), 45, "{sample}", "any"),
    ],
)
def test_counts(name: str, value: int, n: int, unit: str, scope: str, measure: Measure, observed: Observations) -> None:
    """Counts are exact, in their own unit, and say where they must be equal."""
    fields = Catalog().part("metrics", name).fields

    assert measure(name, observed) == number(value, n)
    assert (unit, "exact", scope) == (fields["unit"], fields["metric_class"], fields["scope"])


@pytest.mark.parametrize(("name", "digest", "scope"), [(name, *rest) for name, rest in DIGESTS.items()])
def test_digests(name: str, digest: str, scope: str, measure: Measure, observed: Observations) -> None:
    """Each digest is the run's own of that name, as text; one not taken is null for the recorded reason."""
    fields = Catalog().part("metrics", name).fields
    others = {key: value for key, value in observed.digests.items() if key != digest}

    assert measure(name, observed) == text(digest[0] * 64)
    assert measure(name, replace(observed, digests=others)) == null("not_measured")
    assert measure(name, Observations(nulls={"digests": "not_applicable"})) == null("not_applicable")
    assert ("1", "exact", scope) == (fields["unit"], fields["metric_class"], fields["scope"])


def test_loss_curve_head_reads_back_to_the_bit(measure: Measure, observed: Observations) -> None:
    """The first ten losses, written as text, are the same float64 numbers when read."""
    value = measure("loss_curve_head", observed)

    assert value.text is not None
    assert (value.n, value.value) == (10, None)
    np.testing.assert_array_equal(np.array(json.loads(value.text)), observed.losses[:10])


def test_loss_curve_head_of_a_short_run(measure: Measure) -> None:
    """A run of fewer steps gives all it has; 0.1 is written as 0.1, not rounded and not spelt out."""
    seen = Observations(losses=np.array([2.5, 0.1, 1e-9]))

    assert measure("loss_curve_head", seen) == Value(text="[2.5, 0.1, 1e-09]", n=3)
