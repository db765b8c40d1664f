"""Recall: generated sequences of random symbols, of which the first is the class.

How far back a model remembers: every later symbol is drawn from the same symbols as the first, so that nothing but the
first step tells the class. Chance 1 / classes, best possible 1.

Shape suffixes: N samples, T steps.
"""

from __future__ import annotations

import torch

from harness.data._base import Dataset, LoadContext, Split, Splits
from harness.data._generated import ENCODINGS, draw, draw_classes, encode, vocabularies
from harness.data._option_checks import check_samples
from harness.options import check_choice, check_count
from harness.vocabulary import SPECIAL


def load(
    context: LoadContext,
    *,
    train_samples: int = 2000,
    test_samples: int = 500,
    length: int = 10,
    classes: int = 10,
    encoding: str = "ids",
    vocabulary: int = 100,
) -> Splits:
    """Return the sequences.

    Classes take turns, so that in either split none has more than one sample more than another. With fewer samples than
    classes some have none; they stay among the data set's classes.

    Args:
        context: nothing is fetched.
        train_samples: in the training split.
        test_samples: in the test split, which is the same whatever the training split.
        length: steps of a sequence.
        classes: symbols in use, each a class.
        encoding: ids gives [T] int64, symbol k being id 4 + k; onehot gives [T, vocabulary] float32 with a 1 at that id.
        vocabulary: ids there are, with the four special ones; those beyond the symbols never occur.

    Raises:
        UsageError: an option that is not allowed.
    """
    check_samples(train_samples, test_samples)
    check_count("length", length, 1, 1000)
    check_choice("encoding", encoding, ENCODINGS)
    check_count("vocabulary", vocabulary, len(SPECIAL) + 2, 10_000)
    check_count("classes", classes, 2, vocabulary - len(SPECIAL))

    def split(name: str, count: int) -> Split:
        symbols_NT = draw(f"recall/{name}/symbols", (count, length), classes)
        labels_N = draw_classes(f"recall/{name}/labels", count, classes)
        symbols_NT[:, 0] = labels_N
        return Split(encode(symbols_NT + len(SPECIAL), encoding, vocabulary), torch.from_numpy(labels_N))

    names = tuple(f"s{number}" for number in range(classes))
    train, test = split("train", train_samples), split("test", test_samples)
    return Splits(train, test, names, vocabularies=vocabularies(encoding, vocabulary))


DATASET = Dataset(
    load=load,
    shape=(10,),
    classes=10,
    sizes=(2000, 500),
    source="generated; the first-symbol recall after Hochreiter and Schmidhuber (1997), experiment 2",
    synthetic=True,
)
