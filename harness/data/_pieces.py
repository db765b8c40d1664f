"""Pieces of words, learnt from texts by byte-pair encoding (Sennrich et al. 2016, by sentencepiece).

Nothing but runs of spaces is normalised, so that a text's pieces give the text back. The same texts give the same pieces
in every process: one thread learns them, and nothing is drawn by chance.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from harness.errors import UsageError
from harness.vocabulary import END, PAD, START, UNKNOWN, Vocabulary

SETTINGS: dict[str, Any] = {
    "model_type": "bpe",
    "normalization_rule_name": "identity",
    "character_coverage": 1.0,
    "num_threads": 1,
    "hard_vocab_limit": False,
    "minloglevel": 2,
    "pad_id": PAD,
    "unk_id": UNKNOWN,
    "bos_id": START,
    "eos_id": END,
}
"""What sentencepiece is told, so that no default of its own decides."""


@dataclass(frozen=True)
class Pieces:
    """Cuts texts into the pieces of one vocabulary."""

    vocabulary: Vocabulary
    processor: Any

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        """Return the ids of each text's pieces, UNKNOWN for characters that the vocabulary lacks; none for an empty text."""
        ids: list[list[int]] = self.processor.encode(list(texts), num_threads=1)
        return ids


def learn_pieces(texts: Iterable[str], size: int) -> Pieces:
    """Return the pieces that byte-pair encoding finds in texts, every single character of them included.

    Args:
        texts: of the training split alone.
        size: entries of the vocabulary at most; few texts give fewer.

    Raises:
        UsageError: the texts have more different characters than that.
    """
    import sentencepiece

    model = io.BytesIO()
    try:
        sentencepiece.SentencePieceTrainer.train(sentence_iterator=iter(texts), model_writer=model, vocab_size=size, **SETTINGS)
    except RuntimeError as error:
        raise UsageError(
            f"option vocabulary = {size}: sentencepiece cannot make such a vocabulary of these texts: {error}; "
            "it has to hold each of their characters: choose a larger one"
        ) from error
    processor = sentencepiece.SentencePieceProcessor(model_proto=model.getvalue())
    words = tuple(processor.id_to_piece(number) for number in range(processor.get_piece_size()))
    return Pieces(Vocabulary(words, pieces=True), processor)
