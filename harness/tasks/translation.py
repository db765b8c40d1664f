"""Translating texts: each next id of the target learnt given those before it; BLEU of texts written from the source alone.

Shape suffixes: B batch, N samples, S source ids, T target ids, V target vocabulary.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from harness.data import PAD, Split, Splits, Vocabulary
from harness.data._lengths import text_lengths
from harness.errors import DataError, UsageError
from harness.options import check_count, check_real, check_share
from harness.tasks._base import Learning, Scores, Task, Turn, evaluation_mode
from harness.tasks._decode import beam_search, greedy

OWNER = "task 'translation'"
WIDEST_BEAM = 1000


@dataclass(frozen=True)
class Translation:
    """How texts of one vocabulary are learnt, written and scored."""

    target: Vocabulary
    limit: int
    """Ids of a written text at most, END included."""
    beam: int
    length_penalty: float
    label_smoothing: float

    def loss(self, model: nn.Module, inputs: Tensor, labels: Tensor) -> Tensor:
        """Return the mean cross-entropy of a batch over its target ids, PAD left out; a scalar with a gradient.

        With label smoothing the true id has 1 - s of the wanted chance, and s is spread over the whole vocabulary.

        Args:
            model: a Translator.
            inputs: source_BS.
            labels: [B, T], START … END, then PAD.
        """
        logits_BTV = model(inputs, labels[:, :-1])
        return F.cross_entropy(
            logits_BTV.flatten(0, 1), labels[:, 1:].flatten(), ignore_index=PAD, label_smoothing=self.label_smoothing
        )

    def write(self, model: nn.Module, source_BS: Tensor) -> Tensor:
        """Return the ids of the texts that the model writes, [B, T], as the options ask."""
        if self.beam == 1:
            return greedy(model, source_BS, self.limit)
        return beam_search(model, source_BS, self.limit, width=self.beam, alpha=self.length_penalty)

    def infer(self, model: nn.Module, inputs: Tensor) -> Tensor:
        """Return the ids of the texts that the model writes greedily, whatever the options ask."""
        return greedy(model, inputs, self.limit)

    def evaluate(self, model: nn.Module, split: Split, batch_size: int) -> Scores:
        """Return the scores of the texts that the model writes, and its loss given the true texts.

        The loss is the mean over all target ids of the split, without smoothing; the sums are taken in float64 and stay
        on the device until the end. Batches hold sources of like length. No random number is drawn, and each module
        keeps the mode it had.

        Args:
            model: a Translator, on the split's device.
            split: inputs [N, S], labels [N, T]; column "reference" has the true texts, else the labels are read.
            batch_size: samples a pass takes; the last may be smaller.

        Raises:
            DataError: the split is empty.
        """
        if len(split) == 0:
            raise DataError("evaluating: the split holds no samples, at least 1 is needed; choose a larger data set or share")
        lengths_N = text_lengths(split.inputs)
        loss_sum = torch.zeros((), dtype=torch.float64, device=split.inputs.device)
        texts = [""] * len(split)
        with evaluation_mode(model):
            for rows in lengths_N.argsort(stable=True).split(batch_size):
                inputs, labels = _trim(split.inputs[rows]), _trim(split.labels[rows])
                loss_sum += _loss_sum(model(inputs, labels[:, :-1]), labels[:, 1:])
                for row, ids in zip(rows.tolist(), self.write(model, inputs).tolist(), strict=True):
                    texts[row] = self.target.decode(ids)
        count = int((split.labels[:, 1:] != PAD).sum())
        return score(texts, self._references(split), loss_sum.item() / count)

    def _references(self, split: Split) -> Sequence[str]:
        given = split.columns.get("reference")
        return [self.target.decode(ids) for ids in split.labels.tolist()] if given is None else given


def score(texts: Sequence[str], references: Sequence[str], loss: float) -> Scores:
    """Return the share of texts got exactly, and sacrebleu's corpus BLEU (Papineni et al. 2002) and chrF (Popović 2015)."""
    from sacrebleu.metrics.bleu import BLEU
    from sacrebleu.metrics.chrf import CHRF

    bleu, chrf = BLEU(force=True), CHRF()
    exact = sum(text == reference for text, reference in zip(texts, references, strict=True))
    values = {
        "bleu": float(bleu.corpus_score(texts, [references]).score),
        "chrf": float(chrf.corpus_score(texts, [references]).score),
        "exact_match": exact / len(texts),
        "loss": loss,
    }
    signatures = {"bleu": str(bleu.get_signature()), "chrf": str(chrf.get_signature())}
    return Scores(values, texts=signatures)


def _trim(ids_BT: Tensor) -> Tensor:
    """Return a batch up to the end of its longest text."""
    return ids_BT[:, : int(text_lengths(ids_BT).max())]


def _loss_sum(logits_BTV: Tensor, wanted_BT: Tensor) -> Tensor:
    losses = F.cross_entropy(logits_BTV.float().flatten(0, 1), wanted_BT.flatten(), ignore_index=PAD, reduction="none")
    return losses.sum(dtype=torch.float64)


def start(splits: Splits, *, beam: int = 1, length_penalty: float = 0.6, label_smoothing: float = 0.0) -> Learning:
    """Return how a translator of the data set's texts learns.

    Args:
        splits: with the vocabularies of source and target.
        beam: texts kept of each source while writing; 1 writes greedily.
        length_penalty: exponent of the length penalty of a beam (Wu et al. 2016); 0 for none.
        label_smoothing: share of the wanted chance that is spread over all ids (Szegedy et al. 2016).

    Raises:
        UsageError: an option that is not allowed, or a data set without pairs of texts.
    """
    check_count("beam", beam, 1, WIDEST_BEAM, OWNER)
    check_real("length_penalty", length_penalty, 0, 10, OWNER)
    check_share("label_smoothing", label_smoothing, OWNER)
    if len(splits.vocabularies) != 2 or splits.train.labels.ndim != 2:
        raise UsageError("task translation: the data set has no pairs of source and target texts; choose one that has")
    # a text is as long as the longest that could be learnt from: labels have START, which is not written
    limit = splits.train.labels.shape[1] - 1
    translation = Translation(splits.vocabularies[1], limit, beam, length_penalty, label_smoothing)
    return Learning((Turn(translation.loss),), translation.evaluate, translation.infer, padded=True, additive=False)


TASK = Task(
    primary="bleu",
    scores={"bleu": "higher", "chrf": "higher", "exact_match": "higher", "loss": "lower"},
    start=start,
)
