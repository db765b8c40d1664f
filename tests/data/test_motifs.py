"""Motifs: a mutated copy is planted in the samples of its class."""

from __future__ import annotations

from pathlib import Path
from statistics import mean

import numpy as np
import pytest
import torch

from harness.data import LoadContext, Splits
from harness.data.motifs import load

CONTEXT = LoadContext(Path("/nonexistent/data"), None, Path("/nonexistent"))


def texts(splits: Splits) -> list[tuple[str, int]]:
    """Each test sample as letters, with its label."""
    rows = splits.test.inputs.argmax(dim=2).tolist()
    return [
        ("".join("ACGT"[base] for base in row), label) for row, label in zip(rows, splits.test.labels.tolist(), strict=True)
    ]


def matches(window: str, motif: str) -> int:
    """Count the bases in which a window agrees with a motif."""
    return sum(own == wanted for own, wanted in zip(window, motif, strict=True))


def scan_accuracy(splits: Splits, mutation: float) -> float:
    """Classify by the likelihood of each motif over every place, in loops; the best that is possible."""
    right = 0
    samples = texts(splits)
    for text, label in samples:
        ratios = [1.0]
        for motif in splits.classes[1:]:
            windows = [text[start : start + len(motif)] for start in range(len(text) - len(motif) + 1)]
            equal = [matches(window, motif) for window in windows]
            ratios.append(mean([(4 * (1 - mutation)) ** hit * (4 * mutation / 3) ** (len(motif) - hit) for hit in equal]))
        right += int(np.argmax(ratios)) == label
    return right / len(samples)


@pytest.mark.parametrize("motifs", [1, 3])
def test_the_motif_is_in_the_samples_of_its_class(motifs: int) -> None:
    """Without mutation each holds its motif whole; by itself one arises in under 1 % of the others (53 / 4^8 each)."""
    splits = load(CONTEXT, test_samples=2000, motifs=motifs, mutation=0)
    found = [(label, [motif in text for motif in splits.classes[1:]]) for text, label in texts(splits)]

    assert all(there[label - 1] for label, there in found if label)
    assert sum(any(there) for label, there in found if not label) <= 0.01 * len(found)


def test_inputs_are_one_hot_and_the_background_uniform() -> None:
    """One base a step; without the motif each makes up a quarter."""
    split = load(CONTEXT).train
    shares = split.inputs[split.labels == 0].mean(dim=(0, 1))

    assert torch.equal(split.inputs.sum(dim=2), torch.ones(2000, 60))
    assert [0, 1] == split.inputs.unique().tolist()
    assert (shares - 0.25).abs().max() <= 5 * (0.25 * 0.75 / 60_000) ** 0.5


def test_every_place_is_equally_likely() -> None:
    """A copy starts at each of the 53 places equally often."""
    splits = load(CONTEXT, test_samples=20_000, mutation=0)
    motif = splits.classes[1]
    places = np.bincount([text.find(motif) for text, label in texts(splits) if label], minlength=53)

    assert 53 == len(places)
    assert np.abs(places - 10_000 / 53).max() <= 5 * (10_000 / 53) ** 0.5


def test_bases_of_a_copy_mutate_with_the_given_probability() -> None:
    """With one place only the copies are seen: a tenth of the bases differs, each other base equally often."""
    splits = load(CONTEXT, test_samples=20_000, length=8)
    motif = splits.classes[1]
    copies = [text for text, label in texts(splits) if label]
    changed = [
        ("ACGT".index(own) - "ACGT".index(wanted)) % 4 for text in copies for own, wanted in zip(text, motif, strict=True)
    ]
    counts = np.bincount(changed, minlength=4)

    assert counts[1:].sum() / counts.sum() == pytest.approx(0.1, abs=5 * (0.1 * 0.9 / 80_000) ** 0.5)
    assert np.abs(counts[1:] - 80_000 / 30).max() <= 5 * (80_000 / 30) ** 0.5


@pytest.mark.parametrize(
    ("mutation", "low", "high"), [(0.0, 0.99, 1.0), (0.1, 0.88, 0.92), (0.2, 0.76, 0.83), (0.75, 0.45, 0.55)]
)
def test_the_best_possible_accuracy_is_the_documented_one(mutation: float, low: float, high: float) -> None:
    """Scanning with the true motif is right on about 90 % of the test samples by default, and at 0.75 on half of them."""
    assert low <= scan_accuracy(load(CONTEXT, mutation=mutation), mutation) <= high


def test_motifs_are_distinct() -> None:
    """Fifty motifs of four bases, of 256 there are, are fifty; the classes are named after them."""
    splits = load(CONTEXT, motifs=50, motif_length=4)

    assert 51 == len(set(splits.classes))
    assert "none" == splits.classes[0]
    assert {4} == {len(motif) for motif in splits.classes[1:]}


@pytest.mark.parametrize(("options", "shape"), [({}, (60, 4)), ({"length": 100, "motif_length": 12}, (100, 4))])
def test_options_set_the_shape(options: dict[str, int], shape: tuple[int, int]) -> None:
    """Steps first, then the four bases."""
    splits = load(CONTEXT, **options)

    assert shape == tuple(splits.train.inputs.shape[1:]) == tuple(splits.test.inputs.shape[1:])
    assert torch.float32 == splits.train.inputs.dtype
