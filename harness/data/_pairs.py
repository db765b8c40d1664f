"""Pairs of texts as ids: what data sets for translation share.

Shapes: N pairs, S ids of a source text, T ids of a target text.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from harness.data._base import Split
from harness.vocabulary import END, PAD, START

Ids = Sequence[Sequence[int]]


def pair_split(sources: Ids, targets: Ids, texts: tuple[Sequence[str], Sequence[str]], length: int) -> Split:
    """Return pairs as a split: inputs [N, S] and labels [N, T] with S = length + 1 and T = length + 2.

    A source ends in END; a target starts with START and ends in END; PAD fills up. Of a text of more than `length` ids
    the end is left out: the first `length` stay, and END after them.

    Args:
        sources: ids of each source text.
        targets: ids of each target text.
        texts: source and target texts in words, the columns "source" and "reference": these stay whole.
        length: ids kept of each text.
    """
    inputs_NS = _rows(sources, length, start=False)
    labels_NT = _rows(targets, length, start=True)
    return Split(inputs_NS, labels_NT, {"source": list(texts[0]), "reference": list(texts[1])})


def _rows(texts: Ids, length: int, *, start: bool) -> torch.Tensor:
    head = [START] if start else []
    rows = np.full((len(texts), length + 1 + len(head)), PAD, dtype=np.int64)
    for row, ids in zip(rows, texts, strict=True):
        kept = [*head, *ids[:length], END]
        row[: len(kept)] = kept
    return torch.from_numpy(rows)
