"""The tensors' peak against figures worked out by hand, planted blocks, and PyTorch's own tracker."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from harness.probes.tensors import TensorPeak

MIB = 2**20


def block(mib: int) -> Tensor:
    """A tensor of so many MiB."""
    return torch.zeros(mib * MIB, dtype=torch.uint8)


def test_a_linear_layers_step_is_that_of_the_closed_form() -> None:
    """Forward, input, weights, output and loss live at once; afterwards the output is gone and the gradient is there."""
    inputs, weight = torch.ones(50, 10), nn.Parameter(torch.ones(10, 1000))
    optimizer = torch.optim.SGD([weight], lr=0.1)
    with TensorPeak() as memory:
        loss = (inputs @ weight).sum()
        forward = memory.live_bytes
        loss.backward()
        optimizer.step()

    assert 4 * (50 * 10 + 10 * 1000 + 50 * 1000 + 1) == memory.peak_bytes
    assert 4 * (50 * 10 + 10 * 1000 + 1) == forward
    assert 4 * (50 * 10 + 10 * 1000 + 10 * 1000 + 1) == memory.live_bytes


def test_a_planted_block_is_seen_though_it_is_gone() -> None:
    """64 MiB taken and given back raise the peak by 64 MiB, to the byte."""
    with TensorPeak() as memory:
        kept = block(1)
        planted = block(64)
        del planted

    assert (65 * MIB, MIB) == (memory.peak_bytes, memory.live_bytes)
    assert MIB == len(kept)


def test_a_leak_grows_by_what_leaks() -> None:
    """Of 3 MiB a step that 1 MiB of each is kept shows as 1 MiB a step."""
    leaked: list[Tensor] = []
    seen = []
    with TensorPeak() as memory:
        for _ in range(4):
            block(2)
            leaked.append(block(1))
            seen.append(memory.live_bytes)

    assert [MIB, 2 * MIB, 3 * MIB, 4 * MIB] == seen


def test_views_count_once_and_as_long_as_one_is_left() -> None:
    """A storage is counted once for all its views, and goes with the last."""
    with TensorPeak() as memory:
        whole = block(4)
        part = whole.view(2, -1)[1]
        seen = [memory.live_bytes]
        del whole
        seen.append(memory.live_bytes)
        del part
        seen.append(memory.live_bytes)

    assert [4 * MIB, 4 * MIB, 0] == seen
    assert 4 * MIB == memory.peak_bytes


def test_growth_in_place_is_seen() -> None:
    """A tensor resized from 1 to 8 MiB holds 8, and 8 are given back."""
    with TensorPeak() as memory:
        growing = block(1)
        growing.resize_(8 * MIB)
        grown = memory.live_bytes
        del growing

    assert (8 * MIB, 0) == (grown, memory.live_bytes)


def test_what_no_operation_touches_is_unknown() -> None:
    """A tensor made before counts from the first operation that reads it."""
    before, _idle = block(2), block(32)
    with TensorPeak() as memory:
        nothing = memory.live_bytes
        before.sum()
        touched = memory.live_bytes

    assert (0, 2 * MIB) == (nothing, touched)


def test_a_peak_starts_anew() -> None:
    """After a reset the peak is that of what came since, on top of what was still alive."""
    with TensorPeak() as memory:
        kept = block(1)
        block(64)
        memory.reset_peak()
        block(2)

    assert 3 * MIB == memory.peak_bytes
    assert MIB == len(kept)


def test_the_figures_stay_when_it_is_left() -> None:
    """What is freed or made afterwards is not counted."""
    with TensorPeak() as memory:
        kept = block(2)
    del kept
    block(64)

    assert (2 * MIB, 2 * MIB) == (memory.live_bytes, memory.peak_bytes)


def test_sparse_gradients_count_by_their_parts() -> None:
    """An embedding's sparse gradient holds its indices and its values, and no dense table."""
    table, ids = nn.Embedding(1000, 4, sparse=True), torch.tensor([3, 5])
    with TensorPeak() as memory:
        table(ids).sum().backward()

    assert table.weight.grad is not None
    dense, indices, values = 1000 * 4 * 4, 2 * 8, 2 * 4 * 4
    assert dense + indices + values <= memory.live_bytes < dense + 10 * (indices + values)


def a_step(model: nn.Module, optimizer: torch.optim.Optimizer, inputs: Tensor) -> Callable[[], None]:
    """A training step."""

    def step() -> None:
        optimizer.zero_grad()
        model(inputs).square().mean().backward()
        optimizer.step()

    return step


def test_it_agrees_with_pytorchs_own_tracker() -> None:
    """MemTracker, which hooks modules and optimisers as well, finds the same peak in a convolutional network's step."""
    from torch.distributed._tools.mem_tracker import MemTracker

    model = nn.Sequential(nn.Conv2d(1, 8, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(8 * 13 * 13, 10))
    inputs, optimizer = torch.ones(16, 1, 28, 28), torch.optim.Adam(model.parameters())
    step = a_step(model, optimizer, inputs)
    step()
    tracker = MemTracker()
    tracker.track_external(model, optimizer, inputs)
    with tracker:
        step()
    with TensorPeak() as memory:
        step()
        memory.reset_peak()
        step()

    assert tracker.get_tracker_snapshot("peak")[torch.device("cpu")]["Total"] == memory.peak_bytes


def test_the_training_goes_on_to_the_same_bits() -> None:
    """Three steps counted and three not end at the same weights."""
    weights = []
    for counted in (False, True):
        torch.manual_seed(0)
        model, inputs = nn.Sequential(nn.Linear(8, 8), nn.Dropout(0.5), nn.Linear(8, 1)), torch.ones(4, 8)
        step = a_step(model, torch.optim.Adam(model.parameters()), inputs)
        with TensorPeak() if counted else torch.enable_grad():
            for _ in range(3):
                step()
        weights.append([value.tolist() for value in model.state_dict().values()])

    assert weights[0] == weights[1]


@pytest.mark.gpu
def test_a_planted_block_on_a_gpu_is_seen() -> None:
    """64 MiB on a GPU raise the peak by 64 MiB, to the byte, as they raise that of CUDA's allocator."""
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    with TensorPeak() as memory:
        planted = torch.zeros(64 * MIB, dtype=torch.uint8, device="cuda")
        del planted

    assert 64 * MIB == memory.peak_bytes == torch.cuda.max_memory_allocated() - before
