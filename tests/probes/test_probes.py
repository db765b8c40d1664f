"""Clocks, memory, operations and inference times, each against figures known otherwise."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from harness.probes import clock, inference
from harness.probes.flops import count_flops
from harness.probes.memory import tree_memory_bytes

MIB = 2**20


def test_each_second_falls_into_its_own_column(monkeypatch: pytest.MonkeyPatch) -> None:
    """Time to fetch is loader time, time to compute is step time; what lies between two steps is neither."""
    wall: Iterator[float] = iter([0.0, 1.0, 3.0, 10.0, 10.5, 11.5])
    cpu: Iterator[float] = iter([100.0, 101.5, 200.0, 200.75])
    monkeypatch.setattr(clock, "perf_counter", lambda: next(wall))
    monkeypatch.setattr(clock, "process_time", lambda: next(cpu))
    host = clock.HostClock()
    for _ in range(2):
        host.fetch()
        host.compute()
        host.end()

    times = host.times()

    np.testing.assert_array_equal(times.loader, [1.0, 0.5])
    np.testing.assert_array_equal(times.step, [2.0, 1.0])
    np.testing.assert_array_equal(times.cpu, [1.5, 0.75])


def test_a_step_that_did_not_end_is_not_counted() -> None:
    """A step cut short by an error leaves no half entry."""
    host = clock.HostClock()
    host.fetch()
    host.compute()

    assert len(host.times().step) == 0


def test_a_cpu_gets_the_host_clock() -> None:
    """The clock is chosen by the device."""
    assert isinstance(clock.step_clock(torch.device("cpu")), clock.HostClock)


@pytest.mark.parametrize(
    ("name", "action", "expected"),
    [
        ("matmul", lambda: torch.ones(3, 4) @ torch.ones(4, 5), 2 * 3 * 4 * 5),
        ("conv", lambda: F.conv2d(torch.ones(2, 3, 8, 8), torch.ones(6, 3, 5, 5)), 2 * 2 * 6 * 4 * 4 * 3 * 5 * 5),
        ("relu", lambda: torch.ones(9).relu(), 0),
    ],
)
def test_operations_are_those_of_the_closed_form(name: str, action: object, expected: int) -> None:
    """One multiply-add is two operations; elementwise work is none."""
    assert callable(action)
    assert expected == count_flops(action), name


def test_the_fused_lstm_is_counted() -> None:
    """An LSTM costs 2 * 4h * (i + h) operations a step and layer, which its fused kernel would hide."""
    lstm, x_BLD = nn.LSTM(10, 16, num_layers=1, batch_first=True), torch.ones(2, 5, 10)

    with torch.inference_mode():
        assert count_flops(lambda: lstm(x_BLD)) == 2 * 5 * 2 * 4 * 16 * (10 + 16)


def test_attention_is_counted_by_its_two_products() -> None:
    """Scores and weighted values cost 2 * B * H * L * L * D each, forward; the backward pass costs twice that."""
    q_BHLD = torch.ones(2, 3, 7, 4, requires_grad=True)
    k_BHLD, v_BHLD = (torch.ones(2, 3, 7, 4, requires_grad=True) for _ in range(2))
    forward = 2 * (2 * 2 * 3 * 7 * 7 * 4)

    assert forward == count_flops(lambda: F.scaled_dot_product_attention(q_BHLD, k_BHLD, v_BHLD))
    assert 3 * forward == count_flops(lambda: F.scaled_dot_product_attention(q_BHLD, k_BHLD, v_BHLD).sum().backward())


@pytest.mark.parametrize("need_weights", [True, False])
def test_attention_layers_are_counted(need_weights: bool) -> None:
    """A MultiheadAttention costs its four projections, 2 * B * L * E * E each, and its two products."""
    attention, x_BLE = nn.MultiheadAttention(8, 2, batch_first=True), torch.ones(3, 5, 8)

    counted = count_flops(lambda: attention(x_BLE, x_BLE, x_BLE, need_weights=need_weights))

    assert counted == 4 * (2 * 3 * 5 * 8 * 8) + 2 * (2 * 3 * 2 * 5 * 5 * 4)


def test_counting_leaves_the_kernels_as_they_were() -> None:
    """oneDNN and cuDNN are on again afterwards, also after an error."""
    before = torch.backends.mkldnn.enabled, torch.backends.cudnn.enabled
    with pytest.raises(RuntimeError):
        count_flops(lambda: torch.ones(2) @ torch.ones(3))

    assert before == (torch.backends.mkldnn.enabled, torch.backends.cudnn.enabled)


PEAK = """
import sys
from harness.probes.memory import peak_rss_bytes
before = peak_rss_bytes()
block = bytearray(64 * 2**20)
block[::4096] = b"x" * len(block[::4096])
del block
print(peak_rss_bytes() - before)
"""


PEAKS = """
import torch
from harness.observations import Observations
from harness.probes.peaks import Peaks

def hold(mib):
    block = bytearray(mib * 2**20)
    block[::4096] = b"x" * len(block[::4096])

seen = Observations()
peaks = Peaks(torch.device("cpu"), seen)
hold(300)
peaks.begin(); peaks.end()
before = seen.host_peak_bytes
peaks.begin(); hold(64); peaks.end()
hold(200)
peaks.begin(); peaks.end()
print(seen.host_peak_bytes - before)
"""


def test_what_lies_between_the_stretches_is_not_in_their_peak() -> None:
    """Of blocks of 300, 64 and 200 MiB, only the one taken within a stretch raises the peak."""
    done = subprocess.run([sys.executable, "-P", "-c", PEAKS], capture_output=True, text=True, check=True)

    assert int(done.stdout) == pytest.approx(64 * MIB, abs=2 * MIB)


def test_a_planted_block_is_seen_in_the_peak_though_it_is_gone() -> None:
    """64 MiB taken and given back raise the peak by 64 MiB, to within 2 MiB."""
    done = subprocess.run([sys.executable, "-P", "-c", PEAK], capture_output=True, text=True, check=True)

    assert int(done.stdout) == pytest.approx(64 * MIB, abs=2 * MIB)


def test_a_parents_memory_is_not_the_childs() -> None:
    """A large parent does not show in the peak of a small child."""
    hoard = bytearray(300 * MIB)
    hoard[::4096] = b"x" * len(hoard[::4096])
    code = "from harness.probes.memory import peak_rss_bytes; print(peak_rss_bytes())"
    done = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True)
    del hoard

    assert int(done.stdout) < 200 * MIB


FAMILY = """
import os, sys
block = bytearray(64 * 2**20)
block[::4096] = b"x" * len(block[::4096])
if os.fork() == 0:
    own = bytearray(32 * 2**20)
    own[::4096] = b"x" * len(own[::4096])
    print(flush=True)
sys.stdin.read()
"""


def test_a_trees_memory_holds_its_children_and_what_they_share_once() -> None:
    """A block of 64 MiB in parent and forked child, and 32 MiB of the child's own, are 96 MiB and not 160."""
    with subprocess.Popen([sys.executable, "-c", FAMILY], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        seen = tree_memory_bytes(process.pid)
        process.communicate()

    assert seen is not None
    assert seen[1] == 2
    assert 96 * MIB <= seen[0] < 130 * MIB
    assert tree_memory_bytes(process.pid) is None


def test_forward_passes_are_timed_in_evaluation_mode_and_the_mode_is_kept() -> None:
    """At most the budgeted number of passes, after the warm-up, without dropout."""
    modes: list[bool] = []

    class Probe(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            modes.append(self.training)
            return x

    model = Probe().train()
    seconds = inference.time_inference(nn.Module.__call__, model, torch.ones(1), torch.device("cpu"))

    assert len(seconds) == inference.MOST_PASSES
    assert len(modes) == inference.MOST_PASSES + inference.WARMUP_PASSES
    assert modes == [False] * len(modes)
    assert model.training
    assert (seconds > 0).all()


def test_forward_passes_run_in_the_context_they_are_given() -> None:
    """What is timed is the precision that the caller chose."""
    kinds: list[torch.dtype] = []

    class Probe(nn.Linear):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            out = super().forward(x)
            kinds.append(out.dtype)
            return out

    inference.time_inference(
        nn.Module.__call__, Probe(2, 2), torch.ones(1, 2), torch.device("cpu"), torch.autocast("cpu", torch.bfloat16)
    )

    assert set(kinds) == {torch.bfloat16}
