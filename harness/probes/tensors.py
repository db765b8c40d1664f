"""Memory that tensors hold, counted from the operations that touch them."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves


class TensorPeak(TorchDispatchMode):
    """Counts the bytes of the storages that operations touch while it is entered, as long as they live.

    A storage counts once, however many tensors view it, from the first operation that reads or makes it to the end of its
    life, on whatever device it is; storages that no operation has touched yet are unknown. So enter it, take a step, which
    touches weights and optimiser states, and only then `reset_peak` and take the steps that count. What a kernel takes and
    gives back within one operation is not seen; in a small CNN's step on a CPU that was nothing (FEASIBILITY F). The figures
    stay after it is left, at what they were then.

    A model that is compiled runs uncompiled meanwhile, because the compiler steps aside for dispatch modes.

    Attributes:
        live_bytes: of all storages that live now.
        peak_bytes: the largest `live_bytes` after an operation, since it was entered or `reset_peak`.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # torch's is untyped
        self.live_bytes = self.peak_bytes = 0
        self._alive: dict[int, tuple[weakref.finalize[..., Any], int]] = {}

    def reset_peak(self) -> None:
        """Let the peak start anew from what lives now."""
        self.peak_bytes = self.live_bytes

    def __exit__(self, *error: Any) -> None:
        super().__exit__(*error)  # type: ignore[no-untyped-call]  # likewise
        for watch, _ in self._alive.values():
            watch.detach()
        self._alive.clear()

    def __torch_dispatch__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        self._touch((args, kwargs))  # before: an operation may let go of what it was given
        result = func(*args, **(kwargs or {}))
        self._touch(result)
        return result

    def _touch(self, tree: Any) -> None:
        for leaf in tree_leaves(tree):
            if isinstance(leaf, Tensor):
                for storage in _storages(leaf):
                    self._note(storage)
        self.peak_bytes = max(self.peak_bytes, self.live_bytes)

    def _note(self, storage: torch.UntypedStorage) -> None:
        """Count a storage that is new, or what one has grown by."""
        key, size = storage._cdata, storage.nbytes()
        watch, known = self._alive.get(key) or (self._watch(key, storage), 0)
        self._alive[key] = watch, size
        self.live_bytes += size - known

    def _watch(self, key: int, storage: torch.UntypedStorage) -> weakref.finalize[..., Any]:
        watch = weakref.finalize(storage, self._forget, key)
        watch.atexit = False
        return watch

    def _forget(self, key: int) -> None:
        _, size = self._alive.pop(key)
        self.live_bytes -= size


def _storages(tensor: Tensor) -> Iterator[torch.UntypedStorage]:
    """Yield the storages behind a tensor: one, or those of a sparse tensor's parts; a meta tensor holds nothing."""
    if tensor.layout == torch.sparse_coo:
        yield from (part.untyped_storage() for part in (tensor._indices(), tensor._values()))
    elif tensor.device.type != "meta":
        yield tensor.untyped_storage()
