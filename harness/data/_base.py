"""What a data set part is."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.vocabulary import Vocabulary

if TYPE_CHECKING:
    import gymnasium
    import torch


@dataclass(frozen=True)
class Split:
    """Samples of one split, in memory."""

    inputs: torch.Tensor
    """[N, *shape]: float32, or int64 ids of one vocabulary (then shape is (T,) and PAD fills up)."""
    labels: torch.Tensor
    """[N], int64 class numbers; [N, T] ids of a target sequence, PAD at its end; whatever else the task says."""
    columns: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    """What else is known of each sample, by name (speaker, take, reference): N entries each. No model sees it."""

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, indices: torch.Tensor) -> Split:
        """Return the samples at `indices`, in that order, columns included."""
        chosen = indices.tolist()
        columns = {name: [column[index] for index in chosen] for name, column in self.columns.items()}
        return Split(self.inputs[indices], self.labels[indices], columns)

    def to(self, device: torch.device) -> Split:
        """Return the samples on another device."""
        return replace(self, inputs=self.inputs.to(device), labels=self.labels.to(device))


@dataclass(frozen=True)
class Splits:
    """A data set, loaded. The same options give the same bytes, whatever the run's seed."""

    train: Split
    test: Split
    classes: tuple[str, ...] = ()
    """Class names; a label is an index into them. Empty where samples have no class."""
    validation: Split | None = None
    """The data set's own validation split; None where a recipe may hold a share of the training split out."""
    vocabularies: tuple[Vocabulary, ...] = ()
    """What ids stand for: of a text; of source and target; of users and items."""
    environment: Callable[[], gymnasium.Env[Any, Any]] | None = None
    """Makes the environment that an agent acts in; a sample is then one episode and its input the episode's seed."""


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
    validation: bool = False
    """Whether the data set has a validation split of its own."""
    synthetic: bool = False
    """Whether the samples are generated rather than collected."""
    download: bool = False
    """Whether files must be fetched (or found in HARNESS_DATA_DIR)."""
    folder: str = ""
    """Its folder in the cache, where it shares another data set's files; '' for one of its own name."""
    preload: tuple[str, ...] = ()
    """Modules that `load` imports; imported once before the runs start, so that no run pays for them."""
    identity: Callable[..., str] | None = None
    """`identity(context, *, same options)`: a digest of files, or the version of a library, that the part's own source does
    not pin (a user's folder, a simulator); None where the source code alone determines the data."""
