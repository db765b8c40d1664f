"""A training saved between two steps, so that a killed run goes on where it was.

The file is a safetensors file: tensors as plain bytes, and their names and everything else as JSON in its header. Reading
it runs nothing: there is no pickle in it.
"""

from __future__ import annotations

import json
import os
import random
import sys
from pathlib import Path
from time import monotonic
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from harness.train._plain import pack, unpack

STATE = "state"
"""Name of the header's entry that says how the tensors go together."""


class Checkpoint:
    """The file that one training is saved to every so many seconds; one without a path saves nothing."""

    def __init__(self, path: Path | None, seconds: float) -> None:
        self._path, self._seconds = path, seconds
        self._saved = monotonic()

    @property
    def due(self) -> bool:
        """Whether it is time to save again."""
        return self._path is not None and monotonic() - self._saved >= self._seconds

    def save(self, state: dict[str, Any]) -> None:
        """Write the state, and those of the global random streams, under a temporary name, and rename it.

        A checkpoint that cannot be written (full disk) is said in the run's log; the training goes on without it.
        """
        if self._path is None:
            return
        self._saved = monotonic()
        temporary = self._path.with_name(f".{self._path.name}.part")
        plain, tensors = pack(state | {"streams": _streams()})
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            save_file(tensors, temporary, metadata={STATE: json.dumps(plain)})
            _sync(temporary)
            temporary.replace(self._path)
        except (OSError, SafetensorError) as error:
            temporary.unlink(missing_ok=True)
            print(f"checkpoint {self._path}: cannot be written: {error}", file=sys.stderr, flush=True)

    def load(self) -> dict[str, Any] | None:
        """Return the saved state and set the global random streams; None where nothing is saved, or nothing that is whole."""
        if self._path is None or not self._path.exists():
            return None
        try:
            with safe_open(self._path, framework="pt") as file:
                plain = json.loads(file.metadata()[STATE])
                tensors = {name: file.get_tensor(name) for name in sorted(file.keys())}
            state: dict[str, Any] = unpack(plain, tensors)
            _set_streams(state.pop("streams"))
        except (OSError, SafetensorError, ValueError, KeyError, TypeError) as error:
            print(f"checkpoint {self._path}: damaged, starting anew: {error}", file=sys.stderr, flush=True)
            return None
        return state


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _streams() -> dict[str, Any]:
    kind, keys, *rest = np.random.get_state()
    return {
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else [],
        "python": random.getstate(),
        "numpy": [kind, torch.from_numpy(np.asarray(keys).astype(np.int64)), *rest],
    }


def _set_streams(streams: dict[str, Any]) -> None:
    cuda: list[Tensor] = streams["cuda"]
    torch.set_rng_state(streams["torch"])
    if cuda:
        torch.cuda.set_rng_state_all(cuda)
    random.setstate(streams["python"])
    kind, keys, *rest = streams["numpy"]
    np.random.set_state((kind, keys.numpy().astype(np.uint32), *rest))
