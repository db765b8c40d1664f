"""Exact counters of what a few training steps do: free of noise, and the same number in every process.

They see a regression of 0.1 % on any machine (NOISE 3), and slow down what they count, so that they have a pass of their own.
The caller owes them a warm-up: two steps of the same action before the first counter, because a first step imports what it
needs, fills caches and makes the optimiser's state. What runs on other threads than the caller's is left out of the Python
counts: on CUDA, that is the backward pass of functions written in Python.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import get_ident
from types import CodeType, FrameType
from typing import Any

import torch
from torch.profiler import ProfilerActivity, profile
from torch.utils._python_dispatch import TorchDispatchMode

from harness.probes.clock import wait_for

Action = Callable[[], object]
CPU = torch.device("cpu")


class _Dispatched(TorchDispatchMode):
    """Counts the operations that reach the dispatcher's last stop before a kernel; a composite one counts as its parts."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # torch's is untyped
        self.operations = 0

    def __torch_dispatch__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        self.operations += 1
        return func(*args, **(kwargs or {}))


def count_operations(action: Action) -> int:
    """Return the ATen operations that `action` dispatches, views included; a fused kernel is one.

    A model that is compiled runs uncompiled meanwhile, because the compiler steps aside for dispatch modes: the operations are
    those of eager mode.
    """
    mode = _Dispatched()
    with _still(), mode:
        action()
    return mode.operations


@dataclass(frozen=True)
class PythonCount:
    """What the interpreter did: functions entered (a generator resumed is one too) and instructions executed."""

    calls: int
    bytecodes: int


class _Tally:
    """Counts of the code that does not lie in one of some files and folders."""

    def __init__(self, left_out: Sequence[Path]) -> None:
        self.calls = self.bytecodes = 0
        self._files = {str(path.resolve()) for path in left_out}
        self._folders = tuple(name + os.sep for name in self._files)
        self._known: dict[str, bool] = {}

    def counts(self, code: CodeType) -> bool:
        """Return whether what this code does is counted."""
        name = code.co_filename
        if name not in self._known:
            file = str(Path(name).resolve())
            self._known[name] = file not in self._files and not file.startswith(self._folders)
        return self._known[name]

    def trace(self, frame: FrameType, event: str, argument: object) -> Callable[..., Any] | None:
        """Count one event of `sys.settrace`."""
        if event == "opcode":
            self.bytecodes += 1
        elif event == "call":
            if not self.counts(frame.f_code):
                return None
            self.calls += 1
            frame.f_trace_lines, frame.f_trace_opcodes = False, True
        return self.trace


def count_python(action: Action, left_out: Sequence[Path] = ()) -> PythonCount:
    """Return the Python functions that `action` enters and the instructions it executes, on the calling thread.

    Frames of code in the files and folders `left_out` are not counted, what they call is. Collections of garbage are held
    off meanwhile, so that no finaliser is counted. An earlier trace function is put back; until Python 3.11 it sees nothing
    while counting, from 3.12 on it is not touched.

    The numbers belong to one version of the interpreter, its library and torch.
    """
    tally = _Tally([*left_out, Path(__file__)])
    with _still():
        if sys.version_info >= (3, 12):
            _monitor(action, tally)
        else:
            _trace(action, tally)
    return PythonCount(tally.calls, tally.bytecodes)


def _trace(action: Action, tally: _Tally) -> None:
    earlier = sys.gettrace()
    sys.settrace(tally.trace)
    try:
        action()
    finally:
        sys.settrace(earlier)


if sys.version_info >= (3, 12):

    def _monitor(action: Action, tally: _Tally) -> None:
        """Count by `sys.monitoring`, whose events the interpreter reports without the cost of a frame's trace function."""
        monitoring, here = sys.monitoring, get_ident()

        def entered(code: CodeType, *rest: object) -> None:
            if tally.counts(code) and get_ident() == here:
                tally.calls += 1

        def executed(code: CodeType, offset: int) -> None:
            if tally.counts(code) and get_ident() == here:
                tally.bytecodes += 1

        events = monitoring.events
        entries = (events.PY_START, events.PY_RESUME, events.PY_THROW)
        tool = next(number for number in range(6) if monitoring.get_tool(number) is None)
        monitoring.use_tool_id(tool, "benchmark-harness")
        for event in entries:
            monitoring.register_callback(tool, event, entered)
        monitoring.register_callback(tool, events.INSTRUCTION, executed)
        monitoring.set_events(tool, sum(entries) | events.INSTRUCTION)
        try:
            action()
        finally:
            monitoring.set_events(tool, 0)
            for event in (*entries, events.INSTRUCTION):
                monitoring.register_callback(tool, event, None)
            monitoring.free_tool_id(tool)


def count_allocated_bytes(action: Action, device: torch.device = CPU) -> int:
    """Return the bytes of all allocations of `action` on `device`, freed since or not.

    On a CPU, of torch's allocator, by the profiler; on CUDA, by the caching allocator's own statistics, which round each
    allocation up to the allocator's block size. What is written to standard error meanwhile is lost.
    """
    with _still():
        if device.type == "cuda":
            return _allocated_on_cuda(action, device)
        with _silent(), profile(activities=[ProfilerActivity.CPU], profile_memory=True) as seen:
            action()
    assert seen.profiler is not None  # it is set when profiling starts
    assert seen.profiler.kineto_results is not None  # and this when it ends
    events = seen.profiler.kineto_results.events()
    return sum(event.nbytes() for event in events if event.name() == "[memory]" and event.nbytes() > 0)


def _allocated_on_cuda(action: Action, device: torch.device) -> int:
    wait_for(device)
    before = _allocated_so_far(device)
    action()
    wait_for(device)
    return _allocated_so_far(device) - before


def _allocated_so_far(device: torch.device) -> int:
    return int(torch.cuda.memory_stats(device).get("allocated_bytes.all.allocated", 0))


@contextmanager
def _silent() -> Iterator[None]:
    """Let nothing reach standard error: the profiler's C++ side says there what it starts and what it has not seen."""
    sys.stderr.flush()
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


@contextmanager
def _still() -> Iterator[None]:
    """Hold off collections of garbage, whose finalisers would be counted wherever they happen to run."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
