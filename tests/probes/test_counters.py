"""Exact counters against closed forms, the compiler's own listing of instructions, and themselves in other processes."""

from __future__ import annotations

import dis
import gc
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FunctionType

import pytest
import torch
from torch import Tensor, nn

from harness.probes.counters import PythonCount, count_allocated_bytes, count_operations, count_python

MIB = 2**20
A, B = torch.ones(3, 3), torch.ones(3, 3)
WEIGHT = torch.ones(3, 3, requires_grad=True)


@pytest.mark.parametrize(
    ("action", "expected"),
    [
        pytest.param(lambda: A + B, 1, id="one addition"),
        pytest.param(lambda: (A @ B).relu_(), 2, id="product and rectifier"),
        pytest.param(lambda: A.view(9), 1, id="a view"),
        pytest.param(lambda: nn.functional.linear(A, B, A[0]), 3, id="select, transpose, addmm"),
        pytest.param(lambda: None, 0, id="nothing"),
        # product and sum; then ones, expand and product by the backward pass, and detach for the leaf's first gradient
        pytest.param(lambda: torch.autograd.grad((A * WEIGHT).sum(), WEIGHT), 5, id="forward and backward"),
    ],
)
def test_operations_forward_and_backward(action: Callable[[], object], expected: int) -> None:
    """Each operation that reaches a kernel or makes a view counts once."""
    assert expected == count_operations(action)


def test_planted_operations_are_seen_one_by_one() -> None:
    """A thousand additions and one more are a difference of exactly one."""

    def add(times: int) -> None:
        for _ in range(times):
            torch.add(A, B)

    assert [1000, 1001] == [count_operations(lambda times=times: add(times)) for times in (1000, 1001)]  # type: ignore[misc]


def straight(value: int = 3) -> int:
    """No jump and no call: every instruction runs once."""
    other = value * 2
    return other - value


def calls_twice() -> int:
    """Two calls of a function without a jump."""
    return straight() + straight()


def instructions(function: Callable[..., object]) -> int:
    """The compiler's count of a function's instructions, less RESUME, which begins the call itself."""
    assert isinstance(function, FunctionType)
    return sum(one.opname != "RESUME" for one in dis.get_instructions(function))


def test_python_is_counted_as_the_compiler_lists_it() -> None:
    """Functions without jumps execute the instructions that they have, once a call."""
    assert PythonCount(1, instructions(straight)) == count_python(straight)
    assert PythonCount(3, instructions(calls_twice) + 2 * instructions(straight)) == count_python(calls_twice)


def test_a_generator_counts_each_time_it_is_entered() -> None:
    """Two values and the end are three entries, beside the function that asks for them."""

    def values() -> Iterator[int]:
        yield 1
        yield 2

    assert 4 == count_python(lambda: list(values())).calls


def test_what_is_left_out_is_not_counted_but_what_it_calls_is(tmp_path: Path) -> None:
    """A loop in a file or folder left out costs nothing, whatever it does; the model that it calls is counted."""
    loop = tmp_path / "loop.py"
    loop.write_text("def twice(f):\n    total = 0\n    for _ in range(2):\n        total += f()\n    return total\n")
    space: dict[str, Callable[..., object]] = {}
    exec(compile(loop.read_text(), str(loop), "exec"), space)
    twice, here = space["twice"], Path(__file__)

    def action() -> object:
        return twice(straight)

    expected = PythonCount(3, 2 * instructions(straight) + count_python(action, [tmp_path, here]).bytecodes)
    assert expected.calls == count_python(action, [tmp_path]).calls == count_python(action, [loop]).calls
    assert PythonCount(0, 0) == count_python(action, [loop, here])
    assert PythonCount(1, count_python(action, [here]).bytecodes) == count_python(action, [here, tmp_path / "loo"])
    assert 4 == count_python(action).calls


def test_an_earlier_trace_function_is_put_back() -> None:
    """A debugger or a measurer of coverage goes on afterwards, also after an error."""

    def earlier(*event: object) -> None:
        return None

    def fail() -> None:
        raise LookupError

    before = sys.gettrace()
    sys.settrace(earlier)
    try:
        count_python(straight)
        with pytest.raises(LookupError):
            count_python(fail)
        found = sys.gettrace()
    finally:
        sys.settrace(before)

    assert found is earlier


def test_collections_of_garbage_are_held_off() -> None:
    """No finaliser of garbage, made before or meanwhile, runs while counting; collecting is on again afterwards."""

    class Cycle:
        def __init__(self) -> None:
            self.me = self

        def __del__(self) -> None:
            gone.append(1)

    def litter() -> None:
        before = len(gone)
        for _ in range(300):
            Cycle()
        gone_meanwhile.append(len(gone) - before)

    gone: list[int] = []
    gone_meanwhile: list[int] = []
    thresholds = gc.get_threshold()
    try:
        gc.set_threshold(100_000)
        litter()
        gc.set_threshold(10)
        count = count_python(litter)
    finally:
        gc.set_threshold(*thresholds)

    assert (301, [0, 0]) == (count.calls, gone_meanwhile)
    assert gc.isenabled()


def test_allocations_count_though_they_are_freed() -> None:
    """Three blocks of 1 MiB, one after the other, are 3 MiB; a view and an operation in place are nothing."""
    block = torch.zeros(MIB, dtype=torch.uint8)

    def allocate() -> None:
        for _ in range(3):
            torch.empty(MIB, dtype=torch.uint8)
        block.view(2, -1).bitwise_not_()

    assert 3 * MIB == count_allocated_bytes(allocate)
    assert 0 == count_allocated_bytes(lambda: None)


STEPS = """
import torch
from torch import nn
from pathlib import Path
from harness.probes.counters import count_allocated_bytes, count_operations, count_python
from harness.probes.tensors import TensorPeak

torch.set_num_threads(1)
torch.manual_seed(0)
layer = nn.TransformerEncoderLayer(16, 2, 32, batch_first=True)
model = nn.Sequential(nn.Embedding(20, 16), layer, nn.Flatten(), nn.Linear(8 * 16, 4))
inputs, labels = torch.randint(0, 20, (8, 8)), torch.arange(8) % 4
optimizer = torch.optim.AdamW(model.parameters())

def steps():
    for _ in range(2):
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(inputs), labels).backward()
        optimizer.step()

steps()
with TensorPeak() as peak:
    steps()
for _ in range(2):
    print(count_operations(steps), count_python(steps), count_allocated_bytes(steps), peak.peak_bytes)
"""


def test_every_process_counts_the_same_and_says_nothing() -> None:
    """Two fresh processes, and the second count of each, agree to the last unit; the profiler stays silent."""
    environment = os.environ | {"PYTHONHASHSEED": "0"}
    command = [sys.executable, "-P", "-c", STEPS]
    runs = [subprocess.run(command, capture_output=True, text=True, check=True, env=environment) for _ in range(2)]
    lines = [line for run in runs for line in run.stdout.splitlines()]

    assert [lines[0]] * 4 == lines
    assert ["", ""] == [run.stderr for run in runs]


def test_a_planted_step_of_python_is_seen() -> None:
    """One more operation, call and block of 64 bytes a step show in each counter by what they are."""
    model, inputs = nn.Linear(4, 4), torch.ones(2, 4)

    def extra(x: Tensor) -> Tensor:
        return x.clone()

    def plain() -> None:
        model(inputs)

    def planted() -> None:
        model(inputs)
        extra(inputs)

    assert count_operations(planted) - count_operations(plain) == 1
    assert count_python(planted).calls - count_python(plain).calls == 1
    assert count_python(planted).bytecodes > count_python(plain).bytecodes
    assert count_allocated_bytes(planted) - count_allocated_bytes(plain) == 2 * 4 * 4


def test_a_compiled_models_operations_are_those_of_eager_mode() -> None:
    """The compiler steps aside while operations are counted: whoever counts a compiled model has to say so."""
    model, inputs = nn.Sequential(nn.Linear(4, 4), nn.ReLU()), torch.ones(2, 4)
    compiled = torch.compile(model, backend="eager")
    compiled(inputs)

    assert count_operations(lambda: model(inputs)) == count_operations(lambda: compiled(inputs))


@pytest.mark.gpu
def test_allocations_on_a_gpu_count_though_they_are_freed() -> None:
    """Three blocks of 2 MiB are 6 MiB by the caching allocator's own account."""
    device = torch.device("cuda", torch.cuda.current_device())

    def allocate() -> None:
        for _ in range(3):
            torch.empty(2 * MIB, dtype=torch.uint8, device=device)

    assert 6 * MIB == count_allocated_bytes(allocate, device)
