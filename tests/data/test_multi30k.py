"""Multi30k: the real files where HARNESS_DATA_DIR holds them, and files of the same format from a server on loopback."""

from __future__ import annotations

import gzip
import hashlib
import os
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from harness.data import LoadContext, Split, Splits
from harness.data._fetch import gzip_content_hash
from harness.data._pieces import learn_pieces
from harness.data.multi30k import DATASET, SIZES, SOURCE, Pairs, Wanted, load, read
from harness.digests import tensors_digest
from harness.errors import DataError, UsageError
from harness.vocabulary import END, PAD, SPECIAL, START, UNKNOWN

Serve = Callable[[dict[str, bytes]], str]
Make = Callable[[dict[str, list[str]]], tuple[Pairs, Path]]
DIGEST = "e1fc2e6fedadea40af22c9748abc4966549fcbb9d907177df302197521d8aaf9"
"""SHA-256 of the real files' splits and vocabulary with default options."""
WANTED = Wanted(("de", "en"), 80, True, 40, None, None)

GERMAN = ["Zwei Hunde laufen.", "Ein Hund läuft über  Gras.", "", "Ein Mann, der „Hallo“ ruft.", "Männer laufen über Gras."]
ENGLISH = ["Two dogs run.", "A dog runs over grass.", "", "A man who calls 'hello'.", "Men run over grass."]
TEXTS = {
    "train.de": GERMAN,
    "train.en": ENGLISH,
    "val.de": ["Ein Hund ruft."],
    "val.en": ["A dog calls."],
    "test_2016_flickr.de": ["Zwei Männer ✈ laufen.", "Quux läuft."],
    "test_2016_flickr.en": ["Two men run.", "Quux runs."],
}


@pytest.fixture
def make(serve: Serve, tmp_path: Path) -> Make:
    """Return a function that serves texts as Multi30k's files, behind the real check with hashes of their own."""

    def made(texts: dict[str, list[str]]) -> tuple[Pairs, Path]:
        contents = {f"{name}.gz": "".join(f"{line}\n" for line in lines).encode() for name, lines in texts.items()}
        address = serve({name: gzip.compress(content, 1) for name, content in contents.items()})
        checks = {name: gzip_content_hash("sha256", hashlib.sha256(content).hexdigest()) for name, content in contents.items()}
        return replace(SOURCE, mirrors=(address,), checks=checks), tmp_path / "multi30k"

    return made


@pytest.fixture
def splits(make: Make) -> Splits:
    """The small texts, loaded."""
    pairs, folder = make(TEXTS)
    return read(folder, pairs, WANTED)


def words(ids: list[int], splits: Splits) -> list[str]:
    """The pieces of a text, marks included, padding left out."""
    return [splits.vocabularies[0].words[number] for number in ids if number != PAD]


def digest(splits: Splits) -> str:
    """One digest of every tensor and every word."""
    validation = splits.validation
    assert validation is not None
    tensors = [part for split in (splits.train, splits.test, validation) for part in (split.inputs, split.labels)]
    text = repr([vocabulary.words for vocabulary in splits.vocabularies])
    return hashlib.sha256((tensors_digest(tensors) + text).encode()).hexdigest()


def test_pairs_keep_their_places(splits: Splits) -> None:
    """Texts, references and ids stand in the files' order, German as source and English as target."""
    assert splits.validation is not None
    for split, name in ((splits.train, "train"), (splits.validation, "val"), (splits.test, "test_2016_flickr")):
        assert TEXTS[f"{name}.de"] == split.columns["source"]
        assert TEXTS[f"{name}.en"] == split.columns["reference"]
        assert len(TEXTS[f"{name}.de"]) == len(split.inputs) == len(split.labels)


def test_ids_give_the_text_back(splits: Splits) -> None:
    """Case, punctuation, umlauts and quotes survive: only runs of spaces become one."""
    for texts, ids in ((GERMAN, splits.train.inputs), (ENGLISH, splits.train.labels)):
        decoded = [splits.vocabularies[0].decode(row) for row in ids.tolist()]
        assert [re.sub(" +", " ", text) for text in texts] == decoded


def test_marks_and_padding(splits: Splits) -> None:
    """A source ends in END, a target starts with START and ends in END, then there is nothing but PAD."""
    for row in splits.train.inputs.tolist():
        own = len(row) - row.count(PAD)
        assert [END] + [PAD] * (len(row) - own) == row[own - 1 :]
        assert START not in row
    for row in splits.train.labels.tolist():
        own = len(row) - row.count(PAD)
        assert [END] + [PAD] * (len(row) - own) == row[own - 1 :]
        assert START == row[0]
        assert 1 == row.count(START) == row.count(END)


def test_shapes_follow_from_the_longest_allowed(splits: Splits) -> None:
    """A source has room for 40 pieces and END, a target for START too."""
    assert ((5, 41), (5, 42)) == (tuple(splits.train.inputs.shape), tuple(splits.train.labels.shape))
    assert torch.int64 == splits.train.inputs.dtype == splits.train.labels.dtype


def test_an_empty_line_is_an_empty_text(splits: Splits) -> None:
    """It keeps its place in both languages: END alone, and START and END."""
    assert ["</s>"] == words(splits.train.inputs[2].tolist(), splits)
    assert ["<s>", "</s>"] == words(splits.train.labels[2].tolist(), splits)


def test_the_vocabulary_is_the_training_splits_alone(make: Make, splits: Splits) -> None:
    """Other validation and test texts leave it as it is; a test word that was not trained on does not enter it."""
    pairs, folder = make(TEXTS | {"test_2016_flickr.de": ["Quux Quux."] * 2, "val.en": ["Quux quux!"]})
    other = read(folder.parent / "other", pairs, WANTED)

    assert splits.vocabularies == other.vocabularies
    assert not [word for word in splits.vocabularies[0].words if "Q" in word]


def test_a_limit_limits_the_vocabulary_too(make: Make) -> None:
    """Pieces are learnt from the pairs that are trained on, not from those left out."""
    pairs, folder = make(TEXTS)
    limited = read(folder, pairs, replace(WANTED, train_limit=1, test_limit=1))

    assert (1, 1) == (len(limited.train), len(limited.test))
    assert set("".join(limited.vocabularies[0].words[4:])) == set("▁ZweiHundelaufen.Twodogsrun.")


def test_an_unknown_character_is_unknown(splits: Splits) -> None:
    """A sign that no training text has becomes UNKNOWN, and its neighbours stay."""
    pieces = words(splits.test.inputs[0].tolist(), splits)

    assert 1 == splits.test.inputs[0].tolist().count(UNKNOWN)
    assert "▁Zwei▁Männer▁<unk>▁laufen.</s>" == "".join(pieces)


def test_a_longer_text_loses_its_end(make: Make, splits: Splits) -> None:
    """The first pieces stay and END follows them; the reference stays whole."""
    pairs, folder = make(TEXTS)
    short = read(folder, pairs, replace(WANTED, max_length=3))

    assert (4, 5) == (short.train.inputs.shape[1], short.train.labels.shape[1])
    assert [*splits.train.inputs[1, :3].tolist(), END] == short.train.inputs[1].tolist()
    assert [*splits.train.labels[1, :4].tolist(), END] == short.train.labels[1].tolist()
    assert ENGLISH == short.train.columns["reference"]


def test_joint_and_separate_vocabularies(make: Make, splits: Splits) -> None:
    """Joint, both languages share one; else each has its own pieces alone."""
    pairs, folder = make(TEXTS)
    separate = read(folder, pairs, replace(WANTED, joint=False, vocabulary=60))
    source, target = separate.vocabularies

    assert splits.vocabularies[0] == splits.vocabularies[1]
    assert SPECIAL == source.words[:4] == target.words[:4] == splits.vocabularies[0].words[:4]
    assert "ä" in "".join(source.words)
    assert "ä" not in "".join(target.words)
    assert ENGLISH == [target.decode(row) for row in separate.train.labels.tolist()]


def test_the_other_direction_swaps_the_texts(make: Make, splits: Splits) -> None:
    """From English to German, sources and references change places."""
    pairs, folder = make(TEXTS)
    other = read(folder, pairs, replace(WANTED, languages=("en", "de")))

    assert ENGLISH == other.train.columns["source"]
    assert GERMAN == other.train.columns["reference"]


def test_lines_end_at_newlines_alone(make: Make) -> None:
    """A separator of Unicode within a text parts no pair."""
    odd = {"train.de": ["Ein\u2028Hund", "Zwei\x85Hunde\u00a0da"], "train.en": ["A dog", "Two dogs"]}
    pairs, folder = make(TEXTS | odd)

    assert odd["train.de"] == read(folder, pairs, WANTED).train.columns["source"]


def test_pairs_of_unequal_number_are_refused(make: Make) -> None:
    """A language with a line too few is an error that names both counts."""
    pairs, folder = make(TEXTS | {"val.en": ["A dog calls.", "Another."]})

    with pytest.raises(DataError, match="val has 1 lines of de and 2 of en"):
        read(folder, pairs, WANTED)


def test_too_small_a_vocabulary_is_refused(make: Make) -> None:
    """Fewer entries than the texts have characters cannot be, and the message says so."""
    pairs, folder = make(TEXTS)

    with pytest.raises(UsageError, match=r"option vocabulary = 20: .*it has to hold each of their characters"):
        read(folder, pairs, replace(WANTED, vocabulary=20))


def test_pieces_are_the_most_frequent_pairs() -> None:
    """Byte-pair encoding by hand: of "ab ab ab ac", a and b are joined first, with the space before them next."""
    words = learn_pieces(["ab ab ab ac"] * 3, 10).vocabulary.words

    assert SPECIAL == words[:4]
    assert {"▁a", "▁ab"} == set(words[4:6])
    assert {"▁", "a", "b", "c"} == set(words[-4:])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"source": "fr"}, "option source = 'fr': unknown; allowed: de, en"),
        ({"source": "en"}, "options source and target: both are 'en'"),
        ({"vocabulary": 0}, "option vocabulary = 0"),
        ({"max_length": 0}, "option max_length = 0"),
        ({"joint": "yes"}, "option joint = 'yes'"),
        ({"train_limit": 29001}, "option train_limit = 29001: not a number of samples; allowed: 1 to 29000"),
        ({"test_limit": 0}, "option test_limit = 0: not a number of samples; allowed: 1 to 1000"),
    ],
)
def test_options_are_checked_before_anything_is_fetched(tmp_path: Path, options: dict[str, Any], message: str) -> None:
    """A wrong option is a usage error at once, without a download and without a cache folder."""
    with pytest.raises(UsageError) as refused:
        load(LoadContext(tmp_path / "multi30k", None, tmp_path), **options)

    assert message in str(refused.value)
    assert list(tmp_path.iterdir()) == []


def test_its_own_check_refuses_another_file(tmp_path: Path) -> None:
    """A well-formed file that is not Multi30k's is refused with the expected hash, and nothing is fetched."""
    (tmp_path / "train.de.gz").write_bytes(gzip.compress(b"Zwei Hunde.\n"))

    with pytest.raises(DataError, match=r"train\.de\.gz: sha256 of the decompressed content: expected 2c2b73fd2b548fbc"):
        load(LoadContext(tmp_path, None, tmp_path))


SCRIPT = """
import sys
from harness.data._pieces import learn_pieces
print(*learn_pieces(open(sys.argv[1], encoding="utf-8").read().split("\\n"), 90).vocabulary.words)
"""


def test_two_processes_learn_the_same_pieces(tmp_path: Path) -> None:
    """Whatever the hash seed, the same texts give the same pieces in the same order."""
    (tmp_path / "texts").write_text("\n".join(GERMAN + ENGLISH), encoding="utf-8")
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONHASHSEED"}
    outputs = [
        subprocess.run(
            [sys.executable, "-c", SCRIPT, str(tmp_path / "texts")],
            env=environment | {"PYTHONHASHSEED": seed, "PYTHONUTF8": "1"},
            capture_output=True,
            check=True,
        ).stdout.decode()
        for seed in ("1", "2")
    ]

    assert outputs[0] == outputs[1]
    assert list(learn_pieces(GERMAN + ENGLISH, 90).vocabulary.words) == outputs[0].split()


def test_the_real_files(splits: Splits) -> None:
    """Where they are at hand: the sizes declared, every reference restored, nothing cut short and nothing unknown trained on.

    Elsewhere the small texts are held to the same.
    """
    named = os.environ.get("HARNESS_DATA_DIR")
    there = named and all((Path(named) / "multi30k" / name).is_file() for name in SOURCE.checks)
    if named and there:
        splits = load(LoadContext(Path(named).resolve() / "multi30k", None, Path("/nonexistent")))
        assert splits.validation is not None
        assert SIZES == (len(splits.train), len(splits.validation), len(splits.test))
        assert DATASET.sizes == (len(splits.train), len(splits.test))
        assert DIGEST == digest(splits)
    for number, split in enumerate(both(splits)):
        target = splits.vocabularies[1]
        decoded = [target.decode(row) for row in split.labels.tolist()]
        assert [re.sub(" +", " ", text).strip() for text in split.columns["reference"]] == decoded
        assert (split.inputs[:, -1] == PAD).all()
        assert number or not (split.inputs == UNKNOWN).any()


def both(splits: Splits) -> tuple[Split, Split]:
    """The training split and the test split without the texts that hold unknown signs."""
    known = (splits.test.labels != UNKNOWN).all(dim=1).nonzero()[:, 0]
    return splits.train, splits.test.take(known)
