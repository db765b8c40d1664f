"""How many samples a batch of a script holds."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, SupportsIndex

from torch import Tensor

from harness.errors import UsageError

Samples = int | Callable[[Any], int] | None


def count_samples(batch: object, samples: Samples) -> int:
    """Return how many samples a batch holds: as told, or the length of its first tensor.

    Raises:
        UsageError: it holds no tensor, or what is told is no number of samples.
    """
    found = samples(batch) if callable(samples) else samples
    if found is None:
        tensor = next(_tensors(batch), None)
        if tensor is None:
            raise UsageError(
                f"run.loader: a batch of type {type(batch).__name__} holds no tensor whose length is its samples; "
                "say how many it holds: run.loader(loader, samples=64), or a function of the batch"
            )
        found = len(tensor)
    count = whole_number(found)
    if count is None or count < 1:
        raise UsageError(f"run.loader: a batch of {found!r} samples; allowed: a whole number, 1 or more (samples=)")
    return count


def whole_number(value: object) -> int | None:
    """Return a whole number, numpy's and torch's too, as an int; None for what is none."""
    return int(value.__index__()) if isinstance(value, SupportsIndex) else None


def _tensors(batch: object) -> Iterator[Tensor]:
    """Yield the tensors of a batch that have a length, in order; of nested lists, tuples and mappings."""
    if isinstance(batch, Tensor):
        if batch.ndim:
            yield batch
    elif isinstance(batch, Mapping):
        yield from (tensor for value in batch.values() for tensor in _tensors(value))
    elif isinstance(batch, list | tuple):
        yield from (tensor for value in batch for tensor in _tensors(value))
