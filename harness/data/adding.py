"""Adding: generated sequences of numbers, two of them marked; the class is the sum of those two.

The adding problem of Hochreiter and Schmidhuber (1997), in the later form with one marker in each half of the sequence
(Arjovsky, Shah and Bengio 2016), made discrete so that the sum is a class. A number is a whole one of 0 to levels - 1,
uniform and independent of the others, and is shown divided by levels - 1, from 0 to 1. The sum of two has 2 levels - 1
values.

Classes are not balanced: sum s has the share (levels - |s - levels + 1|) / levels². The middle one is the most frequent
with 1 / levels, which is the chance level. Whoever sees but one of the two marked numbers does no better: its sum with the
other is then uniform over `levels` values. Best possible: 1.

Shape suffixes: N samples, T steps, F features (number, marker).
"""

from __future__ import annotations

import numpy as np
import torch

from harness.data._base import Dataset, LoadContext, Split, Splits
from harness.data._generated import draw
from harness.data._option_checks import check_samples
from harness.options import check_count


def load(
    context: LoadContext,
    *,
    train_samples: int = 2000,
    test_samples: int = 500,
    length: int = 10,
    levels: int = 5,
) -> Splits:
    """Return the sequences, [T, 2] float32: number and marker (1 at the two marked steps, else 0).

    Labels are drawn, not balanced: a small split may lack a rare class, which stays among the data set's classes.

    Args:
        context: nothing is fetched.
        train_samples: in the training split.
        test_samples: in the test split, which is the same whatever the training split.
        length: steps of a sequence; the first marked one is in the first half (rounded down), the second after it.
        levels: values that a number takes; 2 levels - 1 classes.

    Raises:
        UsageError: an option that is not allowed.
    """
    check_samples(train_samples, test_samples)
    check_count("length", length, 2, 1000)
    check_count("levels", levels, 2, 100)
    train, test = (_split(name, count, length, levels) for name, count in (("train", train_samples), ("test", test_samples)))
    return Splits(train, test, tuple(str(total) for total in range(2 * levels - 1)))


def _split(name: str, count: int, length: int, levels: int) -> Split:
    numbers_NT = draw(f"adding/{name}/numbers", (count, length), levels)
    half, every_N = length // 2, np.arange(count)
    first_N = draw(f"adding/{name}/first", count, half)
    second_N = half + draw(f"adding/{name}/second", count, length - half)
    inputs_NTF = np.zeros((count, length, 2), dtype=np.float32)
    inputs_NTF[:, :, 0] = numbers_NT / (levels - 1)
    inputs_NTF[every_N, first_N, 1] = inputs_NTF[every_N, second_N, 1] = 1
    labels_N = numbers_NT[every_N, first_N] + numbers_NT[every_N, second_N]
    return Split(torch.from_numpy(inputs_NTF), torch.from_numpy(labels_N))


DATASET = Dataset(
    load=load,
    shape=(10, 2),
    classes=9,
    sizes=(2000, 500),
    source="generated; after the adding problem of Hochreiter and Schmidhuber (1997), with whole numbers",
    synthetic=True,
)
