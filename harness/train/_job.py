"""What a training is asked to do, and what it tells while it runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter

import torch
from torch import nn

from harness.data import Split
from harness.suite import Recipe
from harness.tasks import Learning, Task


@dataclass(frozen=True)
class Progress:
    """What is shown while a run trains."""

    step: int
    steps: int
    epoch: int
    loss: float
    samples: int
    seconds: float


@dataclass
class Job:
    """Everything a training needs."""

    model: nn.Module
    task: Task
    learning: Learning
    recipe: Recipe
    seed: int
    train: Split
    validation: Split | None
    test: Split
    device: torch.device
    precision: str = "fp32"
    build_started: float = field(default_factory=perf_counter)
    """Reading of perf_counter at which building the model began."""
    report: Callable[[Progress], None] = lambda progress: None
    checkpoint: Path | None = None
    """File that the training is saved to now and then, and goes on from if it is there; None: neither."""
    checkpoint_seconds: float = 60.0
    """Time between two savings."""
    digest_steps: tuple[int, ...] = ()
    """Steps after which the weights are digested."""
    cut_at: int = 0
    """Step after which the process saves the training and kills itself, to see that another goes on to the same bits."""
