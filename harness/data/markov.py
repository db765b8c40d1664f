"""Markov text: generated texts, each by one of several Markov chains over the same symbols; the class is the chain.

Each chain has one favourite successor of each symbol, drawn once for all. A text starts with a symbol drawn uniformly;
then, with probability `sharpness`, comes the favourite successor of the last symbol, else any symbol, uniformly. Lengths
are uniform from `shortest` to `length` and tell nothing of the class.

With `order_only` the favourites of a chain are one cycle through all symbols. Then every symbol is equally probable in
every chain at every step, and only which symbols are near each other tells the chains apart. (Counts of symbols without
their order still show a little of it: which symbols come together.)

Chance 1 / classes. Best possible: what the likelihood of each chain gives (1.00 with the defaults, 0.96 with sharpness 0.3).

Shape suffixes: N samples, T steps, K classes, S symbols.
"""

from __future__ import annotations

import numpy as np
import torch

from harness.data._base import Dataset, LoadContext, Split, Splits
from harness.data._generated import ENCODINGS, Numbers, draw, draw_classes, encode, stream, vocabularies
from harness.data._option_checks import check_samples
from harness.options import check_choice, check_count, check_flag, check_real
from harness.vocabulary import PAD, SPECIAL

PADS = ("right", "left")
FULL = 1 << 24
"""Parts that a probability is rounded to."""


def load(
    context: LoadContext,
    *,
    train_samples: int = 2000,
    test_samples: int = 500,
    length: int = 20,
    shortest: int = 10,
    classes: int = 10,
    vocabulary: int = 100,
    sharpness: float = 0.7,
    order_only: bool = False,
    encoding: str = "ids",
    pad: str = "right",
) -> Splits:
    """Return the texts.

    Classes take turns: none has two samples more than another; with few samples some have none and stay classes.

    Args:
        context: nothing is fetched.
        train_samples: in the training split.
        test_samples: in the test split, which is the same whatever the training split.
        length: steps of the longest texts.
        shortest: symbols of the shortest ones, at most `length`.
        classes: number of chains.
        vocabulary: ids there are: the four special ones and the symbols.
        sharpness: 0 to 1, the probability of the favourite successor; 0 makes the chains the same.
        order_only: whether every symbol is equally probable in every chain.
        encoding: ids gives [T] int64; onehot gives [T, vocabulary] float32, with zeros where a text is filled up.
        pad: right or left, the side on which shorter texts are filled up.

    Raises:
        UsageError: an option that is not allowed.
    """
    check_samples(train_samples, test_samples)
    _check_chains(classes, vocabulary, sharpness, order_only)
    _check_texts(length, shortest, encoding, pad)
    favourites_KS = favourites(classes, vocabulary - len(SPECIAL), order_only)

    def split(name: str, count: int) -> Split:
        labels_N = draw_classes(f"markov/{name}/labels", count, classes)
        symbols_NT = _walk(name, favourites_KS[labels_N], length, sharpness)
        lengths_N = shortest + draw(f"markov/{name}/lengths", count, length - shortest + 1)
        ids_NT = _fill_up(symbols_NT + len(SPECIAL), lengths_N, pad)
        return Split(encode(ids_NT, encoding, vocabulary), torch.from_numpy(labels_N))

    train, test = split("train", train_samples), split("test", test_samples)
    return Splits(train, test, _names(classes), vocabularies=vocabularies(encoding, vocabulary))


def _check_chains(classes: int, vocabulary: int, sharpness: float, order_only: bool) -> None:
    check_count("classes", classes, 2, 1000)
    check_count("vocabulary", vocabulary, len(SPECIAL) + 2, 10_000)
    check_real("sharpness", sharpness, 0, 1)
    check_flag("order_only", order_only)


def _check_texts(length: int, shortest: int, encoding: str, pad: str) -> None:
    check_count("length", length, 2, 1000)
    check_count("shortest", shortest, 1, length)
    check_choice("encoding", encoding, ENCODINGS)
    check_choice("pad", pad, PADS)


def _names(classes: int) -> tuple[str, ...]:
    return tuple(f"chain {number}" for number in range(classes))


def favourites(classes: int, symbols: int, order_only: bool) -> Numbers:
    """Return each chain's favourite successor of each symbol, [K, S]."""
    if not order_only:
        return draw("markov/favourites", (classes, symbols), symbols)
    source = stream("markov/cycles")
    favourites_KS = np.empty((classes, symbols), dtype=np.int64)
    for favourites_S in favourites_KS:
        cycle_S = source.permutation(symbols)
        favourites_S[cycle_S] = np.roll(cycle_S, -1)
    return favourites_KS


def _walk(name: str, favourites_NS: Numbers, length: int, sharpness: float) -> Numbers:
    """Return symbols_NT, each sample following its own favourites."""
    count, symbols = favourites_NS.shape
    symbols_NT = draw(f"markov/{name}/symbols", (count, length), symbols)
    follows_NT = draw(f"markov/{name}/follows", (count, length), FULL) < round(sharpness * FULL)
    for step in range(1, length):
        favourite_N = favourites_NS[np.arange(count), symbols_NT[:, step - 1]]
        symbols_NT[:, step] = np.where(follows_NT[:, step], favourite_N, symbols_NT[:, step])
    return symbols_NT


def _fill_up(ids_NT: Numbers, lengths_N: Numbers, pad: str) -> Numbers:
    """Return each text's first ids, filled up with PAD on the side `pad`."""
    length = ids_NT.shape[1]
    shift_N = length - lengths_N if pad == "left" else np.zeros_like(lengths_N)
    place_NT = np.arange(length) - shift_N[:, None]
    within_NT = (place_NT >= 0) & (place_NT < lengths_N[:, None])
    return np.where(within_NT, np.take_along_axis(ids_NT, np.maximum(place_NT, 0), axis=1), PAD)


DATASET = Dataset(
    load=load,
    shape=(20,),
    classes=10,
    sizes=(2000, 500),
    source="generated; one favourite successor of each symbol for each chain",
    synthetic=True,
)
