"""Memory peaks of training alone: of the host's resident memory, and of CUDA's allocator."""

from __future__ import annotations

import torch

from harness.observations import Observations
from harness.probes.memory import peak_rss_bytes, reset_peak_rss

PEAK_FIELDS = ("host_peak_bytes", "cuda_allocated_peak_bytes", "cuda_reserved_peak_bytes")
CUDA_FIELDS = (
    "cuda_allocated_peak_bytes",
    "cuda_reserved_peak_bytes",
    "cuda_allocation_retries",
    "cuda_out_of_memory",
)


class Peaks:
    """Largest memory over the stretches that each begin with `begin` and end with `end`.

    What is still held when a stretch begins counts in it; so does what CUDA's allocator has reserved by then. Where the
    host's peak cannot be reset (`reset_peak_rss`), it holds what came between the stretches too.
    """

    def __init__(self, device: torch.device, seen: Observations) -> None:
        self._device, self._seen = device, seen
        self._before = torch.cuda.memory_stats(device) if device.type == "cuda" else {}
        if device.type != "cuda":
            seen.nulls |= dict.fromkeys((*CUDA_FIELDS, "gpu_samples"), "no_gpu")

    def settle(self) -> None:
        """Forget the peaks so far, which were of the warm-up, and begin a stretch."""
        for field in PEAK_FIELDS:
            setattr(self._seen, field, None)
        self.begin()

    def begin(self) -> None:
        """Begin a stretch."""
        reset_peak_rss()
        if self._device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(self._device)

    def end(self) -> None:
        """End a stretch: note its peaks in the observations, if they are the largest so far."""
        self._note("host_peak_bytes", peak_rss_bytes())
        if self._device.type == "cuda":
            self._note("cuda_allocated_peak_bytes", torch.cuda.max_memory_allocated(self._device))
            self._note("cuda_reserved_peak_bytes", torch.cuda.max_memory_reserved(self._device))
            self._note("cuda_allocation_retries", self._count("num_alloc_retries"))
            self._note("cuda_out_of_memory", self._count("num_ooms"))

    def _count(self, name: str) -> int:
        """Return how often something has happened since this was made; the allocator counts since the process started."""
        return int(torch.cuda.memory_stats(self._device)[name] - self._before.get(name, 0))

    def _note(self, field: str, peak: int | None) -> None:
        if peak is not None:
            setattr(self._seen, field, max(getattr(self._seen, field) or 0, peak))
