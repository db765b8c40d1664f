"""TREC: 5,952 English questions, to be told apart by the kind of their answer, six kinds."""

from __future__ import annotations

from harness.data._base import Dataset, LoadContext, Splits
from harness.data._words import Corpus, Wording

SOURCE = Corpus(
    address="https://raw.githubusercontent.com/harvardnlp/sent-conv-torch/d61ded09c99c0199d8c5bca946cd65864de2b296/data/",
    # one question holds the single byte 0xF0, which is no UTF-8; all else is plain ASCII
    encoding="latin-1",
    classes=("description", "entity", "abbreviation", "human", "location", "number"),
    sizes=(5452, 500),
    train=("TREC.train.all", "c8183fd8c2a5cc4a9a1c56548d7c6410a8b71ed7843df9ef1f0a05cd7cf2fb3e"),
    test=("TREC.test.all", "92a6a3cede5678b447ef5f1d7ec474134fcda211e6590e6fa627b4a2c68e4566"),
)


def load(
    context: LoadContext,
    *,
    min_count: int = 2,
    lower: bool = True,
    max_length: int = 40,
    pad: str = "right",
    train_limit: int | None = None,
    test_limit: int | None = None,
) -> Splits:
    """Return TREC as ids of words, int64 [N, max_length], with the question as published in the column `text`.

    Args:
        context: the cache folder.
        min_count: times that a word occurs in the training split to be in the vocabulary; others are UNKNOWN.
        lower: whether capital letters are made small.
        max_length: words of a text; a longer text is cut after them. No question is longer than 37.
        pad: the side on which PAD fills up, right or left; left for a model that reads the last step.
        train_limit: take only this many training samples, the first ones.
        test_limit: likewise of the test samples.

    Raises:
        UsageError: an option that is not allowed.
        DataError: a file cannot be fetched or is not the expected one.
    """
    return SOURCE.load(context.folder, Wording(min_count, lower, max_length, pad, train_limit, test_limit))


DATASET = Dataset(
    load=load,
    classes=6,
    sizes=(5452, 500),
    source="Li, Roth: Learning Question Classifiers (2002), as split into words for Kim (2014)",
    licence="research use",
    download=True,
)
