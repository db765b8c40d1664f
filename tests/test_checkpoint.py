"""A training that was cut short goes on where it was, and ends as if nothing had happened."""

from __future__ import annotations

import json
import os
import pickle
import random
import resource
import signal
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors import safe_open
from torch import Tensor, nn

from harness.data import Split, Splits
from harness.digests import state_digests
from harness.observations import Observations
from harness.suite import Optimizer, Recipe, Schedule
from harness.tasks import Learning, Played, Scores, Task, Turn
from harness.train import Job, train
from harness.train._plain import pack, unpack

SAMPLES, EPOCHS, STOP = 40, 6, 3
MARKED = (1, 4, 5, 11, 18)
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


def trained(checkpoint: Path | None, stop_at: int | None = None, cut_at: int = 0) -> tuple[Mapping[str, str], Observations]:
    """Train the net, from the checkpoint if it is there; return the digests of its weights and what was seen."""
    torch.manual_seed(3)
    random.seed(3)
    np.random.seed(3)
    model, draw = Net(), torch.Generator().manual_seed(5)
    inputs = torch.randn(SAMPLES, 6, generator=draw)
    split, seen = Split(inputs, inputs[:, :3].argmax(1)), Observations()
    learning = Learning((Turn(loss, "first"), Turn(loss, "second")), evaluator(stop_at))
    task = Task("score", {"score": "higher"}, lambda splits: learning)
    kept: dict[str, Any] = {"checkpoint": checkpoint, "checkpoint_seconds": 0.0, "digest_steps": MARKED, "cut_at": cut_at}
    job = Job(model, task, learning, RECIPE, 1, split, split, split, torch.device("cpu"), **kept)
    train(job, seen)
    return state_digests(model.state_dict()), seen


def held(path: Path) -> Any:
    """Return what a checkpoint holds."""
    with safe_open(path, framework="pt") as file:
        return unpack(json.loads(file.metadata()["state"]), {name: file.get_tensor(name) for name in sorted(file.keys())})


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
    assert 3 * (stop_at - 1) <= resumed.resumed_at_step < 3 * stop_at
    assert len(resumed.step_seconds) == len(resumed.losses) == 3 * EPOCHS


@pytest.mark.parametrize("cut_at", range(1, 3 * EPOCHS + 1))
def test_killed_after_any_step_and_resumed_equals_straight(tmp_path: Path, cut_at: int) -> None:
    """A process killed by SIGKILL in the midst of an epoch is taken up at that step and ends at the same bits and marks."""
    expected, straight = trained(None)
    child = os.fork()
    if child == 0:
        trained(tmp_path / "run.pt", cut_at=cut_at)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    found, resumed = trained(tmp_path / "run.pt")

    assert -signal.SIGKILL == os.waitstatus_to_exitcode(status)
    assert cut_at == resumed.resumed_at_step
    assert expected == found
    for name in ("losses", "step_epochs", "step_samples", "episode_steps", "episode_returns", "learning_rates"):
        np.testing.assert_array_equal(getattr(straight, name), getattr(resumed, name))
    assert straight.digests == resumed.digests
    assert straight.tensor_marks == resumed.tensor_marks
    assert {0, *MARKED} == {mark.step for mark in resumed.tensor_marks}  # the last step's is of the selected weights


def test_time_trained_before_the_cut_counts(tmp_path: Path) -> None:
    """Training seconds, step times and the time to the first step are those of both processes together."""
    with pytest.raises(StoppedError):
        trained(tmp_path / "run.pt", STOP)
    saved = held(tmp_path / "run.pt")
    _, seen = trained(tmp_path / "run.pt")

    assert seen.train_seconds is not None
    assert saved["train_seconds"] < seen.train_seconds
    np.testing.assert_array_equal(saved["times"][1].numpy(), seen.step_seconds[: len(saved["times"][1])])
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
    assert EPOCHS == held(tmp_path / "run.pt")["epochs_done"]


def test_a_pickle_is_not_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file that would run code when it is unpickled is damaged, and runs nothing."""

    class Bomb:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return os.mkdir, (str(tmp_path / "exploded"),)

    (tmp_path / "run.pt").write_bytes(pickle.dumps({"state": Bomb()}))
    _, seen = trained(tmp_path / "run.pt")

    assert seen.resumed_at_step == 0
    assert not (tmp_path / "exploded").exists()
    assert "damaged, starting anew" in capsys.readouterr().err


def test_what_cannot_be_plain_data_is_refused() -> None:
    """An object in the state is an error that names its type, rather than something to be run later."""
    with pytest.raises(TypeError, match=r"a pathlib\.PosixPath cannot be saved"):
        pack({"state": [Path("x")]})


def test_packing_gives_back_what_went_in() -> None:
    """Keys that are no texts, tuples, tied and channels-last tensors come back as they were, through JSON."""
    tied, image = torch.arange(3.0), torch.arange(24.0).reshape(1, 2, 3, 4).contiguous(memory_format=torch.channels_last)
    state = {0: (1, None, True), "a": [tied, tied, image], "b": {(1, 2): 0.1}, "empty": torch.empty(0), "one": torch.tensor(3)}
    plain, tensors = pack(state)
    found = unpack(json.loads(json.dumps(plain)), tensors)

    assert list(state) == list(found)
    assert (1, None, True) == found[0]
    assert {(1, 2): 0.1} == found["b"]
    for old, new in zip([*state["a"], state["empty"], state["one"]], [*found["a"], found["empty"], found["one"]], strict=True):
        assert torch.equal(old, new)
        assert old.stride() == new.stride()
        assert old.dtype == new.dtype


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
