"""What a task part is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from harness.observations import Array, Direction

if TYPE_CHECKING:
    from torch import Tensor, nn

    from harness.data import Split


@dataclass(frozen=True)
class Scores:
    """What evaluating a model on one split gives."""

    values: Mapping[str, float]
    """Scores by name: those that the task declares, means over samples unless the task says otherwise."""
    predictions: Array | None = None
    """[N] predicted class of each sample; None where nothing is classified."""
    labels: Array | None = None
    """[N] true class of each sample; likewise."""
    returns: Array | None = None
    """[N] return of each episode; None where there are none."""
    texts: Mapping[str, str] = field(default_factory=dict)
    """What explains a score, by metric name, such as the signature of BLEU."""
    images: Mapping[str, bytes] = field(default_factory=dict)
    """PNG files for the report, by title."""


@dataclass(frozen=True)
class Played:
    """What a loss gives beyond itself where samples are episodes."""

    loss: Tensor
    """Scalar with a gradient."""
    returns: Tensor
    """[B] return of each episode."""


LossFunction = Callable[["nn.Module", "Tensor", "Tensor"], "Tensor | Played"]
"""`loss(model, inputs, labels) -> Tensor | Played`: mean training loss of a batch, a scalar with a gradient.

inputs and labels are `Split.inputs` and `Split.labels` of the batch. It may draw from torch's global stream.
"""


@dataclass(frozen=True)
class Turn:
    """One update within a step: which part of the model learns, and from which loss."""

    loss: LossFunction
    part: str = ""
    """Name of the sub-module that this turn updates, with an optimiser of its own; '' for the whole model."""


def forward(model: nn.Module, inputs: Tensor) -> object:
    """Return what a model makes of a batch: what inference is timed on unless a task knows better."""
    return model(inputs)


@dataclass(frozen=True)
class Learning:
    """A task at work on one data set."""

    turns: tuple[Turn, ...]
    """The updates of a step, in order; most tasks have one."""
    evaluate: Callable[[nn.Module, Split, int], Scores]
    """`evaluate(model, split, batch_size)`: scores; draws no random numbers and leaves each module's mode as it was."""
    infer: Callable[[nn.Module, Tensor], object] = forward
    """`infer(model, inputs)`: what the trained model is used for, given a batch of inputs; this is what is timed."""
    padded: bool = False
    """Whether PAD at the end of inputs and labels may be cut off without changing the loss."""
    additive: bool = True
    """Whether the losses of several batches, weighed by their samples, are that of one batch of all; if not, a recipe may not
    accumulate."""
    steady: bool = True
    """Whether a sample costs about the same whenever it is trained on; False for episodes, whose operations are not counted."""


@dataclass(frozen=True)
class Task:
    """How a kind of model learns and is scored.

    `start(splits, *, option=default)` returns a Learning for the data set; its keyword-only arguments are the options a
    suite may set. All fields but the function are literals.
    """

    primary: str
    """The score that selects models and decides first; a metric has the same name."""
    scores: dict[str, Direction]
    """What every evaluation yields -> which way is better; a suite's targets may name these."""
    start: Callable[..., Learning]

    @property
    def direction(self) -> Direction:
        """Which way the primary score is better."""
        return self.scores[self.primary]


@contextmanager
def evaluation_mode(model: nn.Module) -> Iterator[None]:
    """Put every module into evaluation mode, without gradients, and give each its own mode back: a frozen part stays frozen."""
    import torch

    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        with torch.inference_mode():
            yield
    finally:
        for module, training in modes:
            module.training = training
