"""What the ids of a text stand for, and the four ids that every text shares."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

PAD, UNKNOWN, START, END = 0, 1, 2, 3
"""Ids of: nothing (fills up shorter texts), a word that is not in the vocabulary, the start and the end of a text."""
SPECIAL = ("<pad>", "<unk>", "<s>", "</s>")
"""Words of the four ids, in their order."""
SPACE = "▁"
"""Marks the start of a word in a vocabulary of pieces."""


@dataclass(frozen=True)
class Vocabulary:
    """Words, or pieces of words, by id."""

    words: tuple[str, ...]
    """A word's id is its place."""
    pieces: bool = False
    """Whether entries are pieces of words, SPACE standing where one begins."""

    def __len__(self) -> int:
        return len(self.words)

    @cached_property
    def ids(self) -> dict[str, int]:
        """Id of each word; a text that holds one of SPECIAL as a word does not thereby hold that id."""
        return {word: number for number, word in enumerate(self.words) if word not in SPECIAL}

    def encode(self, words: Iterable[str]) -> list[int]:
        """Return the words' ids, UNKNOWN for those not in the vocabulary."""
        return [self.ids.get(word, UNKNOWN) for word in words]

    def decode(self, ids: Iterable[int]) -> str:
        """Return the text up to END, without the marks of start and padding."""
        words: list[str] = []
        for number in ids:
            if number == END:
                break
            if number not in (PAD, START):
                words.append(self.words[number])
        return "".join(words).replace(SPACE, " ").strip() if self.pieces else " ".join(words)
