"""Five small kernels of fixed work, whose CPU time says how fast the machine is just now.

Run between chunks of training steps of at most about 60 ms, they see the same state of the machine as the steps beside
them; dividing by them brings the spread of throughput between processes down several times (NOISE 4).

They measure the CPU only. On CUDA they would need events of the device and kernels of its size: there the caller leaves
the chunks empty, with the reason `unsupported`.
"""

from __future__ import annotations

from collections.abc import Callable
from time import process_time

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from harness.observations import Array

KERNELS: tuple[str, ...] = ("matrix_product", "convolution", "memory_copy", "python_loop", "dispatch")
"""Products of 256 × 256 matrices (4), a 5 × 5 convolution, a copy of 16 MB, a loop over a Python dict, 200 small additions."""


class Calibration:
    """The kernels with their data, ready to run with whatever number of threads is set.

    Nothing here draws random numbers or changes a setting: a training goes on to the same bits.
    """

    def __init__(self) -> None:
        self._a, self._b, self._c = (_ramp(256, 256) for _ in range(3))
        self._images, self._filters = _ramp(8, 6, 32, 32), _ramp(16, 6, 5, 5)
        self._from, self._to = _ramp(4_000_000), _ramp(4_000_000)
        self._small, self._step = _ramp(16), _ramp(16)
        self._kernels: tuple[Callable[[], object], ...] = (
            self._matrix_product,
            self._convolution,
            self._memory_copy,
            self._python_loop,
            self._dispatch,
        )

    def run(self) -> Array:
        """Run each kernel once; return the CPU seconds of each, of all threads, [kernels] in the order of KERNELS."""
        marks = [process_time()]
        with torch.inference_mode(), torch.autocast("cpu", enabled=False):
            for kernel in self._kernels:
                kernel()
                marks.append(process_time())
        return np.diff(marks)

    def _matrix_product(self) -> None:
        for _ in range(4):
            torch.mm(self._a, self._b, out=self._c)

    def _convolution(self) -> None:
        F.conv2d(self._images, self._filters)

    def _memory_copy(self) -> None:
        self._to.copy_(self._from)

    def _python_loop(self) -> None:
        seen: dict[int, int] = {}
        for number in range(8_000):
            seen[number % 97] = seen.get(number % 97, 0) + number

    def _dispatch(self) -> None:
        for _ in range(200):
            torch.add(self._small, self._step)


def _ramp(*shape: int) -> Tensor:
    """Return numbers from 0.5 to 1: no zeros and nothing that a product could drive out of range."""
    count = int(np.prod(shape))
    return torch.linspace(0.5, 1.0, count, dtype=torch.float32, device="cpu").reshape(shape)
