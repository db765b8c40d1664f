"""Named random streams from one seed, and the determinism switches, read back after setting.

Each purpose draws from a stream of its own, so that changing how one is used (more augmentation, another split)
leaves the others alone. `init` and `dropout` act through torch's global generator, because layers draw from it;
the others are explicit generators.
"""

from __future__ import annotations

import hashlib
import os
import random
from typing import Literal

import numpy as np
import torch

Stream = Literal["init", "split", "shuffle", "augment", "dropout", "environment", "bootstrap", "shift"]


def stream_seed(seed: int, stream: Stream) -> int:
    """Return the 63-bit seed of one stream: the head of SHA-256 over 'seed/stream'."""
    return int.from_bytes(hashlib.sha256(f"{seed}/{stream}".encode()).digest()[:8], "big") >> 1


def generator(seed: int, stream: Stream) -> torch.Generator:
    """Return a CPU generator for one stream of `seed`."""
    return torch.Generator().manual_seed(stream_seed(seed, stream))


def seed_globals(seed: int, stream: Stream) -> None:
    """Seed the global generators of Python, NumPy and torch (all devices) from one stream."""
    value = stream_seed(seed, stream)
    random.seed(value)
    np.random.seed(value % 2**32)
    torch.manual_seed(value)


def set_lane(lane: Literal["speed", "deterministic"], precision: Literal["fp32", "bf16", "tf32"]) -> None:
    """Switch determinism and TensorFloat-32 for this process.

    speed takes the fastest kernels (cuDNN autotuning); deterministic makes an operation without a deterministic
    algorithm an error and fixes cuBLAS workspaces. TensorFloat-32 is on only for precision tf32 in the speed lane.
    """
    deterministic = lane == "deterministic"
    if deterministic:
        # Read by cuBLAS when it makes its first handle, so it is set before any CUDA work.
        os.environ["CUBLAS_WORKSPACE_CONFIG"] = ":4096:8"
    torch.use_deterministic_algorithms(deterministic)
    torch.backends.cudnn.benchmark = not deterministic
    torch.backends.cudnn.deterministic = deterministic
    tf32 = precision == "tf32" and not deterministic
    torch.backends.cuda.matmul.allow_tf32 = tf32
    torch.backends.cudnn.allow_tf32 = tf32


def read_flags() -> dict[str, str]:
    """Return the switches as torch reports them now."""
    flags = {
        "deterministic_algorithms": torch.are_deterministic_algorithms_enabled(),
        "cudnn_benchmark": torch.backends.cudnn.benchmark,
        "cudnn_deterministic": torch.backends.cudnn.deterministic,
        "cuda_matmul_tf32": torch.backends.cuda.matmul.allow_tf32,
        "cudnn_tf32": torch.backends.cudnn.allow_tf32,
        "mkldnn": torch.backends.mkldnn.is_available() and torch.backends.mkldnn.enabled,
        "threads": torch.get_num_threads(),
        "interop_threads": torch.get_num_interop_threads(),
        "default_dtype": torch.get_default_dtype(),
        "cublas_workspace": os.environ.get("CUBLAS_WORKSPACE_CONFIG", ""),
        "hash_seed": os.environ.get("PYTHONHASHSEED", "random"),
    }
    return {name: str(value) for name, value in flags.items()}
