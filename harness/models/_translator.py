"""What a model has to offer to translate: teacher forcing for training, one step at a time for decoding.

Shape suffixes: B batch, S source ids, T target ids, V target vocabulary.
"""

from __future__ import annotations

from typing import Protocol

from torch import Tensor

State = tuple[Tensor, ...]
"""What decoding goes on from; each tensor has the batch first, so that rows may be picked, repeated and reordered."""


class Translator(Protocol):
    """A model that writes a target text, an id at a time, from a source text."""

    def __call__(self, source_BS: Tensor, target_BT: Tensor) -> Tensor:
        """Return logits_BTV: of what follows each id of the target, given the ids up to it."""

    def encode(self, source_BS: Tensor) -> State:
        """Return the state from which decoding starts."""

    def step(self, state: State, token_B: Tensor) -> tuple[Tensor, State]:
        """Return (logits_BV of what follows `token_B`, the state after it)."""
