"""What a model's weights take on disk, and how long they take to come back."""

from __future__ import annotations

import io
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import torch
from torch import Tensor, nn

from harness.probes.clock import wait_for

FILE = "weights.pt"
"""The archive's records carry its stem, so that another name is another size."""
LOADS = 3


def store_and_load(model: nn.Module, folder: Path) -> tuple[int, float]:
    """Return (bytes on disk, seconds to load): of the state dict as `torch.save` writes it from the CPU, and the median of
    three loads from that file to the model ready on its device.

    The weights are loaded into `model` itself and are its own, so that it keeps its bits. The file has just been written:
    what is timed is reading it from the system's cache, not from the disk. It is removed in the end.
    """
    file, state = folder / FILE, model.state_dict()
    device = next((value.device for value in state.values() if isinstance(value, Tensor)), torch.device("cpu"))
    try:
        torch.save(_on_cpu(state) if device.type != "cpu" else state, file)
        return file.stat().st_size, median(_load(model, file, device) for _ in range(LOADS))
    finally:
        file.unlink(missing_ok=True)


def _on_cpu(state: dict[str, Any]) -> Any:
    """Return a copy on the CPU, where a file has one size whatever device trained; tied weights stay tied."""
    buffer = io.BytesIO()
    torch.save(state, buffer)
    buffer.seek(0)
    return torch.load(buffer, map_location="cpu", weights_only=True)


def _load(model: nn.Module, file: Path, device: torch.device) -> float:
    wait_for(device)
    started = perf_counter()
    model.load_state_dict(torch.load(file, map_location="cpu", weights_only=True))
    wait_for(device)
    return perf_counter() - started
