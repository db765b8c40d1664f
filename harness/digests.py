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


HASHED_AT_ONCE = 4096
"""Samples whose bytes are copied at one time."""


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


def tensor_norm(tensor: torch.Tensor) -> float | None:
    """Return the 2-norm of a tensor's values in float64; None for whole numbers."""
    import torch

    if not tensor.is_floating_point():
        return None
    return float(torch.linalg.vector_norm(tensor.detach().cpu(), dtype=torch.float64))


def sample_hashes(tensors: Iterable[torch.Tensor]) -> npt.NDArray[np.uint64]:
    """Return one 64-bit hash for each sample, over its part of every tensor, [N]; it tells which sample differs.

    A multilinear hash with odd coefficients (Carter and Wegman 1979): a change of one 8-byte word is always seen, any other but
    for one in 2^63 or so. It is no protection against forgery; `tensors_digest` is.

    Args:
        tensors: one or more with samples along their first dimension, [N, …].
    """
    rows = [_bytes_of_rows(tensor) for tensor in tensors]
    width = sum(row.shape[1] for row in rows)
    words = -(-width // 8)
    coefficients = np.frombuffer(hashlib.shake_256(b"harness.sample_hashes").digest(8 * words), "<u8") | np.uint64(1)
    found = np.empty(len(rows[0]), np.uint64)
    for start in range(0, len(found), HASHED_AT_ONCE):
        part = np.zeros((len(found[start : start + HASHED_AT_ONCE]), 8 * words), np.uint8)
        part[:, :width] = np.concatenate([row[start : start + HASHED_AT_ONCE] for row in rows], axis=1)
        found[start : start + HASHED_AT_ONCE] = part.view("<u8") @ coefficients
    return found


def _bytes_of_rows(tensor: torch.Tensor) -> npt.NDArray[np.uint8]:
    """Return the bytes of each sample, [N, bytes]."""
    values = np.ascontiguousarray(tensor.detach().cpu().contiguous().numpy())
    return values.reshape(len(values), -1).view(np.uint8)


def tensors_digest(tensors: Iterable[torch.Tensor]) -> str:
    """Return one digest for several tensors in order."""
    return hashlib.sha256("".join(map(tensor_digest, tensors)).encode()).hexdigest()


def losses_digest(losses: npt.NDArray[Any]) -> str:
    """Return the digest of a loss curve as little-endian float64, [steps]."""
    return hashlib.sha256(np.ascontiguousarray(losses, dtype="<f8").tobytes()).hexdigest()
