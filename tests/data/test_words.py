"""Labelled texts: a vocabulary of the training split alone, ids padded and cut as documented, one clear error a fault."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from harness.data import PAD, SPECIAL, UNKNOWN, Splits
from harness.data._words import Corpus, Wording
from harness.errors import DataError, UsageError

Serve = Callable[[dict[str, bytes]], str]

TRAIN = "1 The cat saw the dog\n0 the DOG slept\n1 a cat\n"
TEST = "0 the bird saw a dog slept\n"
VALIDATION = "1 a bird\n0 bird bird the\n"
PLAIN = Wording(min_count=1, lower=True, max_length=5, pad="right")


def named(name: str, text: str) -> tuple[str, str]:
    """Return a file's name and the hash of its text."""
    return name, hashlib.sha256(text.encode()).hexdigest()


CORPUS = Corpus(
    address="",
    encoding="utf-8",
    classes=("no", "yes"),
    sizes=(3, 1),
    train=named("train", TRAIN),
    test=named("test", TEST),
    validation=named("validation", VALIDATION),
)


def load(folder: Path, **changed: Any) -> Splits:
    """Load the corpus from files placed in a cache."""
    for name, text in (("train", TRAIN), ("test", TEST), ("validation", VALIDATION)):
        (folder / name).write_text(text)
    return CORPUS.load(folder, replace(PLAIN, **changed))


def words(splits: Splits) -> tuple[str, ...]:
    """Return the vocabulary behind the special words."""
    return splits.vocabularies[0].words[len(SPECIAL) :]


def test_the_vocabulary_is_the_training_splits_the_commonest_first(tmp_path: Path) -> None:
    """Words by falling count, then code points, after the special ones; none comes from the other splits."""
    splits = load(tmp_path)

    assert SPECIAL == splits.vocabularies[0].words[: len(SPECIAL)]
    assert ("the", "cat", "dog", "a", "saw", "slept") == words(splits)


def test_rare_words_are_unknown(tmp_path: Path) -> None:
    """A word below min_count is UNKNOWN in the training split as in any other."""
    splits = load(tmp_path, min_count=2)

    assert ("the", "cat", "dog") == words(splits)
    assert [4, 5, UNKNOWN, 4, 6] == splits.train.inputs[0].tolist()


def test_capital_letters_count_where_asked(tmp_path: Path) -> None:
    """Without lower, The and the are two words."""
    assert ("cat", "the", "DOG", "The", "a", "dog", "saw", "slept") == words(load(tmp_path, lower=False))


def test_short_texts_are_filled_up_and_long_ones_cut(tmp_path: Path) -> None:
    """PAD follows a short text; of a longer one the first words stay; words not in the vocabulary are UNKNOWN."""
    splits = load(tmp_path)

    assert [7, 5, PAD, PAD, PAD] == splits.train.inputs[2].tolist()
    assert [4, UNKNOWN, 8, 7, 6] == splits.test.inputs[0].tolist()
    assert torch.int64 == splits.train.inputs.dtype == splits.test.labels.dtype


def test_left_padding_ends_every_text_at_the_last_step(tmp_path: Path) -> None:
    """With pad = left the same ids stand at the end; a cut text is the same either way."""
    splits = load(tmp_path, pad="left")

    assert [PAD, PAD, PAD, 7, 5] == splits.train.inputs[2].tolist()
    assert [4, UNKNOWN, 8, 7, 6] == splits.test.inputs[0].tolist()


def test_labels_texts_and_ids_belong_together(tmp_path: Path) -> None:
    """Samples keep the file's order; the column holds the text as published and the ids decode to its words."""
    splits = load(tmp_path)
    train = splits.train

    assert [1, 0, 1] == train.labels.tolist()
    assert ["The cat saw the dog", "the DOG slept", "a cat"] == train.columns["text"]
    assert ["the cat saw the dog", "the dog slept", "a cat"] == [
        splits.vocabularies[0].decode(ids) for ids in train.inputs.tolist()
    ]


def test_the_validation_split_is_the_corpus_own(tmp_path: Path) -> None:
    """It is encoded with the training split's vocabulary; a corpus without one has none."""
    splits = load(tmp_path)

    assert splits.validation is not None
    assert [[7, UNKNOWN, PAD, PAD, PAD], [UNKNOWN, UNKNOWN, 4, PAD, PAD]] == splits.validation.inputs.tolist()
    assert [1, 0] == splits.validation.labels.tolist()
    assert replace(CORPUS, validation=None).load(tmp_path, PLAIN).validation is None


def test_a_limit_gives_a_prefix_and_its_vocabulary(tmp_path: Path) -> None:
    """Words of training texts that are left out are unknown, as if they were not there."""
    splits = load(tmp_path, train_limit=2)

    assert ["The cat saw the dog", "the DOG slept"] == splits.train.columns["text"]
    assert ("the", "dog", "cat", "saw", "slept") == words(splits)


def test_files_are_fetched_once(tmp_path: Path, serve: Serve, requested: list[str]) -> None:
    """Absent files come from the corpus's address into the cache; the second load asks for nothing."""
    address = serve({"train": TRAIN.encode(), "test": TEST.encode(), "validation": VALIDATION.encode()})
    corpus = replace(CORPUS, address=address)

    first, second = (corpus.load(tmp_path / "cache", PLAIN) for _ in range(2))

    assert ["/test", "/train", "/validation"] == sorted(requested)
    assert torch.equal(first.train.inputs, second.train.inputs)
    assert first.vocabularies == second.vocabularies


def test_another_file_is_refused(tmp_path: Path) -> None:
    """A text that is not the published one is an error with the expected hash."""
    (tmp_path / "train").write_text("1 another text\n")

    with pytest.raises(DataError, match=f"train: sha256 of the file: expected {CORPUS.train[1]}, found"):
        CORPUS.load(tmp_path, PLAIN)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"1 a\n\n0 b\n", "x:2: empty; each line is a label from 0 to 1, a space and a text"),
        (b"", "x:1: empty; each line is a label from 0 to 1, a space and a text"),
        (b"1 a\nyes b\n", "x:2: starts with 'yes'; each line starts with a label from 0 to 1"),
        (b"2 a\n", "x:1: starts with '2'; each line starts with a label from 0 to 1"),
        (b"-1 a\n", "x:1: starts with '-1'; each line starts with a label from 0 to 1"),
        (b"1 \n", "x:1: label 1 has no text; each line is a label, a space and a text"),
        (b"1 caf\xe9\n", "x: no utf-8 text: invalid continuation byte at byte 5"),
    ],
)
def test_a_line_that_is_no_labelled_text_is_refused(content: bytes, message: str) -> None:
    """The error names file and line, what stands there and what should."""
    with pytest.raises(DataError) as caught:
        CORPUS.parse(content, "x")

    assert message == str(caught.value)


def test_a_single_byte_encoding_reads_what_utf_8_refuses() -> None:
    """In latin-1 each byte is a character; a byte that Unicode takes for a line end (0x85) does not end a line."""
    lines = replace(CORPUS, encoding="latin-1").parse(b"1 sister\xf0city \x85x\n0 b\n", "x")

    assert ["sister\u00f0city x", "b"] == [line.text for line in lines]


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"min_count": 0}, "option min_count = 0: not a whole number in reach; allowed: 1 to 1000000"),
        ({"max_length": 2.5}, "option max_length = 2.5: not a whole number in reach; allowed: 1 to 500"),
        ({"max_length": 10**12}, "option max_length = 1000000000000: not a whole number in reach; allowed: 1 to 500"),
        ({"lower": 1}, "option lower = 1: neither true nor false"),
        ({"pad": "lefft"}, "option pad = 'lefft': unknown, did you mean 'left'?; allowed: right, left"),
        ({"train_limit": 4}, "option train_limit = 4: not a number of samples; allowed: 1 to 3, or left out"),
        ({"test_limit": True}, "option test_limit = True: not a number of samples; allowed: 1 to 1, or left out"),
    ],
)
def test_options_are_checked_before_anything_is_fetched(changed: dict[str, Any], message: str, tmp_path: Path) -> None:
    """A wrong option is a usage error at once, without a cache folder."""
    with pytest.raises(UsageError) as caught:
        CORPUS.load(tmp_path / "cache", replace(PLAIN, **changed))

    assert message == str(caught.value)
    assert list(tmp_path.iterdir()) == []
