"""Motifs: generated DNA, in which a motif is hidden or not; the class is which motif, or none.

The bases are uniform and independent. In a sample of a motif's class, a copy of the motif replaces the bases at a place
drawn uniformly; each base of the copy is, with probability `mutation`, one of the three others. The setting is that of
DeepBind (Alipanahi and others 2015) on made sequences.

Classes are balanced: chance 1 / (motifs + 1), one half by default. Best possible: what the likelihood of the motif, over
every place, gives (with the defaults 0.90; without mutation 1, but for motifs that arise by themselves).

Shape suffixes: N samples, T bases, F = 4 (A, C, G, T), M motifs, W bases of a motif.
"""

from __future__ import annotations

import numpy as np
import torch

from harness.data._base import Dataset, LoadContext, Split, Splits
from harness.data._generated import Numbers, draw, draw_classes, stream
from harness.data._option_checks import check_samples
from harness.options import check_count, check_real

BASES = "ACGT"
FULL = 1 << 24
"""Parts that a probability is rounded to."""


def load(
    context: LoadContext,
    *,
    train_samples: int = 2000,
    test_samples: int = 500,
    length: int = 60,
    motifs: int = 1,
    motif_length: int = 8,
    mutation: float = 0.1,
) -> Splits:
    """Return the sequences, one-hot, [T, 4] float32 in the order A, C, G, T.

    Classes take turns, so that in either split none has more than one sample more than another. With fewer samples than
    classes some have none; they stay among the data set's classes.

    Args:
        context: nothing is fetched.
        train_samples: in the training split.
        test_samples: in the test split, which is the same whatever the training split.
        length: bases of a sequence.
        motifs: how many there are; class 0 is none, class m the m-th.
        motif_length: bases of a motif, at most `length`.
        mutation: 0 to 0.75, the probability that a base of a copy is another; at 0.75 nothing is left of the motif.

    Raises:
        UsageError: an option that is not allowed.
    """
    check_samples(train_samples, test_samples)
    check_count("length", length, 4, 10_000)
    check_count("motif_length", motif_length, 4, min(length, 30))
    check_count("motifs", motifs, 1, 50)
    check_real("mutation", mutation, 0, 0.75)
    motifs_MW = consensus(motifs, motif_length)

    def split(name: str, count: int) -> Split:
        labels_N = draw_classes(f"motifs/{name}/labels", count, motifs + 1)
        bases_NT = draw(f"motifs/{name}/bases", (count, length), len(BASES))
        _plant(name, bases_NT, labels_N, motifs_MW, mutation)
        return Split(torch.from_numpy(np.eye(4, dtype=np.float32)[bases_NT]), torch.from_numpy(labels_N))

    names = ("none", *("".join(BASES[base] for base in motif) for motif in motifs_MW))
    return Splits(split("train", train_samples), split("test", test_samples), names)


def consensus(motifs: int, motif_length: int) -> Numbers:
    """Return the motifs without mutation as numbers of bases, [M, W], no two the same."""
    source = stream(f"motifs/consensus/{motif_length}")
    found: dict[tuple[int, ...], None] = {}
    while len(found) < motifs:
        found[tuple(source.randint(0, len(BASES), motif_length, dtype=np.int64).tolist())] = None
    return np.array(list(found), dtype=np.int64)


def _plant(name: str, bases_NT: Numbers, labels_N: Numbers, motifs_MW: Numbers, mutation: float) -> None:
    """Write a mutated copy of its motif into each sample that has one."""
    count, width = len(labels_N), motifs_MW.shape[1]
    other_NW = draw(f"motifs/{name}/others", (count, width), 3) + 1  # steps around the four bases, never back to the same
    mutated_NW = draw(f"motifs/{name}/mutated", (count, width), FULL) < round(mutation * FULL)
    copies_NW = (motifs_MW[np.maximum(labels_N - 1, 0)] + other_NW * mutated_NW) % len(BASES)
    start_N = draw(f"motifs/{name}/places", count, bases_NT.shape[1] - width + 1)
    holds_N = np.flatnonzero(labels_N)
    bases_NT[holds_N[:, None], start_N[holds_N, None] + np.arange(width)] = copies_NW[holds_N]


DATASET = Dataset(
    load=load,
    shape=(60, 4),
    classes=2,
    sizes=(2000, 500),
    source="generated; after the setting of Alipanahi, Delong, Weirauch and Frey (2015)",
    synthetic=True,
)
