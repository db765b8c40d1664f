"""Whether what article 002 prints as a Transformer is one: does it attend, and does a step see later ones?

Article 002, section 4.4: `listing` is that network, repaired so that it runs (`a002_transformer_lstm`); `encoder` a Transformer
encoder (`p002_transformer_encoder`). Fresh weights, texts of STEPS symbols.

- `attentions_<network>`: operations of a forward pass that take a softmax or are attention under a name of their own; a
  Transformer has at least one a layer (LAYERS).
- `before_<network>`: steps before number STEP whose state differs in any bit when that step's symbol is replaced;
  `after_<network>`: those from it on.

Source: Vaswani et al., "Attention Is All You Need", 2017.

Shape suffixes: B batch, T steps, D width.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from harness.data import SPECIAL
from harness.experiments import Experiment, Setting
from harness.experiments._dependence import changed_steps
from harness.models import DataSpec
from harness.models._sinusoids import sinusoids
from harness.models.a002_transformer_lstm import StackedLstms
from harness.models.p002_transformer_encoder import EncoderMean

STEPS, STEP, BATCH, SYMBOLS, WIDTH, LAYERS = 20, 15, 4, 8, 32, 2
MARKS = ("softmax", "attention")
"""What the name of an operation that attends holds."""


class Named(TorchDispatchMode):
    """Notes the names of the operations that run."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # torch's is untyped
        self.names: list[str] = []

    def __torch_dispatch__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        self.names.append(str(func))
        return func(*args, **(kwargs or {}))


def run(setting: Setting) -> dict[str, float | None]:
    """Return the counts that the module's docstring defines.

    Args:
        setting: weights come from the global stream, texts from the stream "texts".
    """
    stream, start = setting.generator("texts"), len(SPECIAL)
    ids_BT = torch.randint(SYMBOLS, (BATCH, STEPS), generator=stream) + start
    other_B = (ids_BT[:, STEP - 1] - start + 1) % SYMBOLS + start
    spec = DataSpec((STEPS,), SYMBOLS, (SYMBOLS + start,))
    listing = setting.model("a002_transformer_lstm", spec, hidden=WIDTH, layers=LAYERS).cpu()
    encoder = setting.model("p002_transformer_encoder", spec, width=WIDTH, layers=LAYERS, dropout=0.0).cpu()
    assert isinstance(listing, StackedLstms)
    assert isinstance(encoder, EncoderMean)
    found: dict[str, float | None] = {"attentions_listing": attentions(listing, ids_BT)}
    found["attentions_encoder"] = attentions(encoder, ids_BT)
    reads: dict[str, Callable[[Tensor], Tensor]] = {"listing": listing.states, "encoder": states_of(encoder)}
    for name, read in reads.items():
        found[f"before_{name}"], found[f"after_{name}"] = changed_steps(read, ids_BT, other_B, STEP - 1)
    return found


def attentions(model: nn.Module, ids_BT: Tensor) -> int:
    """Return how many operations of a forward pass attend."""
    with Named() as seen:
        model(ids_BT)
    return sum(any(mark in name for mark in MARKS) for name in seen.names)


def states_of(encoder: EncoderMean) -> Callable[[Tensor], Tensor]:
    """Return the function from ids [B, T] to the encoder's states behind its last layer, [B, T, D]."""

    def read(ids_BT: Tensor) -> Tensor:
        x_BTD: Tensor = encoder.steps(ids_BT)[0]
        x_BTD = x_BTD + sinusoids(x_BTD)
        for layer in encoder.layers:
            x_BTD = layer(x_BTD)
        return x_BTD

    return read


EXPERIMENT = Experiment(
    run=run,
    title="Article 002's printed Transformer",
    outcomes={
        "attentions_listing": "{operation}",
        "attentions_encoder": "{operation}",
        "before_listing": "{step}",
        "after_listing": "{step}",
        "before_encoder": "{step}",
        "after_encoder": "{step}",
    },
    metric_class="exact",
    source="Vaswani et al. 2017",
)
