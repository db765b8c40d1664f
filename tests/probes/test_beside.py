"""The process that watches a training which nobody supervises: memory of its children, the machine, and the GPU."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psutil

from harness.runner.beside import GONE, Beside

UUID = "GPU-11111111-2222-3333-4444-555555555555"
HELD = 100 * 2**20
HOARD = f"import sys; held = bytearray({HELD}); print('held', flush=True); sys.stdin.read()"
PATIENCE = 120.0


def let_it_look(watcher: psutil.Process, times: int = 12, meanwhile: Callable[[], object] = lambda: None) -> None:
    """Wait until the watcher has slept some times more, as it does between two looks; do something in the meantime."""
    until, deadline = watcher.num_ctx_switches().voluntary + times, time.monotonic() + PATIENCE
    while watcher.num_ctx_switches().voluntary < until:
        assert time.monotonic() < deadline
        meanwhile()
        threading.Event().wait(0.05)


def test_memory_is_of_the_training_and_its_children(tmp_path: Path) -> None:
    """What a loader's process holds counts; the watcher's own memory does not."""
    before = set(psutil.Process().children())
    watching = Beside(tmp_path, None)
    (watcher,) = set(psutil.Process().children()) - before
    with subprocess.Popen([sys.executable, "-c", HOARD], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.readline()
        both: list[int] = []  # our own share moves by itself, as others come and go that share pages with this process
        processes = psutil.Process(), psutil.Process(child.pid)
        let_it_look(watcher, meanwhile=lambda: both.append(sum(each.memory_full_info().pss for each in processes)))
        spare = watcher.memory_full_info().uss
        child.communicate(b"")
    seen = watching.stop()

    assert min(both) - HELD / 4 < seen["tree_peak_bytes"] < max(both) + spare
    assert len(seen["host_samples"]) >= 1
    assert seen["host_samples"][0].monotonic < time.monotonic()
    assert [] == seen["gpu_samples"]


def test_a_training_without_children_has_no_memory_of_a_tree(tmp_path: Path) -> None:
    """Its own peak is known better by itself; the watcher is no child of it that counts."""
    before = set(psutil.Process().children())
    watching = Beside(tmp_path, None)
    (watcher,) = set(psutil.Process().children()) - before
    let_it_look(watcher)

    assert watching.stop()["tree_peak_bytes"] is None
    assert not watcher.is_running()


def test_the_gpu_is_sampled_meanwhile(scripted: Callable[[str], None], tmp_path: Path) -> None:
    """Its samples come back as the sampler took them."""
    scripted(f"gpu H200 {UUID} 150000000000\nat {UUID} 0 util=40 power=300\nat {UUID} 1000 util=40 power=300\n")
    before = set(psutil.Process().children())
    watching = Beside(tmp_path, UUID)
    (watcher,) = set(psutil.Process().children()) - before
    let_it_look(watcher)
    seen = watching.stop()

    assert {40.0} == {sample.utilization for sample in seen["gpu_samples"]}
    assert seen["gpu_null_reason"] is None
    assert 0 < seen["gpu_period_seconds"]


def test_a_watcher_that_is_gone_leaves_nulls_with_a_reason(tmp_path: Path) -> None:
    """The training goes on without it."""
    before = set(psutil.Process().children())
    watching = Beside(tmp_path, None)
    (watcher,) = set(psutil.Process().children()) - before
    watcher.kill()

    assert {"gpu_null_reason": GONE, "host_nulls": {"host_samples": GONE}} == watching.stop()
