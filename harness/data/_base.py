"""What a data set part is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Split:
    """Samples of one split, in memory."""

    inputs: torch.Tensor
    """[N, *shape], float32 for images."""
    labels: torch.Tensor
    """[N], int64 class numbers."""

    def __len__(self) -> int:
        return len(self.labels)

    def to(self, device: torch.device) -> Split:
        """Return the samples on another device."""
        return Split(self.inputs.to(device), self.labels.to(device))


@dataclass(frozen=True)
class Splits:
    """A data set, loaded. The same options give the same bytes, whatever the run's seed."""

    train: Split
    test: Split
    classes: tuple[str, ...]
    """Class names; a label is an index into them."""


@dataclass(frozen=True)
class LoadContext:
    """What the harness tells a data set when it loads it."""

    folder: Path
    """This data set's own folder in the cache; may not exist yet."""
    shape: tuple[int, ...] | None
    """Shape of one input that the model takes; None for the data set's own."""
    project: Path
    """The project's root: relative paths in options start here."""


@dataclass(frozen=True)
class Dataset:
    """One data set: how it is loaded and where it comes from.

    `load(context, *, option=default)` returns Splits; its keyword-only arguments are the options a suite may set.
    All fields but the functions are literals, so that listings need no import.
    """

    load: Callable[..., Splits]
    shape: tuple[int, ...] | None = None
    """Native shape of one input; None where it depends on the options."""
    classes: int | None = None
    sizes: tuple[int, int] | None = None
    """Samples in the training and the test split."""
    source: str = ""
    licence: str = ""
    synthetic: bool = False
    """Whether the samples are generated rather than collected."""
    download: bool = False
    """Whether files must be fetched (or found in HARNESS_DATA_DIR)."""
    preload: tuple[str, ...] = ()
    """Modules that `load` imports; imported once before the runs start, so that no run pays for them."""
    identity: Callable[..., str] | None = None
    """`identity(context, *, same options)`: a digest of files that the part's own source does not pin
    (a user's folder); None where the source code alone determines the data."""
