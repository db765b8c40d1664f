"""What was taken for what, as it is stored of every run that classifies."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from harness.runner.execute import Ran


def test_stored_confusions_agree_with_the_scores(write_project: Callable[..., None], run_mine: Callable[..., Ran]) -> None:
    """Their diagonal is the accuracy, and the mean share of it in each row the macro recall, of every seed."""
    write_project({"good": "recipe.epochs = 1\nrecipe.optimizer.lr = 0.001"})

    run_set = run_mine().run_set

    measured = run_set.table("measurements").set_index(["run_id", "metric"])["value"]
    confusions = run_set.table("confusions")
    assert confusions["run_id"].nunique() == 2
    for run_id, rows in confusions.groupby("run_id"):
        right = rows[rows["label"] == rows["predicted"]].set_index("label")["count"]
        classes = sorted({*rows["label"], *rows["predicted"]})
        recalls = (right / rows.groupby("label")["count"].sum()).reindex(classes).fillna(0)
        assert right.sum() / rows["count"].sum() == pytest.approx(measured[run_id, "accuracy"])
        assert recalls.mean() == pytest.approx(measured[run_id, "macro_recall"])
        assert 0 < measured[run_id, "accuracy"] < 1
