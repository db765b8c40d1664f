"""Images as sequences: one step a row of pixels, from the top."""

from __future__ import annotations

from dataclasses import replace

from harness.data._base import Split, Splits


def as_rows(splits: Splits) -> Splits:
    """Return a data set of grey images, [N, 1, height, width], as sequences, [N, height, width]."""
    return replace(splits, train=_rows(splits.train), test=_rows(splits.test))


def _rows(split: Split) -> Split:
    return replace(split, inputs=split.inputs.squeeze(1))
