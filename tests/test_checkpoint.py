"""A training that was cut short goes on where it was, and ends as if nothing had happened."""

from __future__ import annotations

import random
import resource
import signal
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from harness.data import Split, Splits
from harness.digests import state_digests
from harness.observations import Observations
from harness.suite import Optimizer, Recipe, Schedule
from harness.tasks import Learning, Played, Scores, Task, Turn
from harness.train import Job, train

SAMPLES, EPOCHS, STOP = 40, 6, 3
RECIPE = Recipe(
    optimizer=Optimizer(name="adam", lr=0.01),
    schedule=Schedule(name="cosine", warmup_steps=4),
    batch_size=16,
    epochs=EPOCHS,
    select="best",
)


class StoppedError(Exception):
    """The cut."""


class Net(nn.Module):
    """Two parts; each draws from a global random stream while it trains."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Sequential(nn.Linear(6, 8), nn.BatchNorm1d(8), nn.Dropout(0.5))
        self.second = nn.Linear(8, 3)

    def forward(self, x_BF: Tensor) -> Tensor:
        noise = random.random() + float(np.random.rand()) if self.training else 0.0
        logits_BK: Tensor = self.second(self.first(x_BF)) + 0.01 * noise
        return logits_BK


def loss(model: nn.Module, inputs: Tensor, labels: Tensor) -> Played:
    """Return cross-entropy, and made-up returns."""
    return Played(nn.functional.cross_entropy(model(inputs), labels), inputs.sum(1))


def evaluator(stop_at: int | None) -> Callable[[nn.Module, Split, int], Scores]:
    """Return an evaluation that falls and rises with the weights, and fails at call number `stop_at`."""
    calls = iter(range(1, 100))

    def evaluate(model: nn.Module, split: Split, batch_size: int) -> Scores:
        if next(calls) == stop_at:
            raise StoppedError
        return Scores({"score": float(sum(parameter.detach().abs().sum() for parameter in model.parameters()) % 1)})

    return evaluate


def trained(checkpoint: Path | None, stop_at: int | None = None) -> tuple[Mapping[str, str], Observations]:
    """Train the net, from the checkpoint if it is there; return the digests of its weights and what was seen."""
    torch.manual_seed(3)
    random.seed(3)
    np.random.seed(3)
    model, draw = Net(), torch.Generator().manual_seed(5)
    inputs = torch.randn(SAMPLES, 6, generator=draw)
    split, seen = Split(inputs, inputs[:, :3].argmax(1)), Observations()
    learning = Learning((Turn(loss, "first"), Turn(loss, "second")), evaluator(stop_at))
    task = Task("score", {"score": "higher"}, lambda splits: learning)
    kept: dict[str, Any] = {"checkpoint": checkpoint, "checkpoint_seconds": 0.0}
    job = Job(model, task, learning, RECIPE, 1, split, split, split, torch.device("cpu"), **kept)
    train(job, seen)
    return state_digests(model.state_dict()), seen


@pytest.mark.parametrize("stop_at", range(2, EPOCHS + 1))
def test_resumed_equals_straight(tmp_path: Path, stop_at: int) -> None:
    """Cut in any epoch and taken up again, a training ends at the same weights, losses, order and scores, bit for bit."""
    expected, straight = trained(None)
    with pytest.raises(StoppedError):
        trained(tmp_path / "run.pt", stop_at)
    found, resumed = trained(tmp_path / "run.pt")

    assert expected == found
    for name in ("losses", "step_epochs", "step_samples", "episode_steps", "episode_returns"):
        np.testing.assert_array_equal(getattr(straight, name), getattr(resumed, name))
    assert straight.digests == resumed.digests
    assert [one.scores for one in straight.evaluations] == [one.scores for one in resumed.evaluations]
    assert resumed.resumed_at_step == 3 * (stop_at - 1)
    assert len(resumed.step_seconds) == len(resumed.losses) == 3 * EPOCHS


def test_time_trained_before_the_cut_counts(tmp_path: Path) -> None:
    """Training seconds, step times and the time to the first step are those of both processes together."""
    with pytest.raises(StoppedError):
        trained(tmp_path / "run.pt", STOP)
    saved: dict[str, Any] = torch.load(tmp_path / "run.pt", weights_only=True)
    _, seen = trained(tmp_path / "run.pt")

    assert seen.train_seconds is not None
    assert saved["train_seconds"] < seen.train_seconds
    np.testing.assert_array_equal(saved["times"][1].numpy(), seen.step_seconds[: 3 * (STOP - 1)])
    assert saved["first_step_seconds"] == seen.first_step_seconds


def test_a_finished_training_is_only_scored_again(tmp_path: Path) -> None:
    """A run that died after its last epoch trains no further step."""
    expected, straight = trained(tmp_path / "run.pt")
    found, again = trained(tmp_path / "run.pt")

    assert expected == found
    assert again.resumed_at_step == len(straight.losses) == len(again.losses)


def test_a_checkpoint_holds_data_only(tmp_path: Path) -> None:
    """It is read without running anything, and nothing is left beside it."""
    trained(tmp_path / "run.pt")

    assert [path.name for path in tmp_path.iterdir()] == ["run.pt"]
    assert torch.load(tmp_path / "run.pt", weights_only=True)["epochs_done"] == EPOCHS


@pytest.mark.parametrize("left", [0, 5, 5000])
def test_a_damaged_checkpoint_is_left_aside(tmp_path: Path, left: int, capsys: pytest.CaptureFixture[str]) -> None:
    """A file cut off by a full disk or a power cut is said to be damaged, and the training starts anew."""
    expected, _ = trained(None)
    with pytest.raises(StoppedError):
        trained(tmp_path / "run.pt", STOP)
    content = (tmp_path / "run.pt").read_bytes()
    (tmp_path / "run.pt").write_bytes(content[:left])

    found, seen = trained(tmp_path / "run.pt")

    assert left < len(content)
    assert expected == found
    assert seen.resumed_at_step == 0
    assert f"checkpoint {tmp_path / 'run.pt'}: damaged, starting anew: " in capsys.readouterr().err


def test_a_checkpoint_that_cannot_be_written_costs_nothing_else(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Where files may not grow beyond four kilobytes, the training ends as it would have, and leaves no half file."""
    expected, _ = trained(None)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, before[1]))
    try:
        found, _ = trained(tmp_path / "run.pt")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, ignored)

    assert expected == found
    assert list(tmp_path.iterdir()) == []
    assert f"checkpoint {tmp_path / 'run.pt'}: cannot be written: " in capsys.readouterr().err


def test_a_training_without_a_place_saves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No file is written where none was asked for."""
    monkeypatch.chdir(tmp_path)
    trained(None)

    assert list(tmp_path.iterdir()) == []


def test_parts_learn_apart() -> None:
    """A turn moves its own part alone: with the second turn left out, the second part keeps its weights."""
    torch.manual_seed(0)
    model, inputs = Net(), torch.randn(8, 6)
    split = Split(inputs, inputs[:, :3].argmax(1))
    learning = Learning((Turn(loss, "first"),), evaluator(None))
    before = state_digests(model.state_dict())
    task = Task("score", {"score": "higher"}, lambda splits: learning)
    recipe = Recipe(epochs=1)
    train(Job(model, task, learning, recipe, 1, split, None, split, torch.device("cpu")), Observations())
    after = state_digests(model.state_dict())

    assert {name for name in before if before[name] != after[name]} == {name for name in before if name.startswith("first")}
    assert Splits(split, split).environment is None
