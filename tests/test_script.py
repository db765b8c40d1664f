"""A script's own training under `harness.measure`: the same rows as a suite's run, without porting it."""

from __future__ import annotations

import math
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import psutil
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim.optimizer import register_optimizer_step_post_hook

import harness
from harness.catalog import Catalog
from harness.cli import main
from harness.errors import UsageError
from harness.metrics import Metric
from harness.observations import Observations
from harness.project import find_project
from harness.results import RunSet, find_run_set, run_sets
from harness.runner.execute import Ran
from harness.runner.record import load_metrics
from harness.script import Run
from harness.script._scores import ScoreNames
from harness.seeds import generator, seed_globals

METRICS: dict[str, Metric] = load_metrics(Catalog())


def batches(count: int = 4, size: int = 3) -> list[tuple[Tensor, Tensor]]:
    """Return batches of two features and a label."""
    return [(torch.ones(size, 2), torch.zeros(size, dtype=torch.int64)) for _ in range(count)]


@pytest.fixture
def run() -> Run:
    """A run that is not stored."""
    return Run(torch.device("cpu"), ScoreNames(METRICS, {"mine": "higher"}))


def values(run_set: RunSet, run_id: str | None = None) -> dict[str, float | str | None]:
    """Return the measurements of a run set's run, or of its only one: metric -> value."""
    rows = run_set.table("measurements")
    rows = rows[rows["run_id"] == run_id] if run_id else rows
    return {
        metric: (text if isinstance(text, str) else None if math.isnan(value) else value)
        for metric, value, text in zip(rows["metric"], rows["value"], rows["value_text"], strict=True)
    }


class Planted:
    """Sleeps, and keeps how long each sleep took by its own clock."""

    def __init__(self, seconds: float) -> None:
        self.seconds, self.took = seconds, list[float]()

    def __call__(self) -> None:
        started = perf_counter()
        time.sleep(self.seconds)
        self.took.append(perf_counter() - started)


def test_a_planted_delay_is_seen_where_it_was_planted_and_nowhere_else(project_folder: Path) -> None:
    """Loader, step and evaluation: each column holds what its own planted cost measured, within 2 %."""
    fetch, compute, evaluate = Planted(0.05), Planted(0.07), Planted(0.2)

    def slow() -> Iterator[Tensor]:
        for _ in range(8):
            fetch()
            yield torch.zeros(8)

    with harness.measure("planted", device="cpu") as run:
        for epoch in (1, 2):
            for _ in run.loader(slow()):
                compute()
            with run.evaluation(epoch):
                evaluate()
    held = find_run_set(project_folder / "results", "planted")
    steps, measured = held.table("steps"), values(held)

    assert 16 == len(steps)
    for column, planted in (("loader_seconds", fetch), ("seconds", compute)):
        assert 0.98 < np.median(steps[column] / planted.took) < 1.02, column
    evaluation, training = measured["evaluation_time"], measured["train_time"]
    assert isinstance(evaluation, float)
    assert isinstance(training, float)
    assert 0.98 < evaluation / sum(evaluate.took) < 1.02
    assert training < sum(steps["seconds"]) + sum(steps["loader_seconds"]) + evaluation
    assert steps["cpu_seconds"].median() < 0.5 * compute.seconds


def test_rate_times_seconds_is_the_samples(run: Run) -> None:
    """Throughput is samples over the seconds of the timed steps, exactly, whatever the batches' sizes."""
    sizes = [int(size) for size in np.random.default_rng(1).integers(1, 9, 40)]
    for _ in run.loader([torch.zeros(size) for size in sizes]):
        sum(range(10_000))
    seen = run.finish()
    rate = METRICS["train_throughput"].measure(seen).value
    seconds = (seen.step_seconds + seen.loader_seconds)[seen.timed].sum()

    assert sizes == seen.step_samples.tolist()
    assert rate is not None
    assert sum(sizes[seen.warmup_steps :]) == pytest.approx(rate * seconds, rel=1e-12)


def train_like_the_harness(run: Run, seed: int) -> None:
    """Train the project's linear model on its clouds by a loop written by hand, from the same streams."""
    draw = torch.Generator().manual_seed(7)
    labels = torch.arange(96) % 3
    inputs = torch.eye(3)[labels] + 0.1 * torch.randn(96, 3, generator=draw)
    seed_globals(seed, "init")
    model = nn.Linear(3, 3)
    optimizer, shuffle = torch.optim.Adam(model.parameters(), lr=0.05), generator(seed, "shuffle")
    run.model(model)
    for epoch in (1, 2):
        order = torch.randperm(64, generator=shuffle)
        for here in run.loader(order.split(8)):
            loss = F.cross_entropy(model(inputs[here]), labels[here])
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
            run.loss(loss)
        with run.evaluation(epoch), torch.no_grad():
            right = model(inputs[64:]).argmax(1) == labels[64:]
            run.score(accuracy=right.double().mean())
    run.model(model)


def test_the_rows_are_those_of_the_same_training_in_a_suite(
    project_folder: Path, write_project: Callable[..., None], run_mine: Callable[..., Ran]
) -> None:
    """Losses bit for bit, steps, samples, scores and digests of the weights."""
    write_project({"good": "passes = []\nseeds = [1]\ndigest_steps = []"})
    own = run_mine().run_set
    with harness.measure("script", seed=1, device="cpu") as run:
        train_like_the_harness(run, 1)
    script = find_run_set(project_folder / "results", "script")

    columns = ["step", "epoch", "samples", "loss"]
    assert own.table("steps")[columns].to_dict() == script.table("steps")[columns].to_dict()
    columns = ["epoch", "step", "split", "metric", "value"]
    wanted = own.table("evaluations")
    assert wanted[wanted["metric"] == "accuracy"][columns].to_dict("list") == script.table("evaluations")[columns].to_dict(
        "list"
    )
    mine, theirs = values(script), values(own)
    for metric in ("accuracy", "loss_curve_digest", "final_train_loss", "training_steps", "samples_seen", "parameters"):
        assert theirs[metric] == mine[metric], metric
    assert own.table("digests")["sha256"].tolist() == script.table("digests")["sha256"].tolist()
    assert theirs.keys() == mine.keys()
    assert "ok" == script.table("runs")["status"][0]


@pytest.mark.parametrize(
    ("error", "status", "reason"),
    [
        (RuntimeError("boom"), "failed", "RuntimeError: boom"),
        (KeyboardInterrupt(), "killed", "KeyboardInterrupt"),
        (MemoryError("too much"), "oom", "MemoryError: too much"),
        (None, "diverged", "training loss was nan at step 3"),
    ],
)
def test_a_block_that_fails_keeps_its_row(project_folder: Path, error: BaseException | None, status: str, reason: str) -> None:
    """The exception goes on up; the row says how the block ended, and holds no number."""

    def block() -> None:
        with harness.measure("failing", device="cpu") as run:
            for step, _ in enumerate(run.loader(batches()), start=1):
                run.loss(math.nan if step == 3 and error is None else 0.5)
                if step == 2 and error is not None:
                    raise error

    if error is None:
        block()
    else:
        with pytest.raises(type(error)):
            block()
    held = find_run_set(project_folder / "results", "failing")
    rows = held.table("runs")

    assert [(status, reason)] == list(zip(rows["status"], rows["reason"], strict=True))
    assert 0 == len(held.table("steps")) == len(held.table("measurements"))
    assert held.manifest.complete


SCRIPT = """
import signal, sys
import torch
import harness

torch.set_num_threads(1)
for seed in map(int, sys.argv[2].split(",")):
    gates = {"accuracy": {"margin": 0.02}, "final_train_loss": {"margin": 0.1}}
    with harness.measure("mine", case="tiny", seed=seed, device="cpu", gates=gates, into=sys.argv[1]) as run:
        for batch in run.loader([torch.zeros(4)] * 30):
            run.loss(torch.tensor(0.5 + seed / 1000))
            if len(sys.argv) > 3:
                open("waiting", "w").close()
                signal.pause()
        with run.evaluation():
            run.score(accuracy=0.9 + seed / 1000)
"""


def start(folder: Path, *arguments: str) -> subprocess.Popen[bytes]:
    """Start the script."""
    (folder / "script.py").write_text(SCRIPT)
    return subprocess.Popen([sys.executable, "script.py", *arguments], cwd=folder)


def test_executions_fill_one_run_set_that_is_compared_and_reported(
    project_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Seeds of several executions come together `into` a set; compare, gate, report and list take it as any other."""
    for into, seeds in (("before", "1,2"), ("before", "3"), ("after", "1,2,3")):
        assert 0 == start(project_folder, into, seeds).wait()
    before, after = run_sets(project_folder / "results", "mine")

    assert ["before", "after"] == [before.path.name, after.path.name]  # by age, not by name
    assert (1, 2, 3) == before.manifest.suite.cases[0].seeds
    assert before.manifest.complete
    assert {"tiny: same"} == {f"{row.case}: {row.verdict}" for row in harness.compare("mine/after", "mine/before").itertuples()}
    assert 4 == main(["gate", "mine"])  # no baseline yet: new
    assert 0 == main(["baseline", "propose", "mine", "--reason", "first"])
    assert 0 == main(["baseline", "promote", "mine"])
    assert 0 == main(["gate", "mine"])
    assert 0 == main(["report", "mine/after"])
    assert 0 == main(["results", "ls"])
    assert "mine/before\tcomplete\t3/3" in capsys.readouterr().out
    assert "0.9020" in (after.path / "report.md").read_text()
    assert {1, 2, 3} == set(harness.load("mine/before")["runs"]["seed"])


def test_a_killed_script_leaves_no_half_row_and_is_missed(project_folder: Path) -> None:
    """After kill -9 there is no row, its watcher is gone, the gate knows what is absent, and the next execution fills it in."""
    script = start(project_folder, "killed", "1", "wait")
    deadline = time.monotonic() + 120
    while not (project_folder / "waiting").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    watchers = psutil.Process(script.pid).children()
    script.kill()
    script.wait()
    _, alive = psutil.wait_procs(watchers, timeout=30)
    held = find_run_set(project_folder / "results", "mine/killed")

    assert 1 == len(watchers)
    assert [] == alive
    assert 0 == len(held.table("runs"))
    assert not held.manifest.complete
    assert 5 == main(["gate", "mine"])
    assert 0 == start(project_folder, "killed", "1").wait()
    assert ["ok"] == held.table("runs")["status"].tolist()
    assert held.manifest.complete


FORKING = """
import os, sys
import torch
import harness

torch.set_num_threads(1)
with harness.measure("mine", device="cpu") as run:
    for batch in run.loader([torch.zeros(4)] * 3):
        pass
    if os.fork() == 0:
        sys.exit(3)
    os.wait()
    list(run.loader([torch.zeros(4)] * 2))
"""


def test_a_fork_that_leaves_the_block_leaves_the_run_alone(project_folder: Path) -> None:
    """It stores nothing and removes nothing; the run is the process's that began it."""
    (project_folder / "script.py").write_text(FORKING)
    subprocess.run([sys.executable, "script.py"], cwd=project_folder, check=True)
    held = find_run_set(project_folder / "results", "mine")

    assert [("ok", 1)] == list(zip(held.table("runs")["status"], held.table("runs")["repeat"], strict=True))
    assert 5 == len(held.table("steps"))
    assert held.manifest.complete


def test_a_run_set_that_is_only_just_being_made_is_the_one_gone_into(project_folder: Path) -> None:
    """Its folder is there and its manifest not yet, as another process leaves it for a moment: none is made beside it."""
    (project_folder / "results" / "mine" / "x").mkdir(parents=True)
    with harness.measure("mine", device="cpu", into="x") as run:
        list(run.loader(batches()))

    assert ["mine/x"] == [run_set.name for run_set in run_sets(project_folder / "results", "mine")]


def test_a_run_again_is_a_repeat_and_takes_the_place_of_a_failed_one(project_folder: Path) -> None:
    """In one run set, seed 1 fails, then runs twice: two good runs are left, two repeats."""
    with pytest.raises(RuntimeError), harness.measure("again", seed=1, device="cpu", into="x"):
        raise RuntimeError("boom")
    for _ in range(2):
        with harness.measure("again", seed=1, device="cpu", into="x") as run:
            list(run.loader(batches()))
    rows = find_run_set(project_folder / "results", "again/x").table("runs")

    assert [("ok", 1), ("ok", 2)] == sorted(zip(rows["status"], rows["repeat"], strict=True))


def test_a_case_that_is_another_is_refused(project_folder: Path) -> None:
    """One run set holds one definition of a case; a second run at a time is refused too."""
    with harness.measure("one", device="cpu", into="x") as run:
        list(run.loader(batches()))
        with (
            pytest.raises(UsageError, match=r"in use.*in a script: another into="),
            harness.measure("one", device="cpu", into="x"),
        ):
            pass
    with pytest.raises(UsageError, match=r"holds the case 'one' as another: .*targets\.accuracy absent → 0\.9"):
        harness.measure("one", device="cpu", into="x", targets={"accuracy": 0.9}).__enter__()

    assert 1 == len(find_run_set(project_folder / "results", "one/x").table("runs"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"name": "a/b"}, "no name"),
        ({"name": "baselines"}, "no name"),
        ({"name": "taken"}, "is a suite of"),
        ({"precision": "fp8"}, "execution.precision"),
        ({"device": "gpu"}, "execution.device"),
        ({"seed": -1}, r"seeds\.0"),
        ({"targets": {"acuracy": 0.9}}, "did you mean 'accuracy'"),
        ({"directions": {"accuracy": "lower"}}, "directions: accuracy = 'lower': allowed: higher"),
        ({"directions": {"train_time": "lower"}}, "measures itself"),
        ({"gates": {"acuracy": {}}}, "did you mean 'accuracy'"),
        ({"gates": {"accuracy": {}}}, "margin above 0"),
        ({"into": "../x"}, "into"),
        ({"into": "x\n"}, "into"),
    ],
)
def test_an_argument_that_cannot_be_is_one_clear_error(
    project_folder: Path, arguments: dict[str, object], message: str
) -> None:
    """It is raised before the block begins, and nothing is stored."""
    (project_folder / "suites" / "taken.toml").touch()
    given = {"name": "mine", "device": "cpu"} | arguments
    with pytest.raises(UsageError, match=message):
        harness.measure(**given).__enter__()  # type: ignore[arg-type]

    assert not list((project_folder / "results").glob("*/*/*.parquet"))


def test_loss_and_score_have_their_place(run: Run) -> None:
    """A loss belongs to a batch and is one number; a score belongs to an evaluation and has a direction."""
    with pytest.raises(UsageError, match=r"run\.loss: no batch is in hand"):
        run.loss(0.5)
    with pytest.raises(UsageError, match=r"run\.score: no evaluation is going on"):
        run.score(accuracy=1.0)
    for _ in run.loader(batches(1)):
        with pytest.raises(UsageError, match=r"shape \(3,\)"):
            run.loss(torch.zeros(3))
        run.loss(0.5)
        with pytest.raises(UsageError, match="noted already"):
            run.loss(0.5)
    with run.evaluation():
        with pytest.raises(UsageError, match="no metric of the catalogue, did you mean 'accuracy'"):
            run.score(acuracy=1.0)
        with pytest.raises(UsageError, match="an evaluation is going on"), run.evaluation():
            pass
        with pytest.raises(UsageError, match="an evaluation is going on"):
            next(iter(run.loader(batches())))
        run.score(mine=2.0, loss=0.25)
    seen = run.finish()

    assert {"mine": 2.0, "loss": 0.25} == seen.scores
    assert {"mine": "higher", "loss": "lower"} == seen.directions
    with pytest.raises(UsageError, match="is over; call it inside"):
        next(iter(run.loader(batches())))


def test_a_score_on_the_test_split_is_the_runs_whatever_was_last(run: Run) -> None:
    """Metrics are defined on the test split; validation stands in where a score is given on no other."""
    for test in (0.7, 0.8):
        with run.evaluation(split="test"):
            run.score(accuracy=test)
        with run.evaluation(split="validation"):
            run.score(accuracy=0.9, mine=1.0)
    seen = run.finish()

    assert {"accuracy": 0.8, "mine": 1.0} == seen.scores
    assert [0.7, 0.9, 0.8, 0.9] == [evaluation.scores["accuracy"] for evaluation in seen.evaluations]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [({"epoch": "validation"}, "epoch is 'validation'; allowed: a whole number"), ({"split": "valid"}, "split is 'valid'")],
)
def test_an_evaluation_that_cannot_be_is_refused_where_it_begins(
    project_folder: Path, arguments: dict[str, Any], message: str
) -> None:
    """And not when the training is over and its rows are written; the run keeps its row."""
    with pytest.raises(UsageError, match=message), harness.measure("mine", device="cpu") as run, run.evaluation(**arguments):
        run.score(accuracy=0.5)

    assert ["failed"] == find_run_set(project_folder / "results", "mine").table("runs")["status"].tolist()


def test_two_loaders_at_once_are_refused(run: Run) -> None:
    """One is in use until its loop ends; two go in as a pair."""
    first = iter(run.loader(batches()))
    next(first)
    with pytest.raises(UsageError, match="another loader is in use"):
        next(iter(run.loader(batches())))
    del first
    for pair in run.loader(zip(batches(2, 5), batches(2, 7), strict=True)):
        assert 2 == len(pair)

    assert [3, 5, 5][1:] == run.finish().step_samples.tolist()[-2:]


def test_a_loader_wrapped_once_is_looped_over_each_epoch(run: Run) -> None:
    """As the loader itself would be; a loop that is left early is over although the loader is kept."""
    loader = run.loader(batches(3))
    for _ in range(2):
        for number, _ in enumerate(loader, start=1):
            run.loss(0.5)
            if number == 2:
                break
    list(loader)

    assert [1, 1, 2, 2, 3, 3, 3] == run.finish().step_epochs.tolist()


def test_samples_are_the_first_tensors_length_or_what_is_said(run: Run) -> None:
    """Of nested batches too; a batch without a tensor has to say."""
    for batch in run.loader([{"scale": torch.tensor(1.0), "text": [torch.zeros(6, 2)]}]):
        del batch
    list(run.loader(["four"], samples=len))
    list(run.loader(["x"], samples=9))
    with pytest.raises(UsageError, match="a batch of type str holds no tensor"):
        list(run.loader(["x"]))

    assert [6, 4, 9] == run.finish().step_samples.tolist()


@pytest.mark.parametrize("samples", [0, -3, 2.5, lambda batch: "64", lambda batch: 0])
def test_samples_that_are_no_number_of_samples_are_refused(run: Run, samples: Any) -> None:
    """A throughput below 0, or a division by 0 at the end, would come of it; a number of numpy's is one."""
    with pytest.raises(UsageError, match="samples; allowed: a whole number, 1 or more"):
        list(run.loader(batches(1), samples=samples))
    list(run.loader(batches(1), samples=lambda batch: np.int64(5)))

    assert [5] == run.finish().step_samples.tolist()


def take(run: Run, **how: bool) -> Observations:
    """Take a loop that is left in its third batch, after or before training on it."""
    weight = nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([weight], lr=0.1)
    hook = register_optimizer_step_post_hook(run.updated)
    for number, _ in enumerate(run.loader(batches()), start=1):
        if number == 3 and how["early"]:
            break
        if how["loss"]:
            run.loss(number)
        if how["step"]:
            optimizer.step()
        if number == 3:
            break
    hook.remove()
    return run.finish()


@pytest.mark.parametrize(
    ("early", "loss", "step", "steps"),
    [
        (True, True, True, 2),
        (False, True, False, 3),
        (False, False, True, 3),
        (False, False, False, 2),
    ],
)
def test_a_batch_counts_if_it_was_trained_on_when_the_loop_was_left(
    run: Run, early: bool, loss: bool, step: bool, steps: int
) -> None:
    """Its loss was noted, or an optimiser stepped; what the others took is the same either way."""
    seen = take(run, early=early, loss=loss, step=step)

    assert steps == len(seen.step_samples) == len(seen.step_seconds) == len(seen.loader_seconds)
    assert ([1.0, 2.0, 3.0][:steps] if loss else []) == seen.losses.tolist()


def test_accumulated_batches_make_one_step(run: Run) -> None:
    """Four batches are a step and so is the rest; its loss is the mean over its samples, as in the harness's own loop."""
    sizes, losses = [2, 2, 2, 2, 2, 1], [1.0, 2.0, 3.0, 4.0, 5.0, 8.0]
    planted = Planted(0.01)
    for loss, _ in zip(losses, run.loader([torch.zeros(size) for size in sizes], accumulate=4), strict=True):
        planted()
        run.loss(torch.tensor(loss))
    seen = run.finish()

    assert [8, 3] == seen.step_samples.tolist()
    assert [2.5, 6.0] == pytest.approx(seen.losses.tolist(), rel=1e-6)
    assert sum(planted.took[:4]) <= seen.step_seconds[0]
    assert sum(planted.took[4:]) <= seen.step_seconds[1]


def test_an_evaluation_within_a_step_is_no_part_of_it(run: Run) -> None:
    """The step goes on afterwards: its time is what lies before and after; the evaluation knows how many steps were done."""
    work, evaluate = Planted(0.02), Planted(0.2)
    for _ in run.loader(batches(3)):
        work()
        run.loss(0.5)
        with run.evaluation():
            evaluate()
            run.score(accuracy=0.5)
        work()
    seen = run.finish()
    steps = np.reshape(work.took, (3, 2)).sum(axis=1)

    assert [1, 2, 3] == [evaluation.step for evaluation in seen.evaluations]
    assert 0.98 < np.median(seen.step_seconds / steps) < 1.02
    assert seen.evaluation_seconds is not None
    assert sum(evaluate.took) <= seen.evaluation_seconds
    assert seen.train_seconds is not None
    assert seen.train_seconds < seen.step_seconds.sum() + seen.evaluation_seconds
    assert 4 == len(seen.train_windows)


def test_a_step_without_a_loss_makes_the_losses_null(run: Run) -> None:
    """They are null with the step's number, and the steps are there."""
    for number, _ in enumerate(run.loader(batches())):
        if number != 2:
            run.loss(0.5)
    seen = run.finish()

    assert 4 == len(seen.step_samples)
    assert "not_measured: the script noted no loss at step 3" == METRICS["final_train_loss"].measure(seen).null_reason
    assert 4 == METRICS["training_steps"].measure(seen).value


def test_finding_that_there_is_no_batch_left_is_no_part_of_a_step(run: Run) -> None:
    """A loader that takes its time to end, as one with processes does, makes no step slower; the training takes that long."""
    ending = Planted(0.2)

    def slow_to_end() -> Iterator[Tensor]:
        yield from [torch.zeros(2)] * 2
        ending()

    for _ in range(2):
        list(run.loader(slow_to_end()))
    seen = run.finish()

    assert 4 == len(seen.loader_seconds) == len(seen.step_seconds)
    assert (seen.loader_seconds + seen.step_seconds).sum() < sum(ending.took)
    assert seen.train_seconds is not None
    assert sum(ending.took) <= seen.train_seconds


def test_many_losses_keep_their_order(run: Run) -> None:
    """More than are put together at a time."""
    for number, _ in enumerate(run.loader([torch.zeros(1)] * 700)):
        run.loss(torch.tensor(float(number)))

    assert [float(number) for number in range(700)] == run.finish().losses.tolist()


def test_a_loss_is_that_of_the_moment_it_is_noted(run: Run) -> None:
    """A tensor that is written again afterwards, as the static output of a CUDA graph is, changes nothing."""
    loss = torch.zeros(1)
    for number, _ in enumerate(run.loader(batches(3))):
        run.loss(loss.fill_(number))

    assert [0.0, 1.0, 2.0] == run.finish().losses.tolist()


def test_a_loader_that_fails_leaves_the_steps_before_it(run: Run) -> None:
    """Its exception goes on up, and the loop is over."""

    def broken() -> Iterator[Tensor]:
        yield torch.zeros(2)
        raise OSError("disk")

    with pytest.raises(OSError, match="disk"):
        list(run.loader(broken()))
    list(run.loader(batches(1)))

    assert [2, 3] == run.finish().step_samples.tolist()


def test_the_project_is_found_from_where_the_script_is_run(project_folder: Path) -> None:
    """Results lie in the project's results, one set an execution, and its runs say which file measured them."""
    for case in ("a", "b"):
        with harness.measure("where", case=case, device="cpu") as run:
            list(run.loader(batches()))
    (held,) = run_sets(find_project().results, "where")

    assert ["a", "b"] == [case.name for case in held.manifest.suite.cases]
    assert held.manifest.suite.why.startswith("measured by ")


@pytest.mark.gpu
def test_a_script_on_the_gpu_is_timed_there(project_folder: Path) -> None:
    """Steps are timed by events on the device, and its memory and use are seen; nothing of a step is lost or counted twice."""
    weight = torch.zeros(4096, 4096, device="cuda")
    with harness.measure("gpu", device="cuda") as run:
        for _ in run.loader([torch.ones(4096, 4096, device="cuda")] * 300):
            run.loss((weight @ weight).sum())
    held = find_run_set(project_folder / "results", "gpu")
    steps, measured = held.table("steps"), values(held)
    peak, reserved, training = (measured[name] for name in ("cuda_peak_allocated", "cuda_peak_reserved", "train_time"))

    assert "cuda" == held.table("runs")["device"][0]
    assert 300 == len(steps)
    assert isinstance(training, float)
    assert 0.5 * training < steps["seconds"].sum() + steps["loader_seconds"].sum() < 1.02 * training
    assert isinstance(peak, float)
    assert isinstance(reserved, float)
    assert 2 * weight.nbytes <= peak <= reserved
    assert len(held.table("samples")) > 0
