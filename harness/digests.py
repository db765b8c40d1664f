"""SHA-256 digests of plain data and of tensors; equal values give equal digests on every machine."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import torch


def digest_of(value: Any) -> str:
    """Return the digest of plain data in canonical JSON (sorted keys, no spaces)."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def short_digest(value: Any) -> str:
    """Return the first 12 hexadecimal digits of `digest_of`: a name for a set of fields."""
    return digest_of(value)[:12]


def tensor_digest(tensor: torch.Tensor) -> str:
    """Return the digest of dtype, shape and little-endian bytes."""
    import torch

    value = tensor.detach().cpu().contiguous()
    if value.dtype == torch.bfloat16:
        value = value.view(torch.int16)  # NumPy has no bfloat16; the same bits
    state = hashlib.sha256(f"{tensor.dtype}{tuple(tensor.shape)}".encode())
    state.update(np.ascontiguousarray(value.numpy()).data)
    return state.hexdigest()


def state_digests(state: Mapping[str, torch.Tensor]) -> dict[str, str]:
    """Return the digest of each tensor of a state dict, sorted by name."""
    return {name: tensor_digest(state[name]) for name in sorted(state)}


def tensors_digest(tensors: Iterable[torch.Tensor]) -> str:
    """Return one digest for several tensors in order."""
    return hashlib.sha256("".join(map(tensor_digest, tensors)).encode()).hexdigest()


def losses_digest(losses: npt.NDArray[Any]) -> str:
    """Return the digest of a loss curve as little-endian float64, [steps]."""
    return hashlib.sha256(np.ascontiguousarray(losses, dtype="<f8").tobytes()).hexdigest()
