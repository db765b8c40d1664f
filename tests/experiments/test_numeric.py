"""The experiments on article 003's printed log, against the harness's own loop and against arithmetic by hand."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from harness.catalog import Catalog
from harness.data import Split, Splits
from harness.errors import UsageError
from harness.experiments import Setting, keras_cost, keras_log, printed_log
from harness.observations import Observations
from harness.suite import Optimizer, Recipe
from harness.tasks import Task
from harness.train import Job, start_learning, train

FRAGMENT = Path(__file__).parents[2] / "suites" / "_claims_numeric.toml"
CASE = "c01-keras-log"

# --- the training, told as Keras tells it ---


def by_the_harness(setting: Setting, splits: Splits, epochs: int) -> Observations:
    """What the harness's own loop sees of the same recipe."""
    task: Task = Catalog().load("tasks", "classification")
    training, _, learning = start_learning(task, splits, 0.0, setting.seed)
    recipe = Recipe(optimizer=Optimizer(name="adam", lr=1e-3, eps=1e-7), batch_size=32, epochs=epochs)
    model = setting.model("a003_keras_cnn", setting.spec(splits))
    seen = Observations()
    job = Job(model, task, learning, recipe, setting.seed, training, None, splits.test, setting.device)
    train(job, seen)
    return seen


def test_losses_and_scores_are_those_of_the_harness_s_loop() -> None:
    """Two epochs of seven batches, the last one smaller: mean losses, test losses and test accuracies of either agree."""
    setting = Setting(3)
    splits = setting.data("digits", shape=(1, 28, 28), scale="unit", train_limit=200, test_limit=70)
    model = setting.model("a003_keras_cnn", setting.spec(splits))

    lines = keras_log.follow(setting, model, splits, 2)
    seen = by_the_harness(setting, splits, 2)

    for epoch, line in enumerate(lines, 1):
        of_epoch = seen.step_epochs == epoch
        mean = (seen.losses * seen.step_samples)[of_epoch].sum() / 200
        scores = seen.evaluations[epoch - 1].scores
        assert pytest.approx((mean, scores["loss"], scores["accuracy"]), rel=1e-5) == (
            line.loss,
            line.val_loss,
            line.val_accuracy,
        )


class Stubborn(nn.Module):
    """Says class 3, whatever it sees."""

    def __init__(self) -> None:
        super().__init__()
        self.logits = nn.Parameter(20.0 * torch.eye(10)[3])

    def forward(self, x_BCHW: Tensor) -> Tensor:
        return self.logits.expand(len(x_BCHW), 10)


def test_training_accuracy_counts_each_sample_once() -> None:
    """Of 70 samples 14 are of the class that the network insists on: 0.2 in training, in every epoch, and 0.5 of four tests."""
    labels = torch.tensor([3] * 14 + [1, 2, 4, 5] * 14)
    test = Split(torch.zeros(4, 1), torch.tensor([3, 3, 0, 9]))
    splits = Splits(Split(torch.zeros(70, 1), labels), test, tuple("0123456789"))

    lines = keras_log.follow(Setting(1), Stubborn(), splits, 2)

    assert [(0.2, 0.5)] * 2 == [(line.accuracy, line.val_accuracy) for line in lines]
    assert 0.8 * 20 == pytest.approx(lines[0].loss, rel=0.01)  # 20 nats for each sample that is told wrong


def test_the_lines_name_every_outcome() -> None:
    """Five lines give all outcomes: a lead is the test accuracy less the training accuracy, the ratio last loss ÷ first."""
    lines = [keras_log.Line(1.0 / epoch, 0.1 * epoch, 0.2, 0.15 * epoch) for epoch in range(1, 6)]

    found = keras_log.EXPERIMENT.checked(keras_log.told(lines))

    assert pytest.approx([0.05, 0.1, 0.15, 0.2, 0.25]) == [found[f"lead_{epoch}"] for epoch in range(1, 6)]
    assert (0.2, 0.5) == (found["loss_ratio"], found["loss_2"])


# --- the printed log ---


def test_the_audit_by_hand() -> None:
    """60,000 times 81 µs is 4.86 s, 0.14 less than printed; 6,400 times 480 µs is 3.072 s; four of five traits are foreign."""
    found = printed_log.EXPERIMENT.perform({}, seed=1)

    assert (6400, 10_000) == (found["evaluated_samples"], found["test_samples"])
    assert (0.9906, 0.9914, 0.9914) == (
        found["evaluation_accuracy"],
        found["reported_accuracy"],
        found["last_validation_accuracy"],
    )
    assert pytest.approx((0.14, 0.072)) == (found["epoch_seconds_error"], found["evaluation_seconds_error"])
    assert (4, 5) == (found["foreign_traits"], found["epochs_test_ahead"])
    assert pytest.approx(0.2797, abs=5e-5) == found["loss_ratio"]


def test_the_claims_ask_for_what_is_printed() -> None:
    """Every published figure of a loss or accuracy in the suite is the one in the experiment's table of the log."""
    claims = tomllib.loads(FRAGMENT.read_text(encoding="utf-8"))["claim"]
    tests = [test for claim in claims for test in claim["test"] if test["kind"] == "published"]
    asked = {test["value"]["metric"]: test["published"] for test in tests if test["value"]["case"] == CASE}

    printed: dict[str, float] = {}
    for number, epoch in enumerate(printed_log.EPOCHS, 1):
        line = {"loss": epoch.loss, "accuracy": epoch.accuracy, "val_loss": epoch.val_loss, "val_accuracy": epoch.val_accuracy}
        printed |= {f"{name}_{number}": value for name, value in line.items()}
    assert pytest.approx(printed_log.EPOCHS[4].loss / printed_log.EPOCHS[0].loss, abs=5e-5) == asked.pop("loss_ratio")
    assert asked == {name: printed[name] for name in asked}
    assert 8 == len(asked)


# --- what a sample costs ---


def test_times_a_sample_by_hand() -> None:
    """Ten steps of 32 in 0.32 s are 1 ms a sample; a first ten of 6.32 s is 6 s of start-up, a tenth of an epoch of 60 s."""
    found = keras_cost.told(first=6.32, training=0.32, evaluation=0.08)

    assert pytest.approx((1e-3, 2.5e-4, 0.25, 6.0, 1.1)) == tuple(found.values())
    assert 1.0 == keras_cost.told(first=0.3, training=0.32, evaluation=0.08)["first_epoch_ratio"]


def test_the_network_is_timed() -> None:
    """A round gives every outcome, and times above 0."""
    found = keras_cost.EXPERIMENT.perform({"rounds": 1}, seed=1)

    assert all(value is not None and value > 0 for name, value in found.items() if name != "start_up_seconds")


def test_no_rounds_are_refused() -> None:
    """At least one round is timed."""
    with pytest.raises(UsageError, match="option rounds = 0"):
        keras_cost.run(Setting(1), rounds=0)
