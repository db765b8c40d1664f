"""What is kept of a model's weights after a step: enough to say later which tensor differs, and by how much at least."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from harness.digests import tensor_digest, tensor_norm
from harness.observations import TensorMark


def mark_tensors(state: Mapping[str, Tensor], step: int) -> list[TensorMark]:
    """Return digest and norm of each tensor of a state dict as it is after `step`, sorted by name."""
    return [TensorMark(step, name, tensor_digest(state[name]), tensor_norm(state[name])) for name in sorted(state)]
