"""One run's process from inside: what it stores, what it forgives, what it does not."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from time import perf_counter

import pytest
import torch
from torch import nn

from harness.catalog import Catalog
from harness.data import Split, Splits
from harness.observations import Observations
from harness.project import find_project
from harness.runner import worker
from harness.runner.jobs import Job, Outcome
from harness.runner.passes import train
from harness.suite import Recipe, load_suite
from harness.tasks import Learning, Scores, Task, Turn
from harness.train import DivergedError, Loop
from harness.train import Job as TrainJob


def training(model: nn.Module, precision: str = "fp32") -> TrainJob:
    """Return a training of a model of 4 features and 3 classes on 12 samples."""
    split = Split(torch.linspace(-1, 1, 48).reshape(12, 4), torch.arange(12) % 3)
    task: Task = Catalog().load("tasks", "classification")
    learning, recipe = task.start(Splits(split, split)), Recipe(batch_size=4, epochs=1)
    return TrainJob(model, task, learning, recipe, 1, split, None, split, torch.device("cpu"), precision)


class Faulty(nn.Linear):
    """A layer that raises once the trained model is probed: in training mode if `mode`, else in evaluation mode."""

    def __init__(self, mode: bool, error: Exception) -> None:
        super().__init__(4, 3)
        self.mode, self.error = mode, error

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if self.training == self.mode:
            raise self.error
        return super().forward(x)


def test_a_probe_that_fails_gives_nulls_with_the_reason() -> None:
    """The numbers already there outlive an inference or a count that does not work; only the first line is kept."""
    seen = Observations()
    train.measure_inference(training(Faulty(False, ValueError("no such kernel\nstack"))), seen)
    train.count_operations(training(Faulty(True, NotImplementedError())), seen)

    assert seen.nulls == {
        "infer_latency_seconds": "unsupported: ValueError: no such kernel",
        "infer_batch_seconds": "unsupported: ValueError: no such kernel",
        "train_flops_per_sample": "unsupported: NotImplementedError: ",
    }
    assert seen.missing("train_flops_per_sample").null_reason == seen.nulls["train_flops_per_sample"]


@pytest.mark.parametrize("error", [MemoryError(), torch.OutOfMemoryError(), RuntimeError("can't allocate memory")])
def test_a_probe_out_of_memory_fails_the_run(error: Exception) -> None:
    """Lack of memory is the run's own status, not an unsupported reading."""
    with pytest.raises(type(error)):
        train.measure_inference(training(Faulty(False, error)), Observations())
    with pytest.raises(type(error)):
        train.count_operations(training(Faulty(True, error)), Observations())


def test_a_count_of_zero_is_null_where_there_are_parameters() -> None:
    """A linear layer costs 12 multiply-adds forward and for its weights; scaling alone is unknown to the counter, not free."""

    class Scale(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.factor = nn.Parameter(torch.ones(4))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x * self.factor

    linear, scale = Observations(parameters=15), Observations(parameters=4)
    train.count_operations(training(nn.Linear(4, 3)), linear)
    train.count_operations(training(Scale()), scale)

    assert linear.train_flops_per_sample == 2 * 2 * 12
    assert scale.train_flops_per_sample is None
    assert scale.nulls["train_flops_per_sample"].startswith("unsupported: ")


def test_texts_are_counted_without_the_padding_that_training_cuts_off() -> None:
    """Three ids of width five: operations of a linear layer over the padded texts are those of the longest text."""
    split = Split(torch.tensor([[4, 5, 0, 0, 0], [4, 5, 6, 0, 0]]), torch.tensor([[2, 3, 0], [2, 3, 0]]))

    class Wide(nn.Linear):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return super().forward(x.double()[..., None].expand(-1, -1, 4).float())

    learning = Learning((Turn(lambda model, inputs, labels: model(inputs).sum()),), lambda *_: Scores({}), padded=True)
    task = Task("score", {"score": "higher"}, lambda splits: learning)
    job = TrainJob(Wide(4, 3), task, learning, Recipe(epochs=1), 1, split, None, split, torch.device("cpu"))
    seen = Observations(parameters=15)
    train.count_operations(job, seen)

    assert seen.train_flops_per_sample == 2 * 2 * 12 * 3  # forward and for the weights, 12 multiply-adds, 3 ids


def test_inference_and_scores_have_the_precision_of_training() -> None:
    """A bf16 run is timed and scored in bfloat16."""
    kinds: set[torch.dtype] = set()

    class Telling(nn.Linear):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            out = super().forward(x)
            kinds.add(out.dtype)
            return out

    job = training(Telling(4, 3), "bf16")
    train.measure_inference(job, Observations())
    train.score(job, Observations())

    assert kinds == {torch.bfloat16}


@pytest.mark.parametrize(("value", "message"), [(math.nan, "test loss was nan"), (math.inf, "test loss was nan")])
def test_a_test_loss_that_is_not_finite_has_diverged(value: float, message: str) -> None:
    """Weights that give no finite loss are no result."""
    model = nn.Linear(4, 3)
    nn.init.constant_(model.weight, value)

    with pytest.raises(DivergedError, match=f"^{message} after training$"):
        train.score(training(model), Observations())


def test_a_weight_that_is_not_finite_has_diverged() -> None:
    """Also where the scores do not show it."""
    model = nn.Sequential(nn.Linear(4, 3))
    model.register_parameter("unused", nn.Parameter(torch.tensor([0.0, math.inf])))

    with pytest.raises(DivergedError, match=r"^weights 'unused' were not finite after training$"):
        train.score(training(model), Observations())


def test_hashing_the_initial_weights_is_not_the_runs_time() -> None:
    """The time to the first step is counted from a moment later by what the digests took, and by no more."""
    job = training(nn.Linear(4, 3))
    before, started = job.build_started, perf_counter()
    Loop(job, Observations()).take_up()
    elapsed = perf_counter() - started

    assert 0 < job.build_started - before <= elapsed


def test_a_last_step_that_diverges_is_a_diverged_run(
    project_folder: Path, write_project: Callable[..., None], tmp_path: Path
) -> None:
    """A run of one huge step has a finite training loss and no finite score: its status is diverged."""
    write_project(
        {"good": 'recipe = { steps = 1, batch_size = "full", optimizer = { name = "sgd", lr = 3e38, weight_decay = 1e3 } }'}
    )
    project = find_project(project_folder)
    [case] = load_suite(project_folder / "suites" / "mine.toml", project.catalog()).cases
    folder = tmp_path / "job"
    Job("run", case, folder, project, seed=1).write()

    worker.work(folder)

    outcome = Outcome.read(folder)
    assert outcome is not None
    assert outcome.status == "diverged"
    assert outcome.reason.endswith("after training")
