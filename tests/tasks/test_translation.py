"""Translation: loss against loops, decoding against exhaustive search, BLEU against the formula and sacrebleu."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import sacrebleu
import torch
from torch import Tensor, nn

from harness.catalog import Catalog
from harness.data import Split, Splits
from harness.errors import DataError, UsageError
from harness.metrics.bleu import METRIC as BLEU
from harness.metrics.bleu_signature import METRIC as SIGNATURE
from harness.models import DataSpec
from harness.observations import Observations
from harness.tasks import Learning, Task
from harness.tasks._decode import beam_search, greedy, length_penalty
from harness.tasks.translation import score
from harness.vocabulary import END, PAD, SPECIAL, START, Vocabulary

TASK: Task = Catalog().load("tasks", "translation")
WORDS = Vocabulary((*SPECIAL, *"abcdef"))
A, B, C = 4, 5, 6


class Fixed(nn.Module):
    """Writes by a fixed table: what follows depends on the two ids before, and on the source's first id.

    Args:
        seed: of the table.
        ids: that the table has chances for; the others get none.
        sharp: scale of the logits.
    """

    def __init__(self, seed: int, ids: Sequence[int], sharp: float = 2.0) -> None:
        super().__init__()
        size = len(WORDS)
        table = torch.randn(size, size, size, size, generator=torch.Generator().manual_seed(seed)) * sharp
        table[..., [number for number in range(size) if number not in ids]] = -1e9
        self.table = nn.Parameter(table)
        self.steps = 0

    def forward(self, source_BS: Tensor, target_BT: Tensor) -> Tensor:
        """Return the logits of every next id."""
        before_BT = torch.cat((torch.zeros_like(target_BT[:, :1]), target_BT[:, :-1]), dim=1)
        return self.table[source_BS[:, :1], before_BT, target_BT]

    def encode(self, source_BS: Tensor) -> tuple[Tensor, ...]:
        """Return the source's first id and the id before the last."""
        return source_BS[:, 0], torch.zeros_like(source_BS[:, 0])

    def step(self, state: tuple[Tensor, ...], token_B: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Return the logits of the next id."""
        self.steps += 1
        return self.table[state[0], state[1], token_B], (state[0], token_B)


def sources() -> Tensor:
    """Six sources that differ in their first id."""
    return torch.tensor([[first, END] for first in range(4, 10)])


def cut(ids: Sequence[int]) -> tuple[int, ...]:
    """A text up to END, END included, PAD left out."""
    text = [number for number in ids if number != PAD]
    return tuple(text[: text.index(END) + 1]) if END in text else tuple(text)


def chance(model: Fixed, source: int, text: Sequence[int]) -> float:
    """Log-probability of a text, id by id; START and PAD are never written and share in no chance."""
    total, before, last = 0.0, 0, START
    for number in text:
        logits = [math.exp(value) for value in model.table[source, before, last].tolist()]
        total += math.log(logits[number] / sum(logits))
        before, last = last, number
    return total


def exhaustive(model: Fixed, source: int, ids: Sequence[int], limit: int, alpha: float) -> tuple[int, ...]:
    """The best of all texts that end within the limit, ranked by log-probability over ((5 + length) / 6) ** alpha."""
    inner = [number for number in ids if number != END]
    every = [(*middle, END) for length in range(limit) for middle in itertools.product(inner, repeat=length)]
    return max(every, key=lambda text: chance(model, source, text) / ((5 + len(text)) / 6) ** alpha)


@pytest.mark.parametrize("alpha", [0.0, 0.6, 2.0])
@pytest.mark.parametrize("seed", range(4))
def test_a_wide_beam_is_exhaustive_search(seed: int, alpha: float) -> None:
    """With room for every text the beam finds the best of all, whatever the length penalty."""
    ids = (END, A, B)
    model = Fixed(seed, ids)

    found = beam_search(model, sources(), 4, width=40, alpha=alpha)

    assert [exhaustive(model, source, ids, 4, alpha) for source in range(4, 10)] == [cut(row) for row in found.tolist()]


@pytest.mark.parametrize("seed", range(8))
def test_a_beam_of_one_is_greedy(seed: int) -> None:
    """One text kept at a time is the likeliest id one after the other, ended or not."""
    model = Fixed(seed, (END, *range(4, 10)))

    expected, found = greedy(model, sources(), 9), beam_search(model, sources(), 9, width=1, alpha=0.6)

    assert [cut(row) for row in expected.tolist()] == [cut(row) for row in found.tolist()]


@pytest.mark.parametrize("seed", range(4))
def test_greedy_in_loops(seed: int) -> None:
    """The largest logit each time, until END or the limit."""
    model = Fixed(seed, (END, A, B, C))
    for source, row in zip(range(4, 10), greedy(model, sources(), 6).tolist(), strict=True):
        expected: list[int] = []
        before, last = 0, START
        while last != END and len(expected) < 6:
            before, last = last, int(model.table[source, before, last].argmax())
            expected.append(last)
        assert tuple(expected) == cut(row)


def test_a_beam_finds_what_greed_misses() -> None:
    """a is likelier than b at first, .6 to .4, but its best text has .6 · .4 and b's .4 · 1."""
    model = Fixed(0, (END, A, B, C))
    with torch.no_grad():
        model.table[:] = -1e9
        model.table[:, 0, START, A], model.table[:, 0, START, B] = math.log(0.6), math.log(0.4)
        model.table[:, START, A, END] = math.log(0.4)
        model.table[:, START, A, B] = model.table[:, START, A, C] = math.log(0.3)
        model.table[:, START, B, END] = 0.0
        model.table[:, A, :, END] = 0.0

    assert {(A, END)} == {cut(row) for row in greedy(model, sources(), 5).tolist()}
    assert {(B, END)} == {cut(row) for row in beam_search(model, sources(), 5, width=2, alpha=0.0).tolist()}


def test_the_length_penalty_is_the_papers() -> None:
    """((5 + |Y|) / 6) ** alpha: 1 for one id, whatever alpha; 1.5157 for seven at 0.6 by hand (2 ** .6); 1 at alpha 0."""
    lengths = torch.tensor([1.0, 7.0])

    assert [1.0, pytest.approx(2**0.6, rel=1e-6)] == length_penalty(lengths, 0.6).tolist()
    assert [1.0, 1.0] == length_penalty(lengths, 0.0).tolist()


@pytest.mark.parametrize("width", [1, 3])
def test_writing_stops_at_the_limit(width: int) -> None:
    """A model that never ends writes as many ids as it may, and the text is there all the same."""
    model = Fixed(1, (A, B))
    found = greedy(model, sources(), 5) if width == 1 else beam_search(model, sources(), 5, width=width, alpha=0.6)

    assert (6, 5) == tuple(found.shape)
    assert set(found.flatten().tolist()) <= {A, B}


@pytest.mark.parametrize("width", [1, 3])
def test_writing_stops_when_all_texts_have_ended(width: int) -> None:
    """No step is taken that cannot change a text: a model that ends at once is asked once."""
    model = Fixed(1, (END,))
    found = greedy(model, sources(), 50) if width == 1 else beam_search(model, sources(), 50, width=width, alpha=0.6)

    assert {(END,)} == {cut(row) for row in found.tolist()}
    assert 1 == model.steps


def test_marks_are_never_written() -> None:
    """However likely PAD and START look, a text holds neither."""
    model = Fixed(2, (PAD, START, END, A))
    with torch.no_grad():
        model.table[..., (PAD, START)] = 50.0

    for found in (greedy(model, sources(), 4), beam_search(model, sources(), 4, width=2, alpha=0.6)):
        assert START not in found.flatten().tolist()
        assert all(PAD not in cut(row) and row[len(cut(row)) :] == [PAD] * (len(row) - len(cut(row))) for row in found.tolist())


def pairs(count: int = 11, seed: int = 3) -> Split:
    """Pairs of random texts of unequal lengths, without references."""
    random = np.random.RandomState(seed)
    inputs, labels = np.zeros((count, 6), dtype=np.int64), np.zeros((count, 8), dtype=np.int64)
    for row in range(count):
        own, other = random.randint(1, 6), random.randint(0, 7)
        inputs[row, : own + 1] = [*random.randint(4, 10, own), END]
        labels[row, : other + 2] = [START, *random.randint(4, 10, other), END]
    return Split(torch.from_numpy(inputs), torch.from_numpy(labels))


def learning(**options: Any) -> Learning:
    """The task at work on those pairs."""
    return TASK.start(Splits(pairs(), pairs(), vocabularies=(WORDS, WORDS)), **options)


def each_loss(model: nn.Module, split: Split, smoothing: float = 0.0) -> list[float]:
    """Cross-entropy of every target id that is no PAD, by loops."""
    losses = []
    for source, target in zip(split.inputs, split.labels.tolist(), strict=True):
        logits_TV = model(source[None], torch.tensor([target[:-1]]))[0].double().tolist()
        for logits, wanted in zip(logits_TV, target[1:], strict=True):
            if wanted != PAD:
                total = math.log(sum(math.exp(value) for value in logits))
                spread = sum(total - value for value in logits) / len(logits)
                losses.append((1 - smoothing) * (total - logits[wanted]) + smoothing * spread)
    return losses


def smooth_model() -> Fixed:
    """A table without impossible ids."""
    return Fixed(5, range(len(WORDS)), sharp=1.0)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_training_loss_in_loops(smoothing: float) -> None:
    """The mean over all target ids of the batch, PAD left out; with smoothing, s spread over the vocabulary."""
    model, split = smooth_model(), pairs()
    loss = learning(label_smoothing=smoothing).turns[0].loss(model, split.inputs, split.labels)

    assert isinstance(loss, Tensor)
    losses = each_loss(model, split, smoothing)
    assert loss.item() == pytest.approx(sum(losses) / len(losses), rel=1e-5)


@pytest.mark.parametrize("batch_size", [1, 4, 11, 256])
def test_evaluated_loss_weighs_every_id_the_same(batch_size: int) -> None:
    """The mean over the split's target ids, without smoothing, whatever the batches."""
    model, split = smooth_model(), pairs()
    scores = learning(label_smoothing=0.3).evaluate(model, split, batch_size)

    losses = each_loss(model, split)
    assert scores.values["loss"] == pytest.approx(sum(losses) / len(losses), rel=1e-6)


@pytest.mark.parametrize("batch_size", [1, 4, 256])
def test_texts_stand_beside_their_own_references(batch_size: int) -> None:
    """Sorting by length and batching change nothing: a model that copies its source is right about every copied text."""
    split = pairs()
    copies = [WORDS.decode(row) for row in split.inputs.tolist()]
    given = Split(split.inputs, split.labels, {"reference": copies})

    scores = learning().evaluate(Copying(), given, batch_size)

    assert 1.0 == scores.values["exact_match"]
    assert scores.values["bleu"] == pytest.approx(100.0)
    assert scores.values["chrf"] == pytest.approx(100.0)


class Copying(nn.Module):
    """Writes its source."""

    def forward(self, _source_BS: Tensor, target_BT: Tensor) -> Tensor:
        """Return that every id is as likely as another."""
        return torch.zeros(*target_BT.shape, len(WORDS))

    def encode(self, source_BS: Tensor) -> tuple[Tensor, ...]:
        """Return the source and a count of ids written."""
        return source_BS, torch.zeros_like(source_BS[:, 0])

    def step(self, state: tuple[Tensor, ...], _token_B: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Return the source's next id as the only likely one."""
        source_BS, count_B = state
        place_B1 = count_B.clamp(max=source_BS.shape[1] - 1)[:, None]
        logits_BV = nn.functional.one_hot(source_BS.gather(1, place_B1)[:, 0], len(WORDS)) * 10.0
        return logits_BV, (source_BS, count_B + 1)


def test_references_are_read_from_the_labels_where_there_are_none() -> None:
    """Without a column of references the labels' own texts stand in."""
    split = pairs()
    own = Split(split.inputs, torch.cat((torch.full((11, 1), START), split.inputs), dim=1))

    assert 1.0 == learning().evaluate(Copying(), own, 4).values["exact_match"]
    assert 1.0 > learning().evaluate(Copying(), split, 4).values["exact_match"]


def by_the_formula(text: str, reference: str) -> float:
    """BLEU of a pair (Papineni et al. 2002): brevity penalty times the geometric mean of clipped precisions of 1 to 4 words."""
    words, wanted = text.split(), reference.split()
    product = 1.0
    for order in range(1, 5):
        runs, right = ([tuple(side[at : at + order]) for at in range(len(side) - order + 1)] for side in (words, wanted))
        clipped = sum(min(runs.count(run), right.count(run)) for run in set(runs))
        product *= clipped / len(runs)
    brevity = 1.0 if len(words) > len(wanted) else math.exp(1 - len(wanted) / len(words))
    return float(100 * brevity * product**0.25)


def test_bleu_follows_the_formula() -> None:
    """A pair worked out by hand: precisions 6/7, 5/6, 4/5 and 3/4 multiply to 3/7, brevity exp(-1/7)."""
    text, reference = "the cat sat on the mat today", "yesterday the cat sat on the mat again"

    found = score([text], [reference], 0.0).values["bleu"]

    assert found == pytest.approx(100 * math.exp(-1 / 7) * (3 / 7) ** 0.25, rel=1e-9)
    assert found == pytest.approx(by_the_formula(text, reference), rel=1e-9)


def test_bleu_is_sacrebleus() -> None:
    """Corpus BLEU and chrF of raw text, with sacrebleu's own tokenisation, equal sacrebleu called by itself."""
    texts = ["Two dogs run, quickly.", "A man isn't here!", "", "A boy plays with a red ball in the park."]
    references = ["Two dogs are running quickly.", "A man is not here!", "Nothing.", "A boy plays with a ball in the park."]

    found = score(texts, references, 0.0)

    assert sacrebleu.corpus_bleu(texts, [references]).score == found.values["bleu"]
    assert sacrebleu.corpus_chrf(texts, [references]).score == found.values["chrf"]
    assert f"nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|version:{sacrebleu.__version__}" == found.texts["bleu"]


def test_bleu_of_the_corpus_is_no_mean_of_sentences() -> None:
    """Counts are added up over the corpus first, in the order of the split."""
    texts, references = ["a b c d e", "a b x d e f"], ["a b c d e", "a b c d e f"]

    found = score(texts, references, 0.0).values["bleu"]

    # right of all: 5 + 5 of 5 + 6 words, 4 + 3 of 4 + 5 pairs, 3 + 1 of 3 + 4 triples, 2 + 0 of 2 + 3 runs of four
    assert found == pytest.approx(100 * (10 / 11 * 7 / 9 * 4 / 7 * 2 / 5) ** 0.25, rel=1e-9)


def test_metrics_read_the_scores() -> None:
    """BLEU and its signature come from what evaluating yields; a run of another task has neither."""
    seen = Observations()
    seen.scores, seen.texts, seen.test_samples = {"bleu": 31.5}, {"bleu": "nrefs:1|tok:13a"}, 1000
    other = Observations()
    other.scores = {"accuracy": 0.9}

    assert 31.5 == BLEU.measure(seen).value
    assert "nrefs:1|tok:13a" == SIGNATURE.measure(seen).text
    assert "not_applicable" == SIGNATURE.measure(other).null_reason == BLEU.measure(other).null_reason


def test_evaluating_leaves_modes_and_streams_alone() -> None:
    """A translator with dropout comes back in training mode, and no random number is drawn."""
    model: nn.Module = Catalog().load("models", "p004_transformer_mt").build(DataSpec((6,), 0, (10, 10)), width=8, heads=2)
    model.train()
    before = torch.get_rng_state()

    first, second = (learning(beam=beam).evaluate(model, pairs(), 4) for beam in (2, 2))

    assert first.values == second.values
    assert all(module.training for module in model.modules())
    assert torch.equal(before, torch.get_rng_state())


def test_inference_writes_greedily() -> None:
    """What is timed is greedy writing of a batch, bounded by the longest text of the training split."""
    model = Fixed(1, (A, B))

    assert torch.equal(greedy(model, sources(), 7), learning(beam=3).infer(model, sources()))  # type: ignore[arg-type]


@pytest.mark.parametrize("options", [{"beam": 0}, {"beam": True}, {"length_penalty": -1.0}, {"label_smoothing": 1.0}])
def test_wrong_options_are_refused(options: dict[str, Any]) -> None:
    """An option that is not allowed is a usage error that names it."""
    with pytest.raises(UsageError, match=f"option {next(iter(options))} = "):
        learning(**options)


def test_data_without_pairs_is_refused() -> None:
    """A data set of one vocabulary cannot be translated."""
    with pytest.raises(UsageError, match="no pairs of source and target texts"):
        TASK.start(Splits(pairs(), pairs(), vocabularies=(WORDS,)))


def test_empty_split_is_an_error() -> None:
    """No score is made up for no samples."""
    empty = Split(torch.zeros(0, 3, dtype=torch.int64), torch.zeros(0, 3, dtype=torch.int64))
    with pytest.raises(DataError, match="the split holds no samples"):
        learning().evaluate(Fixed(0, (END,)), empty, 4)


def test_declares_its_scores() -> None:
    """What the source declares is what evaluating yields."""
    scores = learning().evaluate(smooth_model(), pairs(), 4)

    assert TASK.scores.keys() == scores.values.keys()
    assert {"bleu", "chrf"} == scores.texts.keys()
    assert scores.predictions is None
