"""Multi30k: 31,014 captions of photographs in English with translations into German by people, as pieces of words."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from harness.data._base import Dataset, LoadContext, Split, Splits
from harness.data._fetch import Verify, fetch, gzip_content_hash
from harness.data._option_checks import check_limit
from harness.data._pairs import pair_split
from harness.data._pieces import Pieces, learn_pieces
from harness.errors import DataError, UsageError
from harness.options import check_choice, check_count, check_flag

LANGUAGES = ("de", "en")
SIZES = (29000, 1014, 1000)
"""Pairs in the training, validation and test split."""
MOST_PIECES = 60_000
MOST_LENGTH = 500


@dataclass(frozen=True)
class Pairs:
    """Where pairs of texts come from: files `<split>.<language>.gz`, one text a line."""

    mirrors: tuple[str, ...]
    """Addresses of folders that hold the files, each ending in '/'."""
    names: tuple[str, str, str]
    """Of the training, validation and test split."""
    checks: dict[str, Verify]
    """The check of each file, by name."""

    def read(self, folder: Path, split: int, languages: tuple[str, str]) -> tuple[list[str], list[str]]:
        """Return the source and the target texts of one split.

        Raises:
            DataError: a file cannot be fetched or is not the expected one, or the two differ in length.
        """
        source, target = (self._lines(folder, f"{self.names[split]}.{language}.gz") for language in languages)
        if len(source) != len(target):
            raise DataError(
                f"{folder}: {self.names[split]} has {len(source)} lines of {languages[0]} and {len(target)} of "
                f"{languages[1]}; a pair needs one of each: delete both files to fetch them again"
            )
        return source, target

    def _lines(self, folder: Path, name: str) -> list[str]:
        content = fetch(folder, name, [f"{mirror}{name}" for mirror in self.mirrors], self.checks[name])
        try:
            # only \n ends a line: str.splitlines would also cut at characters within a text
            return content.decode("utf-8").removesuffix("\n").split("\n")
        except UnicodeDecodeError as error:
            raise DataError(f"{folder / name}: no text in UTF-8: {error}; delete it to fetch it again") from error


SOURCE = Pairs(
    mirrors=("https://raw.githubusercontent.com/multi30k/dataset/a3d2e0d26b56f3846f66a952536ffed4e401d05a/data/task1/raw/",),
    names=("train", "val", "test_2016_flickr"),
    # of the decompressed content
    checks={
        f"{name}.gz": gzip_content_hash("sha256", expected)
        for name, expected in (
            ("train.de", "2c2b73fd2b548fbcde3a875e0a78d6ee94d498bfdee6bd3eae3945779e9ddf72"),
            ("train.en", "460a15fbd157e34a7a9957ee388c1ca247fe47af3ef25fb50442af6c274e0fc6"),
            ("val.de", "660e09eb7e1da2f856ea13ee5ad3cf6d36b3d5b0b733c857e94c5747a3dfc660"),
            ("val.en", "1f2a23d992769b5b3d209b0a10dd0b77c08cceb1f20dfb97ed0aafa49d107227"),
            ("test_2016_flickr.de", "4be6b5b3236b79c25475c6bb829800a7ce559e9ba7a1f6c2394fe4d40be46d16"),
            ("test_2016_flickr.en", "399a4382932c1aadd3ceb9bef1008d388a64c76d4ae4e9d4728c6f4301cac182"),
        )
    },
)


@dataclass(frozen=True)
class Wanted:
    """What a suite asks of pairs of texts."""

    languages: tuple[str, str]
    vocabulary: int
    joint: bool
    max_length: int
    train_limit: int | None
    test_limit: int | None

    def check(self) -> None:
        """Raise UsageError for what cannot be met; for use before anything is fetched or read."""
        for option, language in zip(("source", "target"), self.languages, strict=True):
            check_choice(option, language, LANGUAGES)
        if self.languages[0] == self.languages[1]:
            raise UsageError(f"options source and target: both are {self.languages[0]!r}; choose one of each language")
        check_flag("joint", self.joint)
        check_count("vocabulary", self.vocabulary, 1, MOST_PIECES)
        check_count("max_length", self.max_length, 1, MOST_LENGTH)
        check_limit("train_limit", self.train_limit, SIZES[0])
        check_limit("test_limit", self.test_limit, SIZES[2])


def load(
    context: LoadContext,
    *,
    source: str = "de",
    target: str = "en",
    vocabulary: int = 8000,
    joint: bool = True,
    max_length: int = 64,
    train_limit: int | None = None,
    test_limit: int | None = None,
) -> Splits:
    """Return Multi30k's pairs (task 1), as published: neither lower-cased nor tokenised.

    Every process learns the pieces anew, from the training texts that it takes (0.4 s; the whole takes about 2 s).

    Args:
        context: the cache folder.
        source: language to translate from, de or en.
        target: language to translate to.
        vocabulary: pieces at most, the four special ids included; of each language where they are not joint.
        joint: learn one vocabulary from both languages' texts.
        max_length: pieces kept of each text; longer ones lose their end (no text of Multi30k has 64 pieces by default).
            The columns "source" and "reference" keep whole texts, so that a score counts what was cut.
        train_limit: take only this many training pairs, the first ones; the vocabulary is learnt from these alone.
        test_limit: likewise of the test pairs.

    Raises:
        UsageError: an option that is not allowed.
        DataError: a file cannot be fetched or is not the expected one.
    """
    return read(context.folder, SOURCE, Wanted((source, target), vocabulary, joint, max_length, train_limit, test_limit))


def read(folder: Path, pairs: Pairs, wanted: Wanted) -> Splits:
    """Return all three splits from the files in `folder`, fetching them first where they are absent; raises as `load` does."""
    wanted.check()
    limits = (wanted.train_limit, None, wanted.test_limit)
    texts = [tuple(side[:limit] for side in pairs.read(folder, split, wanted.languages)) for split, limit in enumerate(limits)]
    sides = _learn(texts[0], wanted)

    def encoded(split: int) -> Split:
        source, target = texts[split]
        return pair_split(sides[0].encode(source), sides[1].encode(target), (source, target), wanted.max_length)

    vocabularies = tuple(side.vocabulary for side in sides)
    return Splits(encoded(0), encoded(2), validation=encoded(1), vocabularies=vocabularies)


def _learn(texts: tuple[list[str], ...], wanted: Wanted) -> tuple[Pieces, ...]:
    """Return the pieces of source and target."""
    if wanted.joint:
        return (learn_pieces([text for side in texts for text in side], wanted.vocabulary),) * 2
    return tuple(learn_pieces(side, wanted.vocabulary) for side in texts)


DATASET = Dataset(
    load=load,
    sizes=(29000, 1000),
    source="Elliott, Frank, Sima'an, Specia: Multi30K: Multilingual English-German Image Descriptions (2016), task 1",
    licence="CC BY-NC-SA 4.0",
    validation=True,
    download=True,
    preload=("sentencepiece",),
)
