"""Two records of one training: where they part, in what, and by how much."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from harness.reproduce._compare import HEAD, compare, environment_changes
from harness.reproduce._evidence import Evidence, TensorDigest
from harness.suite import Case, PartRef, Recipe

STEPS = 23
CASE = Case(name="c", model=PartRef(name="m"), data=PartRef(name="d"), recipe=Recipe(epochs=1))


def weights(*norms: float) -> dict[str, TensorDigest]:
    """Two tensors whose digests follow from their norms."""
    return {name: TensorDigest(f"{norm!r}-{name}", norm) for name, norm in zip(("bias", "weight"), norms, strict=True)}


def evidence(**changed: Any) -> Evidence:
    """A training of 23 steps on five samples."""
    fields: dict[str, Any] = {
        "case": CASE,
        "suite": "s",
        "run_id": "r",
        "run_key": "k",
        "seed": 1,
        "status": "ok",
        "reason": "",
        "commit": "c",
        "code_digest": "d",
        "environment": {"numeric.threads": "1", "machine.cpu": "x"},
        "values": {"accuracy": 0.9, "parameters": 61706.0, "batch_order_digest": "abc", "bleu": None},
        "classes": {"accuracy": "quality", "parameters": "exact", "batch_order_digest": "exact", "bleu": "quality"},
        "scopes": dict.fromkeys(("accuracy", "parameters", "batch_order_digest", "bleu"), "any"),
        "losses": np.geomspace(2.3, 0.1, STEPS),
        "learning_rates": np.full(STEPS, 1e-3),
        "samples": np.full(STEPS, 64),
        "epochs": np.ones(STEPS, np.int64),
        "evaluations": {(1, "test", "accuracy"): 0.9},
        "tensors": {0: weights(1.0, 2.0), 1: weights(1.1, 2.1), 2: weights(1.2, 2.2), STEPS: weights(1.3, 2.3)},
        "details": {"return of train episode 3 (step 1)": 9.0, "picture 'samples'": "ab"},
        "data_samples": {"train": np.arange(5, dtype=np.uint64), "test": np.arange(2, dtype=np.uint64)},
    }
    return Evidence(**(fields | changed))


def changed_array(array: np.ndarray, index: int, value: float) -> np.ndarray:
    """A copy with one other value."""
    copy = array.copy()
    copy[index] = value
    return copy


OLD = evidence()
SAMPLES = {"train": np.array([0, 1, 9, 3, 4], np.uint64), "test": OLD.data_samples["test"]}


@pytest.mark.parametrize(
    ("changes", "first"),
    [
        ({"status": "diverged", "reason": "nan"}, "status: ok → diverged (nan)"),
        ({"reason": "nan at step 9"}, "status: ok → ok (nan at step 9)"),
        ({"data_samples": SAMPLES}, f"data train sample 2: {2:016x} → {9:016x}"),
        (
            {"data_samples": {"train": OLD.data_samples["train"][:4], "test": SAMPLES["test"]}},
            "data train split: 5 samples → 4",
        ),
        ({"data_samples": {"train": OLD.data_samples["train"]}}, "data test split: 2 samples → none"),
        ({"values": OLD.values | {"batch_order_digest": "xyz"}}, "batch order: abc → xyz"),
        (
            {"tensors": OLD.tensors | {0: weights(1.0, 2.5)}},
            "initial weights weight: 2.0-weight → 2.5-weight (by at least 0.25",
        ),
        ({"learning_rates": np.full(STEPS, 1.01e-3)}, "learning rate at step 1: 0.001 → 0.00101 (by 0.01, relative)"),
        ({"losses": changed_array(OLD.losses, 4, 1.0)}, f"loss at step 5: {float(OLD.losses[4])!r} → 1.0 (by"),
        ({"samples": changed_array(OLD.samples, 4, 32)}, "loss samples at step 5: 64 → 32"),
        ({"tensors": OLD.tensors | {2: weights(1.2, 2.3)}}, "weights weight at step 2: 2.2-weight → 2.3-weight (by at least"),
        ({"tensors": OLD.tensors | {2: weights(1.1, 2.1)}}, "update at step 2: update → no update"),
        ({"evaluations": {(1, "test", "accuracy"): 0.8}}, "evaluation accuracy on test after epoch 1: 0.9 → 0.8 (by 0.111"),
        ({"evaluations": {}}, "evaluation accuracy on test after epoch 1: 0.9 → absent"),
        ({"values": OLD.values | {"accuracy": 0.91}}, "metric accuracy: 0.9 → 0.91"),
        ({"values": OLD.values | {"bleu": 0.0}}, "metric bleu: null → 0.0"),
        ({"values": {}}, "batch order: abc → absent"),
        (
            {"details": {"return of train episode 3 (step 1)": 8.0, "picture 'samples'": "ab"}},
            "detail return of train episode 3",
        ),
        ({"details": {"return of train episode 3 (step 1)": 9.0}}, "detail picture 'samples': ab → absent"),
    ],
)
def test_one_thing_that_differs_is_named(changes: Mapping[str, Any], first: str) -> None:
    """What, where, from what to what, and by how much."""
    found = compare(OLD, evidence(**changes))

    assert str(found.first).startswith(first)
    assert found.outcome in ("different", "within tolerance")


def test_a_step_that_is_missing_or_added_is_named() -> None:
    """The losses around it tell which; where more than one step went, the number alone is told."""
    short = {name: np.delete(getattr(OLD, name), 6) for name in ("losses", "learning_rates", "samples", "epochs")}
    shorter = {name: np.delete(getattr(OLD, name), [6, 9]) for name in short}

    assert "steps missing: step 7: 23 → 22" == str(compare(OLD, evidence(**short)).first)
    assert "steps added: step 7: 22 → 23" == str(compare(evidence(**short), OLD).first)
    assert "steps: 23 → 21" == str(compare(OLD, evidence(**shorter)).first)
    last = {name: getattr(OLD, name)[:-1] for name in short}
    assert "steps missing: step 23: 23 → 22" == str(compare(OLD, evidence(**last)).first)


def test_causes_come_before_effects() -> None:
    """Data, order, weights, rate, then step by step: a loss is of the weights before it, which its step then moves."""
    new = evidence(
        data_samples=SAMPLES,
        values=OLD.values | {"batch_order_digest": "xyz", "accuracy": 0.5},
        tensors={step: weights(step + 9.0, step + 8.0) for step in OLD.tensors},
        learning_rates=OLD.learning_rates * 2,
        losses=OLD.losses * 2,
        evaluations={(1, "test", "accuracy"): 0.5},
        details=OLD.details | {"picture 'samples'": "cd"},
    )
    found = [difference.what for difference in compare(OLD, new).differences if (difference.step or 0) < 3]

    assert ["data", "batch order", *["initial weights"] * 2, "learning rate"] == found[:5]
    assert ["loss", *["weights"] * 2, "loss", *["weights"] * 2] == found[5:11]
    assert ["evaluation", "metric", "detail"] == found[11:]


def test_equal_records_are_identical_and_more_in_the_new_one_is_no_difference() -> None:
    """A harness of later may measure more than the record holds."""
    richer = replace(
        OLD,
        values=OLD.values | {"new": 1.0},
        tensors={**OLD.tensors, 7: weights(0.0, 0.0)},
        evaluations={**OLD.evaluations, (2, "test", "accuracy"): 0.0},
    )
    bare = evidence(tensors={}, data_samples={}, learning_rates=np.full(STEPS, np.nan))

    for old, new in ((OLD, evidence()), (OLD, richer), (bare, OLD)):
        assert "identical" == compare(old, new).outcome
        assert compare(old, new).first is None


@pytest.mark.parametrize(
    ("changes", "tolerable"),
    [
        ({"losses": OLD.losses * (1 + 0.9e-3)}, True),
        ({"losses": OLD.losses * (1 + 1.1e-3)}, False),
        ({"losses": changed_array(OLD.losses, HEAD, 5.0)}, True),  # rounding has moved later ones apart
        ({"losses": changed_array(OLD.losses, HEAD - 1, 5.0)}, False),
        ({"losses": changed_array(OLD.losses, 0, np.nan)}, False),
        ({"tensors": OLD.tensors | {0: weights(1.0, 2.0 + 1e-5)}}, True),
        ({"tensors": OLD.tensors | {0: weights(1.0, 2.1)}}, False),
        ({"tensors": OLD.tensors | {0: {**weights(1.0, 2.0), "weight": TensorDigest("other", None)}}}, False),
        ({"tensors": OLD.tensors | {STEPS: weights(9.0, 9.0)}}, True),
        ({"learning_rates": OLD.learning_rates * 1.01}, False),
        ({"learning_rates": OLD.learning_rates * (1 + 1e-15)}, True),
        ({"values": OLD.values | {"accuracy": 0.7}}, True),
        ({"values": OLD.values | {"parameters": 1.0}}, False),
        ({"data_samples": SAMPLES}, False),
        ({"tensors": OLD.tensors | {2: weights(1.1, 2.1)}}, False),
    ],
)
def test_what_rounding_may_do_is_within_tolerance(changes: Mapping[str, Any], tolerable: bool) -> None:
    """The first ten losses within one in a thousand, weights that began alike; no other data, order, rate, step or size."""
    elsewhere = {"numeric.threads": "2"}

    assert ("within tolerance" if tolerable else "different") == compare(
        OLD, evidence(environment=elsewhere, **changes)
    ).outcome
    assert "different" == compare(OLD, evidence(**changes)).outcome  # the same surroundings give the same bits


def test_only_what_decides_bits_is_a_change_of_environment() -> None:
    """Another CPU count is none; another number of threads is, and is named."""
    assert "" == environment_changes(OLD.environment, OLD.environment | {"machine.cpu": "y"})
    assert "threads 1 → 2" == environment_changes(OLD.environment, {"numeric.threads": "2"})


def test_an_edited_norm_is_seen_and_one_summed_in_another_order_is_not() -> None:
    """Equal tensors have equal norms, up to the order of summing."""
    edited = {**weights(1.2, 2.2), "weight": TensorDigest("2.2-weight", 2.3)}
    summed = {**weights(1.2, 2.2), "weight": TensorDigest("2.2-weight", np.nextafter(2.2, 3))}

    assert "weights weight, norm at step 2: 2.2 → 2.3" in str(compare(OLD, evidence(tensors=OLD.tensors | {2: edited})).first)
    assert "identical" == compare(OLD, evidence(tensors=OLD.tensors | {2: summed})).outcome
