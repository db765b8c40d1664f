"""The suites that ship with the project."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.catalog import Catalog
from harness.suite import load_suite

FOLDER = Path(__file__).parents[2] / "suites"
NAMES = sorted(path.stem for path in FOLDER.glob("[!_]*.toml"))
CLAIMING = ["claims"]
"""Suites whose numbers are judged by claims, not by gates."""


@pytest.mark.parametrize("name", NAMES)
def test_a_shipped_suite_has_no_problems_and_says_why(name: str) -> None:
    """Every shipped suite loads, and every case of it says in a sentence what it is for."""
    suite = load_suite(FOLDER / f"{name}.toml", Catalog())

    assert suite.name == name
    assert all(sentence.endswith(".") for sentence in (suite.why, *(case.why for case in suite.cases)))


@pytest.mark.parametrize("name", [name for name in NAMES if name not in CLAIMING])
def test_a_shipped_suite_gates_the_primary_score_and_hard_on_the_digests(name: str) -> None:
    """The task's primary score, the parameters and the digests are gated in every case of every shipped suite."""
    catalog = Catalog()
    exact = {"parameters", "data_digest", "batch_order_digest", "initial_weights_digest", "final_weights_digest"}

    for case in load_suite(FOLDER / f"{name}.toml", catalog).cases:
        primary = catalog.part("tasks", case.task.name).fields["primary"]
        assert exact | {primary} <= set(case.gates), case.name
        assert {case.gates[metric].level for metric in exact} == {"hard"}, case.name


@pytest.mark.parametrize("name", CLAIMING)
def test_each_case_of_a_suite_of_claims_serves_one(name: str) -> None:
    """Nothing is measured for no claim; every case is either quick or long, so that the quick ones can be run alone."""
    suite = load_suite(FOLDER / f"{name}.toml", Catalog())
    asked = {series.case for claim in suite.claims for test in claim.tests for series in test.series}

    assert suite.claims
    assert {case.name for case in suite.cases} == asked
    assert {case.name for case in suite.cases if len({"quick", "long"} & {*case.tags}) != 1} == set()


def test_every_articles_recipe_is_there_as_printed() -> None:
    """Article 000's recipe is SGD 0.001, momentum 0.9, batch 64, ten epochs; article 003's is Adam with Keras's epsilon."""
    cases = {case.name: case for case in load_suite(FOLDER / "articles.toml", Catalog()).cases}
    lenet, keras = cases["000-lenet-article"].recipe, cases["003-keras-article"]

    assert (lenet.optimizer.name, lenet.optimizer.lr, lenet.optimizer.momentum) == ("sgd", 0.001, 0.9)
    assert (lenet.batch_size, lenet.epochs) == (64, 10)
    assert (keras.recipe.optimizer.name, keras.recipe.optimizer.lr, keras.recipe.optimizer.eps) == ("adam", 1e-3, 1e-7)
    assert (keras.recipe.batch_size, keras.recipe.epochs, keras.data.options) == (32, 5, {"scale": "unit"})
    assert (cases["001-onepool-as-printed"].recipe.batch_size, cases["001-onepool-as-printed"].recipe.steps) == ("full", 10)
