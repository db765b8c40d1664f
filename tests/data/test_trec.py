"""TREC: the published files' check, and the real questions where HARNESS_DATA_DIR holds them."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from harness.data import LoadContext
from harness.data._words import Corpus, Wording
from harness.data.trec import DATASET, SOURCE, load
from harness.errors import DataError, UsageError

QUESTIONS = (
    b"5 When was the harbour built ?\n0 Why is snow white ?\n3 Who painted the sister\xf0city mural ?\n"
    b"1 What bird cannot fly ?\n2 What does USB stand for ?\n4 Where is the longest bridge ?\n"
)
WORDING = Wording(min_count=2, lower=True, max_length=40, pad="right")

Place = tuple[Corpus, Path]


@pytest.fixture
def place(serve: Callable[[dict[str, bytes]], str], tmp_path: Path) -> Place:
    """The real TREC and its folder where HARNESS_DATA_DIR holds it, else questions of its format from a server."""
    named = os.environ.get("HARNESS_DATA_DIR")
    if named and all((Path(named) / "trec" / name).is_file() for name, _ in (SOURCE.train, SOURCE.test)):
        return SOURCE, Path(named).resolve() / "trec"
    sha256 = hashlib.sha256(QUESTIONS).hexdigest()
    address = serve({SOURCE.train[0]: QUESTIONS, SOURCE.test[0]: QUESTIONS})
    made = replace(SOURCE, address=address, sizes=(6, 6), train=(SOURCE.train[0], sha256), test=(SOURCE.test[0], sha256))
    return made, tmp_path / "trec"


def test_sizes_types_and_classes(place: Place) -> None:
    """Both splits have their declared sizes, int64 ids of 40 steps and every one of six classes."""
    source, folder = place
    splits = source.load(folder, WORDING)

    assert source.sizes == (len(splits.train), len(splits.test))
    assert (40,) == tuple(splits.train.inputs.shape[1:]) == tuple(splits.test.inputs.shape[1:])
    assert DATASET.classes == len(splits.classes) == len(set(splits.train.labels.tolist())) == 6
    assert torch.int64 == splits.train.inputs.dtype


def test_classes_are_named_after_their_questions(place: Place) -> None:
    """Questions that start with who, where and when or how many mostly ask for people, places and numbers."""
    source, folder = place
    train = source.load(folder, WORDING).train
    starts = {"human": ("Who ",), "location": ("Where ",), "number": ("When ", "How many ")}

    for name, words in starts.items():
        asked = [
            label for label, text in zip(train.labels.tolist(), train.columns["text"], strict=True) if text.startswith(words)
        ]
        assert asked.count(source.classes.index(name)) > 0.8 * len(asked) > 0


def test_the_byte_that_is_no_utf_8_is_kept(place: Place) -> None:
    """The one question with a foreign byte reads as latin-1; every text has its words."""
    source, folder = place
    texts = source.load(folder, WORDING).train.columns["text"]

    assert 1 == sum("sister\u00f0city" in text for text in texts)


def test_the_published_hash_refuses_other_questions(tmp_path: Path) -> None:
    """A well-formed file that is not TREC's is refused, and nothing is fetched."""
    (tmp_path / "TREC.train.all").write_bytes(QUESTIONS)

    with pytest.raises(DataError, match=r"TREC\.train\.all: sha256 of the file: expected c8183fd8c2a5cc4a"):
        load(LoadContext(tmp_path, None, tmp_path))


def test_sizes_are_checked_first(tmp_path: Path) -> None:
    """More samples than there are cannot be asked for."""
    assert DATASET.sizes == SOURCE.sizes
    with pytest.raises(UsageError, match="option train_limit = 5453: not a number of samples; allowed: 1 to 5452"):
        load(LoadContext(tmp_path, None, tmp_path), train_limit=5453)
