"""Reads labelled texts, one a line, and turns their words into ids.

A line is `label text`, its words parted by white space: both corpora that come this way were split into words by
those who published them, so that splitting at white space is all that is left to do. A no-break space parts words too.

The vocabulary holds the words of the training split alone, the commonest first and words of one count in the order of
their code points, after the four ids that every text shares (PAD, UNKNOWN, START and END; the last two occur in no text
here). A word of another split that is not in it, or one that is too rare, is UNKNOWN.

Shape suffixes: N texts, T words of a text.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from harness.data._base import Split, Splits
from harness.data._fetch import fetch, file_hash
from harness.data._option_checks import check_limit
from harness.errors import DataError
from harness.options import check_choice, check_count, check_flag
from harness.vocabulary import PAD, SPECIAL, Vocabulary

SIDES = ("right", "left")
MOST_COUNT = 1_000_000
MOST_LENGTH = 500


@dataclass(frozen=True)
class Line:
    """One labelled text."""

    label: int
    text: str
    """As published, its words parted by single spaces."""


@dataclass(frozen=True)
class Wording:
    """What a suite asks of labelled texts: the options of their data sets."""

    min_count: int
    """Times that a word occurs in the training split to be in the vocabulary."""
    lower: bool
    """Whether A and a are one word."""
    max_length: int
    """T. A longer text is cut: its first words stay."""
    pad: str
    """Side on which PAD fills up a shorter text, one of SIDES."""
    train_limit: int | None = None
    """Training texts taken, the first ones; the vocabulary is then theirs."""
    test_limit: int | None = None

    def check(self, sizes: tuple[int, int]) -> None:
        """Raise UsageError for what cannot be met; for use before anything is fetched or read."""
        check_count("min_count", self.min_count, 1, MOST_COUNT)
        check_count("max_length", self.max_length, 1, MOST_LENGTH)
        check_limit("train_limit", self.train_limit, sizes[0])
        check_limit("test_limit", self.test_limit, sizes[1])
        check_flag("lower", self.lower)
        check_choice("pad", self.pad, SIDES)

    def splits(
        self, train: Sequence[Line], test: Sequence[Line], classes: tuple[str, ...], validation: Sequence[Line] | None = None
    ) -> Splits:
        """Return the splits as ids, the vocabulary taken from the training split as far as it is used."""
        train, test = train[: self.train_limit], test[: self.test_limit]
        vocabulary = self.vocabulary(line.text for line in train)
        return Splits(
            self.encode(train, vocabulary),
            self.encode(test, vocabulary),
            classes,
            validation=None if validation is None else self.encode(validation, vocabulary),
            vocabularies=(vocabulary,),
        )

    def vocabulary(self, texts: Iterable[str]) -> Vocabulary:
        """Return the words of `texts` that are common enough, after the special ones."""
        counts = Counter(word for text in texts for word in self.words(text))
        ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
        kept = (word for word, count in ordered if count >= self.min_count and word not in SPECIAL)
        return Vocabulary((*SPECIAL, *kept))

    def words(self, text: str) -> list[str]:
        """Return the words of a text."""
        return (text.lower() if self.lower else text).split()

    def encode(self, lines: Sequence[Line], vocabulary: Vocabulary) -> Split:
        """Return ids, int64 [N, T], with labels, int64 [N], and the texts as published."""
        ids_NT = torch.full((len(lines), self.max_length), PAD)
        for row_T, line in zip(ids_NT, lines, strict=True):
            ids = vocabulary.encode(self.words(line.text)[: self.max_length])
            first = self.max_length - len(ids) if self.pad == "left" else 0
            row_T[first : first + len(ids)] = torch.tensor(ids)
        labels_N = torch.tensor([line.label for line in lines], dtype=torch.int64)
        return Split(ids_NT, labels_N, {"text": [line.text for line in lines]})


File = tuple[str, str]
"""Name and SHA-256 of a file."""


@dataclass(frozen=True)
class Corpus:
    """A data set of labelled texts: where its files come from and what they hold."""

    address: str
    """Of the folder that holds the files."""
    encoding: str
    classes: tuple[str, ...]
    sizes: tuple[int, int]
    train: File
    test: File
    validation: File | None = None

    def load(self, folder: Path, wording: Wording) -> Splits:
        """Return the splits as ids, fetching files into `folder` where they are absent.

        Raises:
            UsageError: an option that is not allowed.
            DataError: a file cannot be fetched, is not the expected one, or a line of it is no labelled text.
        """
        wording.check(self.sizes)
        train, test = self._read(folder, *self.train), self._read(folder, *self.test)
        validation = None if self.validation is None else self._read(folder, *self.validation)
        return wording.splits(train, test, self.classes, validation)

    def _read(self, folder: Path, name: str, sha256: str) -> list[Line]:
        content = fetch(folder, name, (self.address + name,), file_hash("sha256", sha256))
        return self.parse(content, str(folder / name))

    def parse(self, content: bytes, where: str) -> list[Line]:
        """Return the texts of a file's bytes; `where` names it in errors.

        Raises:
            DataError: the bytes are not text of the encoding, there are no lines, or one is no labelled text.
        """
        try:
            # not splitlines(), which also breaks at characters that stand within a text
            lines = content.decode(self.encoding).removesuffix("\n").split("\n")
        except UnicodeDecodeError as error:
            raise DataError(f"{where}: no {self.encoding} text: {error.reason} at byte {error.start}") from error
        return [self._line(line, f"{where}:{number}") for number, line in enumerate(lines, start=1)]

    def _line(self, line: str, where: str) -> Line:
        label, _, text = line.partition(" ")
        last = len(self.classes) - 1
        if not line.strip():
            raise DataError(f"{where}: empty; each line is a label from 0 to {last}, a space and a text")
        if not (label.isascii() and label.isdigit()) or int(label) > last:
            raise DataError(f"{where}: starts with {label!r}; each line starts with a label from 0 to {last}")
        if not text.strip():
            raise DataError(f"{where}: label {label} has no text; each line is a label, a space and a text")
        return Line(int(label), " ".join(text.split()))
