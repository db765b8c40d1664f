"""SST-2: the published files' check, and the real sentences where HARNESS_DATA_DIR holds them."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from harness.data import LoadContext, Splits
from harness.data._words import Corpus, Wording
from harness.data.sst2 import DATASET, SOURCE, load
from harness.errors import DataError, UsageError

SENTENCES = {
    "stsa.binary.train": "1 a warm and touching caf\u00e9 comedy\n0 a dull , endless mess\n1 touching\n0 dull\n",
    "stsa.binary.dev": "1 warm\n0 a mess\n",
    "stsa.binary.test": "0 an endless film\n1 a touching caf\u00e9\n",
}
WORDING = Wording(min_count=1, lower=True, max_length=56, pad="right")

Place = tuple[Corpus, Path]


@pytest.fixture
def place(serve: Callable[[dict[str, bytes]], str], tmp_path: Path) -> Place:
    """The real SST-2 and its folder where HARNESS_DATA_DIR holds it, else sentences of its format from a server."""
    named = os.environ.get("HARNESS_DATA_DIR")
    if named and all((Path(named) / "sst2" / name).is_file() for name in SENTENCES):
        return SOURCE, Path(named).resolve() / "sst2"
    address = serve({name: text.encode() for name, text in SENTENCES.items()})
    train, dev, test = ((name, hashlib.sha256(text.encode()).hexdigest()) for name, text in SENTENCES.items())
    return replace(SOURCE, address=address, sizes=(4, 2), train=train, validation=dev, test=test), tmp_path / "sst2"


@pytest.fixture
def splits(place: Place) -> Splits:
    """Its splits with every word of the training split in the vocabulary."""
    return place[0].load(place[1], WORDING)


def test_sizes_and_balance(place: Place, splits: Splits) -> None:
    """Both splits have their declared sizes; each half of the classes makes up 45 to 55 % of every split."""
    assert place[0].sizes == (len(splits.train), len(splits.test))
    assert ("negative", "positive") == splits.classes
    assert splits.validation is not None
    for split in (splits.train, splits.validation, splits.test):
        assert 0.45 <= split.labels.double().mean().item() <= 0.55


def test_classes_are_named_after_their_sentences(splits: Splits) -> None:
    """Sentences with the word touching mostly praise, those with the word mess mostly do not."""
    for word, label in (("touching", 1), ("mess", 0)):
        labels = [
            found
            for found, text in zip(splits.train.labels.tolist(), splits.train.columns["text"], strict=True)
            if word in text.split()
        ]
        assert labels.count(label) > 0.7 * len(labels) > 0


def test_no_text_of_the_training_split_holds_an_unknown_word(splits: Splits) -> None:
    """With min_count 1 every training word is in the vocabulary, whereas the test split has unknown ones."""
    assert not (splits.train.inputs == 1).any()
    assert bool((splits.test.inputs == 1).any())


def test_it_says_that_it_has_a_validation_split() -> None:
    """The declaration and the files agree."""
    assert DATASET.validation is (SOURCE.validation is not None) is True
    assert DATASET.sizes == SOURCE.sizes


def test_the_published_hash_refuses_other_sentences(tmp_path: Path) -> None:
    """A well-formed file that is not SST-2's is refused, and nothing is fetched."""
    (tmp_path / "stsa.binary.train").write_text(SENTENCES["stsa.binary.train"])

    with pytest.raises(DataError, match=r"stsa\.binary\.train: sha256 of the file: expected 71c04bcc41291fa4"):
        load(LoadContext(tmp_path, None, tmp_path))


def test_options_are_checked_first(tmp_path: Path) -> None:
    """A wrong option is a usage error at once."""
    with pytest.raises(UsageError, match="option pad = 'centre': unknown; allowed: right, left"):
        load(LoadContext(tmp_path / "sst2", None, tmp_path), pad="centre")
    assert list(tmp_path.iterdir()) == []
