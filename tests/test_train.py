"""The training loop against plain loops of torch, and everything it records."""

from __future__ import annotations

import hashlib
import math
from pathlib import Path
from time import monotonic
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from harness.catalog import Catalog
from harness.data import Split, Splits
from harness.digests import digest_of, state_digests
from harness.errors import DataError, UsageError
from harness.observations import Observations
from harness.probes.memory import peak_rss_bytes, reset_peak_rss
from harness.seeds import generator
from harness.suite import Optimizer, Recipe, Schedule
from harness.tasks import Learning, Scores, Task
from harness.train import (
    WARMUP_SECONDS,
    WARMUP_STEPS,
    DivergedError,
    Job,
    Loop,
    Progress,
    Reach,
    StepPlan,
    draw_order,
    hold_out,
    make_schedule,
    train,
)
from harness.train._steady import find_steady

SAMPLES = 50
TASK: Task = Catalog().load("tasks", "classification")
NOTHING = Split(torch.zeros(0, 6), torch.zeros(0, dtype=torch.int64))
LEARNING = TASK.start(Splits(NOTHING, NOTHING, ("a", "b", "c")))


def material(seed: int = 0) -> tuple[nn.Module, Split]:
    """Return a small classifier and samples it can learn."""
    torch.manual_seed(seed)
    inputs = torch.randn(SAMPLES, 6)
    return nn.Sequential(nn.Linear(6, 8), nn.Tanh(), nn.Linear(8, 3)), Split(inputs, inputs[:, :3].argmax(1))


def job(model: nn.Module, split: Split, recipe: Recipe, **more: Any) -> Job:
    """Return a job on the CPU, with the training split as test split."""
    return Job(model, TASK, LEARNING, recipe, 1, split, None, split, torch.device("cpu"), **more)


def trained(recipe: Recipe, seed: int = 0, **more: Any) -> tuple[nn.Module, Observations]:
    """Train fresh material by a recipe."""
    model, split = material(seed)
    seen = Observations()
    train(job(model, split, recipe, **more), seen)
    return model, seen


def by_hand(epochs: int, batch: int, make: Any) -> tuple[nn.Module, list[float], list[str]]:
    """Train the same material with a loop written from torch's documentation."""
    model, split = material()
    optimizer, shuffle = make(model.parameters()), generator(1, "shuffle")
    losses: list[float] = []
    orders: list[str] = []
    for _ in range(epochs):
        order = torch.randperm(SAMPLES, generator=shuffle)
        orders.append(hashlib.sha256(order.numpy().tobytes()).hexdigest())
        for start in range(0, SAMPLES, batch):
            chosen = order[start : start + batch]
            optimizer.zero_grad()
            loss = F.cross_entropy(model(split.inputs[chosen]), split.labels[chosen])
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
    return model, losses, orders


def test_training_equals_a_loop_written_by_hand_bit_for_bit() -> None:
    """Weights, loss curve and batch order are those of the plain loop."""
    recipe = Recipe(optimizer=Optimizer(name="sgd", lr=0.1, momentum=0.9), batch_size=16, epochs=3)
    model, seen = trained(recipe)
    expected, losses, orders = by_hand(3, 16, lambda parameters: torch.optim.SGD(parameters, lr=0.1, momentum=0.9))

    assert state_digests(expected.state_dict()) == state_digests(model.state_dict())
    assert losses == seen.losses.tolist()
    assert digest_of(orders) == seen.digests["batch_order"]


def test_what_was_observed_adds_up() -> None:
    """Steps, samples, epochs and times have one entry a step, the partial batch included."""
    _, seen = trained(Recipe(batch_size=16, epochs=3))

    assert seen.step_samples.tolist() == [16, 16, 16, 2] * 3
    assert seen.step_epochs.tolist() == [1] * 4 + [2] * 4 + [3] * 4
    assert len(seen.step_seconds) == len(seen.loader_seconds) == len(seen.step_cpu_seconds) == 12
    assert WARMUP_STEPS <= seen.warmup_steps <= 12
    assert seen.train_seconds is not None
    assert seen.train_seconds >= seen.step_seconds.sum() + seen.loader_seconds.sum()
    assert [evaluation.step for evaluation in seen.evaluations] == [4, 8, 12]


def test_accumulated_batches_make_the_step_of_one_large_batch() -> None:
    """The gradient is the mean over a step's samples, whatever the batches: equal to rounding."""
    one, _ = trained(Recipe(batch_size=20, epochs=2))
    many, seen = trained(Recipe(batch_size=7, accumulate=3, epochs=2, drop_last=False))
    same, _ = trained(Recipe(batch_size=21, epochs=2))

    assert seen.step_samples.tolist() == [21, 21, 8] * 2
    for first, second in zip(many.parameters(), same.parameters(), strict=True):
        torch.testing.assert_close(first, second, rtol=1e-5, atol=1e-6)
    assert state_digests(one.state_dict()) != state_digests(many.state_dict())


def test_dropping_the_last_drops_a_partial_batch_and_no_whole_one() -> None:
    """50 samples in batches of 7, three a step: 49 are used, and an epoch's last step has one batch."""
    _, seen = trained(Recipe(batch_size=7, accumulate=3, epochs=2, drop_last=True))

    assert seen.step_samples.tolist() == [21, 21, 7] * 2


def test_clipping_bounds_the_step() -> None:
    """With plain SGD, one step moves the weights by at most rate times clip norm."""
    model, split = material()
    before = torch.cat([parameter.detach().flatten() for parameter in model.parameters()])
    recipe = Recipe(optimizer=Optimizer(name="sgd", lr=0.5), batch_size="full", steps=1, clip_norm=0.01)
    train(job(model, split, recipe), Observations())
    after = torch.cat([parameter.detach().flatten() for parameter in model.parameters()])

    assert (after - before).norm().item() == pytest.approx(0.5 * 0.01, rel=1e-4)


def test_a_training_can_be_counted_in_steps() -> None:
    """The last epoch is cut short where the steps are used up."""
    _, seen = trained(Recipe(batch_size=16, steps=6))

    assert seen.step_samples.tolist() == [16, 16, 16, 2, 16, 16]
    assert [(evaluation.epoch, evaluation.step) for evaluation in seen.evaluations] == [(1, 4), (2, 6)]


@pytest.mark.parametrize(
    ("recipe", "samples", "expected"),
    [
        (Recipe(batch_size=64, epochs=10), 1437, (64, 23, 230, 10)),
        (Recipe(batch_size=64, epochs=10, drop_last=True), 1437, (64, 22, 220, 10)),
        (Recipe(batch_size="full", epochs=10), 1437, (1437, 1, 10, 10)),
        (Recipe(batch_size=64, epochs=1), 60000, (64, 938, 938, 1)),
        (Recipe(batch_size=100, epochs=2), 50, (50, 1, 2, 2)),
        (Recipe(batch_size=10, accumulate=2, steps=7), 50, (10, 3, 7, 3)),
        (Recipe(batch_size=7, accumulate=3, epochs=2, drop_last=True), 50, (7, 3, 6, 2)),
        (Recipe(batch_size=30, accumulate=2, epochs=2, drop_last=True), 50, (30, 1, 2, 2)),
    ],
)
def test_a_recipe_is_planned_in_steps(recipe: Recipe, samples: int, expected: tuple[int, ...]) -> None:
    """Batch, steps an epoch, steps and epochs follow from the recipe by arithmetic."""
    plan = StepPlan.of(recipe, samples)

    assert expected == (plan.batch_size, plan.steps_per_epoch, plan.steps, plan.epochs)


def test_a_diverging_loss_names_its_first_step() -> None:
    """A NaN ends the training with the step at which it appeared."""
    model, split = material()
    split.inputs[torch.randperm(SAMPLES, generator=generator(1, "shuffle"))[17]] = math.nan

    with pytest.raises(DivergedError, match=r"training loss was nan at step 2$"):
        train(job(model, split, Recipe(batch_size=16, epochs=1)), Observations())


def test_best_weights_are_those_that_validation_preferred() -> None:
    """select = best restores the evaluation with the highest validation score, not the last."""
    model, split = material()
    training, validation = hold_out(Splits(split, split), 0.3, seed=1)
    recipe = Recipe(optimizer=Optimizer(name="sgd", lr=30.0), batch_size=8, epochs=8, validation=0.3, select="best")
    seen = Observations()
    train(Job(model, TASK, LEARNING, recipe, 1, training, validation, split, torch.device("cpu")), seen)

    assert validation is not None
    scores = [evaluation.scores["accuracy"] for evaluation in seen.evaluations]
    assert len(set(scores)) > 1
    assert max(scores) == LEARNING.evaluate(model, validation, 64).values["accuracy"]
    assert {evaluation.split for evaluation in seen.evaluations} == {"validation"}


def test_held_out_samples_are_apart_and_complete() -> None:
    """Validation and training share no sample, lose none, and follow the split stream."""
    split = Split(torch.arange(10.0)[:, None], torch.arange(10))

    training, validation = hold_out(Splits(split, split), 0.3, seed=4)

    assert validation is not None
    assert len(validation) == 3
    assert sorted([*training.labels.tolist(), *validation.labels.tolist()]) == list(range(10))
    assert hold_out(Splits(split, split), 0.3, seed=4)[0].labels.tolist() == training.labels.tolist()
    assert hold_out(Splits(split, split), 0.0, seed=4) == (split, None)


def test_a_data_sets_own_validation_split_is_used_as_it_is() -> None:
    """Nothing is held out of its training split, and asking for that is an error."""
    split, own = Split(torch.zeros(4, 1), torch.arange(4)), Split(torch.zeros(2, 1), torch.arange(2))

    assert hold_out(Splits(split, split, validation=own), 0.0, seed=1) == (split, own)
    with pytest.raises(DataError, match=r"^recipe.validation = 0.5: the data set has a validation split of its own"):
        hold_out(Splits(split, split, validation=own), 0.5, seed=1)


@pytest.mark.parametrize(("share", "held"), [(0.99, 4), (1.0, 4), (0.1, 0), (1e-9, 0)])
def test_a_share_that_leaves_nothing_on_either_side_is_refused(share: float, held: int) -> None:
    """The message names the setting, what was found and what to do; no training falls back to another split in silence."""
    split = Split(torch.zeros(4, 1), torch.arange(4))

    with pytest.raises(
        DataError, match=rf"^recipe.validation: a share of \S+ holds out {held} of 4 training samples, .*; choose"
    ):
        hold_out(Splits(split, split), share, seed=1)


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        (Schedule(name="constant", warmup_steps=3), [0.25, 0.5, 0.75, 1, 1, 1]),
        (Schedule(name="linear"), [1, 5 / 6, 4 / 6, 3 / 6, 2 / 6, 1 / 6]),
        (Schedule(name="cosine"), [(1 + math.cos(math.pi * step / 6)) / 2 for step in range(6)]),
        (Schedule(name="step", step_epochs=1, gamma=0.1), [1, 1, 0.1, 0.1, 0.01, 0.01]),
    ],
)
def test_the_learning_rate_follows_its_closed_form(schedule: Schedule, expected: list[float]) -> None:
    """The rate of each of six steps, two an epoch, is that of the formula."""
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    recipe = Recipe(batch_size=5, epochs=3, schedule=schedule)
    moving = make_schedule(recipe, optimizer, StepPlan.of(recipe, 10))
    assert moving is not None
    rates = []
    for _ in range(6):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        moving.step()

    assert expected == pytest.approx(rates)


def test_a_constant_rate_needs_no_schedule() -> None:
    """Nothing is paid for a rate that does not move."""
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    recipe = Recipe(epochs=1)

    assert make_schedule(recipe, optimizer, StepPlan.of(recipe, 10)) is None


def test_progress_counts_up_to_the_plan() -> None:
    """What is reported while training is true of the steps so far."""
    model, split = material()
    told: list[Progress] = []
    task_job = job(model, split, Recipe(batch_size=1, epochs=40), report=told.append)
    train(task_job, Observations())

    assert told
    assert all(progress.steps == 40 * SAMPLES and progress.samples == progress.step for progress in told)
    assert all(np.isfinite(progress.loss) for progress in told)
    assert [progress.step for progress in told] == sorted(progress.step for progress in told)


def test_evaluation_does_not_disturb_the_training_stream() -> None:
    """Evaluating twice as often gives the same weights, with dropout in the model (defect 9 of article 000)."""
    digests = []
    for every in (1, 2):
        torch.manual_seed(0)
        model, split = nn.Sequential(nn.Linear(6, 8), nn.Dropout(0.5), nn.Linear(8, 3)), material()[1]
        torch.manual_seed(3)
        train(job(model, split, Recipe(batch_size=16, epochs=4, evaluate_epochs=every)), Observations())
        digests.append(state_digests(model.state_dict()))

    assert digests[0] == digests[1]


class Telling(nn.Linear):
    """A layer that notes, for each pass, whether it trains, the kind of its output and the moment."""

    def __init__(self) -> None:
        super().__init__(6, 3)
        self.passes: list[tuple[bool, torch.dtype, float]] = []

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out = super().forward(x)
        self.passes.append((self.training, out.dtype, monotonic()))
        return out


def test_evaluations_have_the_precision_of_training() -> None:
    """With bf16, training and evaluation both compute in bfloat16."""
    model, (_, split) = Telling(), material()
    train(job(model, split, Recipe(batch_size=16, epochs=2), precision="bf16"), Observations())

    assert {(training, kind) for training, kind, _ in model.passes} == {(True, torch.bfloat16), (False, torch.bfloat16)}


def test_windows_hold_the_training_and_no_evaluation() -> None:
    """Each epoch's steps lie within its window, and every evaluation outside all of them."""
    model, (_, split), seen = Telling(), material(), Observations()
    train(job(model, split, Recipe(batch_size=16, epochs=3)), seen)

    assert len(seen.train_windows) == 3
    for training, _, moment in model.passes:
        assert training == any(start <= moment <= end for start, end in seen.train_windows)


def test_windows_and_samples_survive_the_way_to_the_supervisor(tmp_path: Path) -> None:
    """What a run's process saves is what the harness loads."""
    seen = Observations(train_windows=[(1.5, 2.5), (3.0, 4.0)])
    seen.save(tmp_path)

    assert Observations.load(tmp_path).train_windows == [(1.5, 2.5), (3.0, 4.0)]


@pytest.mark.parametrize("seconds", [0.0, 0.05, 1e9])
def test_the_warm_up_lasts_its_steps_and_its_seconds(seconds: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """Quick steps go on warming up until the time has passed too; a run that ends before keeps to the number of steps."""
    monkeypatch.setitem(WARMUP_SECONDS, "cpu", seconds)
    loop, settled = Loop(job(*material(), Recipe(batch_size=5, epochs=200)), Observations()), list[int]()
    loop.peaks.settle = lambda: settled.append(loop.warmup_steps)
    for epoch in range(1, 201):
        loop.epoch(epoch)

    if seconds == 0.05:
        assert WARMUP_STEPS < loop.warmup_steps < len(loop.losses)
    else:
        assert loop.warmup_steps == WARMUP_STEPS
    assert settled == ([] if seconds == 1e9 else [loop.warmup_steps])


def test_a_pace_that_settles_ends_the_warm_up() -> None:
    """Slow first steps are cut off at the first window that is as quick as all that follow, and the rest kept one pace."""
    seconds = np.concatenate([np.full(30, 0.02), np.full(200, 0.01)])

    warmup, steady = find_steady(seconds, 10)

    assert (26, True) == (warmup, steady)  # from step 26 on, more than half of a window of ten is quick


def test_a_steady_pace_needs_no_more_than_the_least() -> None:
    """Nothing is cut off for the sake of a few slow steps."""
    seconds = np.full(100, 0.01)
    seconds[[15, 40, 41]] = 1.0

    assert (10, True) == find_steady(seconds, 10)


def test_a_pace_that_never_settles_is_capped_and_said() -> None:
    """Steps that go on getting slower lose no more than half of themselves to the warm-up, and are not steady."""
    assert (10, False) == find_steady(np.linspace(0.01, 0.02, 400), 10)
    assert (200, False) == find_steady(np.linspace(0.02, 0.001, 400), 10)


def test_a_run_of_few_steps_is_all_warm_up() -> None:
    """With no more steps than the warm-up takes, nothing is said of its pace."""
    assert (10, True) == find_steady(np.full(4, 0.01), 10)
    assert (10, True) == find_steady(np.empty(0), 10)


class Greedy(nn.Linear):
    """A layer that takes 100 MiB for a moment when it does not train."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if not self.training:
            torch.ones(25 * 2**20)
        return super().forward(x)


def test_the_peak_is_that_of_training_and_not_of_evaluation() -> None:
    """Memory that only evaluations take is in no peak of training."""
    model, (_, split), seen = Greedy(6, 3), material(), Observations()
    reset_peak_rss()
    before = peak_rss_bytes()
    train(job(model, split, Recipe(batch_size=16, epochs=3)), seen)

    assert before is not None
    assert seen.host_peak_bytes is not None
    assert seen.host_peak_bytes - before < 50 * 2**20


def scoring(values: list[float]) -> tuple[Task, Learning]:
    """Return a task, lower is better, whose evaluations give these scores one after the other."""
    coming = iter(values)
    learning = Learning(LEARNING.turns, lambda model, split, batch_size: Scores({"distance": next(coming)}))
    return Task("distance", {"distance": "lower"}, lambda splits: learning), learning


def test_weights_of_a_score_that_is_no_number_are_never_chosen() -> None:
    """With scores nan, 5, 1, 3 the third epoch's weights are selected."""
    recipe, found = Recipe(batch_size=16, epochs=4, select="best"), []
    model, split = material()
    task, learning = scoring([math.nan, 5.0, 1.0, 3.0])
    train(Job(model, task, learning, recipe, 1, split, split, split, torch.device("cpu")), Observations())
    found.append(state_digests(model.state_dict()))
    model, split = material()
    task, learning = scoring([4.0, 3.0, 2.0])
    recipe = Recipe(batch_size=16, epochs=3, select="last")
    train(Job(model, task, learning, recipe, 1, split, split, split, torch.device("cpu")), Observations())

    assert found == [state_digests(model.state_dict())]


def test_choosing_weights_needs_a_validation_split() -> None:
    """The test split never chooses: without a validation split, select = best is an error."""
    model, split = material()

    with pytest.raises(UsageError, match=r'^recipe.select = "best": there is no validation split'):
        train(job(model, split, Recipe(epochs=1, select="best")), Observations())


def test_a_declared_score_that_is_not_given_is_an_error() -> None:
    """A task that declares a score and does not give it fails the run at its first evaluation."""
    model, split = material()
    _, learning = scoring([1.0])
    task = Task("accuracy", {"accuracy": "higher", "distance": "lower"}, lambda splits: learning)

    with pytest.raises(UsageError, match="declares scores that its evaluate does not give: accuracy"):
        train(Job(model, task, learning, Recipe(epochs=1), 1, split, None, split, torch.device("cpu")), Observations())


def test_losses_that_do_not_add_up_are_not_accumulated() -> None:
    """Where a batch's loss is no mean over samples, accumulating would change the gradient: it is refused."""
    model, split = material()
    learning, recipe = Learning(LEARNING.turns, LEARNING.evaluate, additive=False), Recipe(epochs=1, accumulate=2)

    with pytest.raises(UsageError, match=r"^recipe.accumulate = 2: the task's loss"):
        train(Job(model, TASK, learning, recipe, 1, split, None, split, torch.device("cpu")), Observations())


def test_sorting_by_length_needs_lengths() -> None:
    """A recipe with buckets for samples that have no length is refused."""
    model, split = material()

    with pytest.raises(UsageError, match=r"^recipe.bucket: the task's samples have no lengths"):
        train(job(model, split, Recipe(epochs=1, bucket=4)), Observations())


TEXTS = Split(
    torch.tensor([[5, 6, 0, 0, 0], [5, 0, 0, 0, 0], [5, 6, 7, 8, 0], [5, 6, 7, 0, 0], [0, 0, 7, 0, 0]]),
    torch.tensor([[2, 3, 0], [2, 3, 0], [2, 9, 3], [2, 9, 3], [2, 3, 0]]),
)


def test_a_batch_is_cut_behind_its_longest_text() -> None:
    """Padding behind the last id goes, padding before it stays."""
    inputs, labels = Reach.of(TEXTS).cut(TEXTS.inputs[[0, 1]], TEXTS.labels[[0, 1]], torch.tensor([0, 1]))
    assert [[5, 6], [5, 0]] == inputs.tolist()
    assert [[2, 3], [2, 3]] == labels.tolist()

    inputs, _ = Reach.of(TEXTS).cut(TEXTS.inputs[[4]], TEXTS.labels[[4]], torch.tensor([4]))
    assert [[0, 0, 7]] == inputs.tolist()


@pytest.mark.parametrize(("samples", "batch", "pool"), [(100, 8, 3), (100, 8, 50), (96, 8, 2), (5, 8, 1)])
def test_buckets_lose_and_double_no_sample(samples: int, batch: int, pool: int) -> None:
    """Every sample is taken once an epoch, batches hold texts of like length, and a short batch comes last."""
    draw = torch.Generator().manual_seed(samples)
    lengths = torch.randint(1, 30, (samples,), generator=draw)
    ids = (torch.arange(30) < lengths[:, None]).long() * 7
    reach, recipe = Reach.of(Split(ids, ids)), Recipe(batch_size=batch, epochs=2)
    plan = StepPlan.of(recipe, samples)

    order = draw_order(plan, 1, samples, pool, reach, torch.Generator().manual_seed(1))
    plain = draw_order(plan, 1, samples, None, reach, torch.Generator().manual_seed(1))

    assert sorted(order.tolist()) == list(range(samples))
    assert torch.equal(plain, torch.randperm(samples, generator=torch.Generator().manual_seed(1)))

    def padding(taken: torch.Tensor) -> int:
        return sum(int((lengths[part].max() - lengths[part]).sum()) for part in taken.split(batch))

    assert padding(order) < padding(plain) or samples <= batch
