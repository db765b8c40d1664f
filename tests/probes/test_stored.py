"""The file of a model's weights, and the time to have them back."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from harness.digests import state_digests
from harness.probes import stored
from harness.probes.stored import store_and_load


def network() -> nn.Module:
    """A small network with parameters and buffers."""
    torch.manual_seed(5)
    return nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(4 * 36, 10))


def test_the_size_is_that_of_the_file(tmp_path: Path) -> None:
    """What `torch.save` writes under the same name elsewhere has as many bytes; nothing is left behind."""
    elsewhere, here = tmp_path / "elsewhere", tmp_path / "here"
    elsewhere.mkdir()
    here.mkdir()
    torch.save(network().state_dict(), elsewhere / "weights.pt")

    size, seconds = store_and_load(network(), here)

    assert (elsewhere / "weights.pt").stat().st_size == size
    assert seconds > 0
    assert [] == list(here.iterdir())


def test_a_planted_tensor_adds_its_bytes(tmp_path: Path) -> None:
    """A buffer of 1 MiB more is 1 MiB more on disk, but for its entry in the archive."""
    plain, larger = network(), network()
    larger.register_buffer("planted", torch.zeros(2**20, dtype=torch.uint8))

    added = store_and_load(larger, tmp_path)[0] - store_and_load(plain, tmp_path)[0]

    assert 0 <= added - 2**20 < 1024


def test_tied_weights_are_stored_once(tmp_path: Path) -> None:
    """Two layers that share a matrix of 1 MiB take little more than one, and still share it afterwards."""
    tied = nn.Sequential(nn.Linear(512, 512, bias=False), nn.Linear(512, 512, bias=False))
    tied[1].weight = tied[0].weight

    size, _ = store_and_load(tied, tmp_path)

    assert 2**20 <= size < 2**20 + 8192
    assert tied[0].weight is tied[1].weight


def test_the_model_keeps_its_bits_and_its_mode(tmp_path: Path) -> None:
    """Parameters and buffers are the same tensors with the same bits; evaluation mode stays."""
    model = network().eval()
    before, tensors = state_digests(model.state_dict()), [id(parameter) for parameter in model.parameters()]

    store_and_load(model, tmp_path)

    assert before == state_digests(model.state_dict())
    assert tensors == [id(parameter) for parameter in model.parameters()]
    assert not model.training


class Slow(nn.Linear):
    """Takes 4, 2 and 3 seconds of a clock to take up its weights."""

    def __init__(self) -> None:
        super().__init__(2, 2)
        self.now, self.delays = 0.0, [4.0, 2.0, 3.0]

    def _load_from_state_dict(self, *arguments: Any, **named: Any) -> None:
        super()._load_from_state_dict(*arguments, **named)
        self.now += self.delays.pop(0)


def test_the_time_is_the_median_of_three_loads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of loads that take 4, 2 and 3 s it is 3; writing the file is not in it."""
    model = Slow()
    monkeypatch.setattr(stored, "perf_counter", lambda: model.now)

    assert store_and_load(model, tmp_path)[1] == 3.0
    assert [] == model.delays


def test_a_model_without_weights_has_a_file_too(tmp_path: Path) -> None:
    """An operator's empty state dict is a file of some bytes."""
    assert store_and_load(nn.ReLU(), tmp_path)[0] > 0


SIZE = """
import sys, torch
from pathlib import Path
from torch import nn
from harness.probes.stored import store_and_load
torch.manual_seed(int(sys.argv[2]))
print(store_and_load(nn.LSTM(8, 8, 2), Path(sys.argv[1]))[0])
"""


def test_the_size_does_not_hang_on_process_or_values(tmp_path: Path) -> None:
    """Another process with other weights writes a file of the same size as this one."""
    command = [sys.executable, "-P", "-c", SIZE, str(tmp_path), "1"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)

    assert store_and_load(nn.LSTM(8, 8, 2), tmp_path)[0] == int(done.stdout)


@pytest.mark.gpu
def test_the_size_does_not_hang_on_the_device(tmp_path: Path) -> None:
    """A model on a GPU is stored as from the CPU, and is back on the GPU with its bits."""
    model = network()
    on_cpu, before = store_and_load(model, tmp_path)[0], state_digests(model.state_dict())
    model.cuda()

    assert on_cpu == store_and_load(model, tmp_path)[0]
    assert before == state_digests(model.state_dict())
    assert {"cuda"} == {parameter.device.type for parameter in model.parameters()}
