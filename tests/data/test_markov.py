"""Markov text: each chain has its favourite successors, and only they tell the chains apart."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import torch

from harness.data import PAD, LoadContext, Splits
from harness.data.markov import load

CONTEXT = LoadContext(Path("/nonexistent/data"), None, Path("/nonexistent"))
SYMBOLS = 96
Counts = npt.NDArray[np.int64]


def follow_counts(splits: Splits) -> Counts:
    """Count which symbol follows which in each class of the training split, [K, S, S]; counts skip padding."""
    ids = splits.train.inputs.numpy()
    before, after = ids[:, :-1], ids[:, 1:]
    within = (before != PAD) & (after != PAD)
    classes = np.broadcast_to(splits.train.labels.numpy()[:, None], before.shape)
    counts = np.zeros((10, SYMBOLS, SYMBOLS), dtype=np.int64)
    np.add.at(counts, (classes[within], before[within] - 4, after[within] - 4), 1)
    return counts


def likelihood_accuracy(splits: Splits, favourites: Counts, sharpness: float) -> float:
    """Classify the test texts by the chain under which they are likeliest, in loops; the best that is possible."""
    rest = (1 - sharpness) / SYMBOLS
    right = 0
    for ids, label in zip(splits.test.inputs.tolist(), splits.test.labels.tolist(), strict=True):
        text = [number - 4 for number in ids if number != PAD]
        scores = [
            sum(np.log(rest + sharpness * (favourite[last] == following)) for last, following in pairwise(text))
            for favourite in favourites
        ]
        right += int(np.argmax(scores)) == label
    return right / len(splits.test)


@pytest.fixture(scope="module", params=[False, True], ids=["any", "order_only"])
def large(request: pytest.FixtureRequest) -> tuple[bool, Splits, Counts]:
    """Whether every symbol is equally probable, a training split large enough to see the chains, and its counts."""
    splits = load(CONTEXT, train_samples=30_000, sharpness=0.3, shortest=20, order_only=bool(request.param))
    return bool(request.param), splits, follow_counts(splits)


def test_each_chain_follows_its_favourites(large: tuple[bool, Splits, Counts]) -> None:
    """After each symbol one successor has the share sharpness + (1 - sharpness) / symbols, the others equal ones."""
    _, _, counts = large
    followed = counts.sum(axis=2)
    favoured = counts.max(axis=2)
    share = 0.3 + 0.7 / SYMBOLS

    often = followed >= 200
    deviation = np.sqrt(share * (1 - share) / followed[often])
    assert often.mean() > 0.9
    assert (np.abs(favoured[often] / followed[often] - share) / deviation).max() < 5
    assert favoured.sum() / followed.sum() == pytest.approx(share, abs=0.005)
    second = np.sort(counts, axis=2)[:, :, -2][often] / followed[often]
    assert second.max() < 0.1


def test_order_only_makes_symbols_equally_probable(large: tuple[bool, Splits, Counts]) -> None:
    """Then each chain's favourites form one cycle through all symbols, and counts of symbols tell little of the class."""
    order_only, splits, counts = large
    favourites = counts.argmax(axis=2)
    one_cycle = []
    for chain in favourites:
        at, visited = 0, set()
        while at not in visited:
            visited.add(at)
            at = int(chain[at])
        one_cycle.append(len(visited) == SYMBOLS)
    ids = splits.train.inputs.numpy()[:, 5:] - 4
    used = np.stack([np.bincount(ids[splits.train.labels.numpy() == label].ravel(), minlength=SYMBOLS) for label in range(10)])
    spread = (used.std(axis=1) / used.mean(axis=1)).mean()

    assert [order_only] * 10 == one_cycle
    assert (spread < 0.05) == order_only
    assert (spread > 0.2) == (not order_only)


def test_the_best_possible_accuracy_is_the_documented_one(large: tuple[bool, Splits, Counts]) -> None:
    """The likelihood of the chains, found from the large split, is right on all of 500 test texts, and 96 % at 0.3."""
    order_only, _, counts = large
    favourites = counts.argmax(axis=2)

    assert 1.0 == likelihood_accuracy(load(CONTEXT, order_only=order_only), favourites, 0.7)
    short = load(CONTEXT, order_only=order_only, sharpness=0.3)
    assert 0.94 <= likelihood_accuracy(short, favourites, 0.3) <= 0.98


def test_without_sharpness_the_chains_are_the_same() -> None:
    """At 0 every symbol follows every other equally often in every class."""
    splits = load(CONTEXT, train_samples=20_000, shortest=20, sharpness=0)
    counts = follow_counts(splits)

    assert abs(counts - counts.mean()).max() <= 6 * counts.mean() ** 0.5 + 1


def test_lengths_are_uniform_and_tell_nothing() -> None:
    """Texts have 10 to 20 symbols, each length as often as the next, whatever the class."""
    splits = load(CONTEXT, train_samples=20_000)
    lengths = (splits.train.inputs != PAD).sum(dim=1)
    counts = torch.bincount(lengths, minlength=21)

    assert [0] * 10 == counts[:10].tolist()
    assert (counts[10:] - 20_000 / 11).abs().max() <= 5 * (20_000 / 11) ** 0.5
    means = torch.stack([lengths[splits.train.labels == label].float().mean() for label in range(10)])
    assert (means - 15).abs().max() <= 5 * (10 / 2000) ** 0.5


@pytest.mark.parametrize("encoding", ["ids", "onehot"])
def test_padding_is_on_the_side_asked_for(encoding: str) -> None:
    """Left and right give the same texts, moved; one-hot padding is zeros."""
    right, left = (load(CONTEXT, encoding=encoding, pad=pad, train_samples=50).train.inputs for pad in ("right", "left"))
    texts = [[row[row.reshape(20, -1).any(dim=1)] for row in side] for side in (right, left)]

    assert any(len(text) < 20 for text in texts[0])
    for index, (first, second) in enumerate(zip(*texts, strict=True)):
        assert torch.equal(first, second)
        assert torch.equal(right[index, : len(first)], first)
        assert torch.equal(left[index, 20 - len(first) :], first)


def test_onehot_holds_the_same_texts() -> None:
    """The encoding changes how a symbol is written, not which one it is."""
    ids, onehot = (load(CONTEXT, encoding=encoding, train_samples=50) for encoding in ("ids", "onehot"))

    assert torch.equal(ids.train.inputs, onehot.train.inputs.argmax(dim=2))
    assert (50, 20, 100) == tuple(onehot.train.inputs.shape)
    assert [100] == [len(vocabulary) for vocabulary in ids.vocabularies]
    assert () == onehot.vocabularies
