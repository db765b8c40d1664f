"""A training saved between two epochs, so that a killed run goes on where it was.

The file holds tensors, numbers and texts; it is read as data only (`weights_only`), never as code.
"""

from __future__ import annotations

import os
import pickle
import random
import sys
from pathlib import Path
from time import monotonic
from typing import Any

import numpy as np
import torch


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
        assert self._path is not None  # only a checkpoint with a path is ever due
        self._saved = monotonic()
        temporary = self._path.with_name(f".{self._path.name}.part")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with temporary.open("wb") as file:
                torch.save(state | {"streams": _streams()}, file)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(self._path)
        except (OSError, RuntimeError) as error:  # torch tells of a short write by a RuntimeError
            temporary.unlink(missing_ok=True)
            print(f"checkpoint {self._path}: cannot be written: {error}", file=sys.stderr, flush=True)

    def load(self) -> dict[str, Any] | None:
        """Return the saved state and set the global random streams; None where nothing is saved, or nothing that is whole."""
        if self._path is None or not self._path.exists():
            return None
        try:
            state: dict[str, Any] = torch.load(self._path, map_location="cpu", weights_only=True)
        except (OSError, RuntimeError, EOFError, pickle.UnpicklingError) as error:
            print(f"checkpoint {self._path}: damaged, starting anew: {error}", file=sys.stderr, flush=True)
            return None
        _set_streams(state.pop("streams"))
        return state


def _streams() -> dict[str, Any]:
    kind, keys, *rest = np.random.get_state()
    return {
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else [],
        "python": random.getstate(),
        "numpy": [kind, torch.from_numpy(np.asarray(keys).astype(np.int64)), *rest],
    }


def _set_streams(streams: dict[str, Any]) -> None:
    torch.set_rng_state(streams["torch"])
    if streams["cuda"]:
        torch.cuda.set_rng_state_all(streams["cuda"])
    random.setstate(streams["python"])
    kind, keys, *rest = streams["numpy"]
    np.random.set_state((kind, keys.numpy().astype(np.uint32), *rest))
