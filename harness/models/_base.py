"""What a model part is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class DataSpec:
    """What a data set gives to a model."""

    shape: tuple[int, ...]
    """Shape of one input, without the batch: (channels, height, width) for images, (T, F) for sequences of F features,
    (T,) for texts of ids."""
    classes: int
    """Number of classes to tell apart; of actions for an agent; 0 where there are none."""
    vocabularies: tuple[int, ...] = ()
    """Number of ids in each vocabulary: of a text; of source and target; of users and items."""


@dataclass(frozen=True)
class Model:
    """One model: how it is built and where it comes from.

    `build(spec, *, option=default)` returns the module; its keyword-only arguments are the options a suite may set.
    All fields but `build` are literals, so that listings need no import.
    """

    build: Callable[..., nn.Module]
    input_shape: tuple[int, ...] | None = None
    """Shape of one input that the model takes; None takes the data set's own."""
    parameters: int | None = None
    """Trainable parameters with default options, on `example`."""
    example: tuple[tuple[int, ...], int, tuple[int, ...]] | None = None
    """(shape, classes, vocabularies) that `parameters` is counted for; None: `input_shape` and 10 classes."""
    task: str = "classification"
    """The task that trains it."""
    article: str = ""
    """Article id (000 to 004), '' for a user's own model."""
    section: str = ""
    repairs: tuple[str, ...] = ()
    """What was wrong in the article's listing and how it was repaired, one entry a defect."""
    source: str = ""
    """Paper or specification of the architecture."""
    nondeterminism: str = ""
    """Why two trainings with one seed do not end at the same bits, where that cannot be helped; '' for a model that repeats."""
