"""Metrics of the analyses and of efficiency, against figures worked out by hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from sklearn.dummy import DummyClassifier

from harness.observations import Observations, Value, null, number

Measure = Callable[[str, Observations], Value]
About = Callable[[float, int], Value]

ANALYSED = ("train_accuracy", "generalisation_gap", "shifted_accuracy", "deletion_area", "insertion_area", "attention_entropy")
EFFICIENCIES = ("compute_efficiency", "storage_efficiency")


def trained(labels: list[int], predictions: list[int], **changed: object) -> Observations:
    """A classifier of 10 FLOPs a sample and 2,000 bytes, after two steps of 40 samples each."""
    seen = Observations(
        labels=np.array(labels),
        predictions=np.array(predictions),
        train_flops_per_sample=10,
        step_samples=np.array([40, 40]),
        model_file_bytes=2000,
    )
    return replace(seen, **changed)  # type: ignore[arg-type]


def test_the_gap_is_train_minus_test(measure: Measure, about: About) -> None:
    """Nine tenths of the samples trained on and three fifths of the others: the model has learned 0.3 by heart."""
    seen = trained([0, 0, 0, 1, 1], [0, 0, 1, 1, 0], train_scores={"accuracy": 0.9, "loss": 0.2}, train_samples=30)

    assert measure("train_accuracy", seen) == number(0.9, 30)
    assert measure("generalisation_gap", seen) == about(0.3, 5)


def test_a_model_that_is_better_on_new_samples_has_a_negative_gap(measure: Measure, about: About) -> None:
    """As one with dropout may be, early in its training: the gap is not cut off at 0."""
    seen = trained([0, 1], [0, 1], train_scores={"accuracy": 0.75}, train_samples=4)

    assert measure("generalisation_gap", seen) == about(-0.25, 2)


def test_the_shifted_accuracy_is_of_the_test_split(measure: Measure) -> None:
    """As scored, drawn from as many samples as the test split has."""
    assert measure("shifted_accuracy", Observations(shifted_scores={"accuracy": 0.4}, test_samples=50)) == number(0.4, 50)


def test_areas_are_those_of_trapezoids(measure: Measure, about: About) -> None:
    """Of a curve that falls at once, half a tenth; of a straight line, a half; of any other, what NumPy integrates."""
    at_once, line = np.array([1.0] + [0.0] * 10), np.linspace(0, 1, 11)
    any_other = np.random.default_rng(3).uniform(0, 1, 11)
    seen = Observations(deletion_curve=at_once, insertion_curve=line, explained_samples=7)

    assert measure("deletion_area", seen) == about(0.05, 7)
    assert measure("insertion_area", seen) == about(0.5, 7)
    assert measure("deletion_area", replace(seen, deletion_curve=any_other)) == about(np.trapezoid(any_other, dx=0.1), 7)


@pytest.mark.parametrize("name", ANALYSED)
def test_an_analysis_that_nobody_asked_for_does_not_apply(name: str, measure: Measure) -> None:
    """A run without the analysis has a null, and so has one whose inputs are no images, in its own words."""
    why = "not_applicable: an input is 3, and an image is channels x height x width"
    fields = ("train_scores", "shifted_scores", "deletion_curve", "insertion_curve", "attention_entropy")

    assert measure(name, trained([0, 1], [0, 1])) == null("not_applicable")
    assert measure(name, trained([0, 1], [0, 1], nulls=dict.fromkeys(fields, why))) == null(why)


def test_efficiency_is_what_was_gained_over_what_it_cost(measure: Measure, about: About) -> None:
    """Nine of ten right where the largest class has four: 0.5 for 10 x 80 FLOPs, and for 2,000 bytes."""
    labels = [0, 0, 0, 0, 1, 1, 1, 2, 2, 2]
    seen = trained(labels, [*labels[:-1], 0])

    assert measure("compute_efficiency", seen) == about(0.5 / 800, 10)
    assert measure("storage_efficiency", seen) == about(0.5 / 2000, 10)


def test_a_model_that_always_predicts_one_class_has_gained_nothing(measure: Measure, about: About) -> None:
    """The most frequent class to everything, as scikit-learn's dummy has it, is worth 0 however cheap; another class less."""
    labels = [0, 0, 0, 1, 2]
    dummy = DummyClassifier(strategy="most_frequent").fit(np.zeros((5, 1)), labels)
    constant = trained(labels, dummy.predict(np.zeros((5, 1))).tolist())

    for name in EFFICIENCIES:
        assert measure(name, constant) == about(0.0, 5)
        assert (measure(name, replace(constant, predictions=np.full(5, 2))).value or 0) < 0


@pytest.mark.parametrize("name", EFFICIENCIES)
def test_efficiency_needs_predicted_classes_and_a_cost(name: str, measure: Measure) -> None:
    """A task without classes has none; an unknown cost gives its own reason, and no cost at all is no divisor."""
    field = {"compute_efficiency": "train_flops_per_sample", "storage_efficiency": "model_file_bytes"}[name]
    unknown = trained([0, 1], [0, 1], **{field: None}, nulls={field: "unsupported: refused"})

    assert measure(name, Observations(train_flops_per_sample=5, model_file_bytes=9)) == null("not_applicable")
    assert measure(name, unknown) == null("unsupported: refused")
    assert measure(name, trained([0, 1], [0, 1], **{field: 0})) == null("not_applicable")
