"""How many samples a batch of a script holds."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from torch import Tensor

from harness.errors import UsageError

Samples = int | Callable[[Any], int] | None


def count_samples(batch: object, samples: Samples) -> int:
    """Return how many samples a batch holds: as told, or the length of its first tensor.

    Raises:
        UsageError: it holds no tensor.
    """
    if isinstance(samples, int):
        return samples
    if samples is not None:
        return samples(batch)
    tensor = next(_tensors(batch), None)
    if tensor is None:
        raise UsageError(
            f"run.loader: a batch of type {type(batch).__name__} holds no tensor whose length is its samples; "
            "say how many it holds: run.loader(loader, samples=64), or a function of the batch"
        )
    return len(tensor)


def _tensors(batch: object) -> Iterator[Tensor]:
    """Yield the tensors of a batch that have a length, in order; of nested lists, tuples and mappings."""
    if isinstance(batch, Tensor):
        if batch.ndim:
            yield batch
    elif isinstance(batch, Mapping):
        yield from (tensor for value in batch.values() for tensor in _tensors(value))
    elif isinstance(batch, list | tuple):
        yield from (tensor for value in batch for tensor in _tensors(value))
