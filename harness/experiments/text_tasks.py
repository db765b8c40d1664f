"""Three kinds of networks on three kinds of tasks on short made texts: can each do each better than by guessing?

Networks: a tanh recurrent one, an LSTM, a Transformer encoder, all of `hidden` units. Tasks:

- classification: which of ten Markov chains wrote a text (data set `markov`), CLASSES = 10; guessing is right in 1 of 10.
- sentiment: texts of LENGTH words, most of them neutral, an odd number of words of praise or blame among them, OPINIONS at
  most; the class is which are more. Guessing is right in 1 of 2.
- translation: WORDS words of an alphabet of LETTERS, each to be replaced by a word of another alphabet, always the same one,
  in the opposite order. A network reads the words and then WORDS blanks, and says a word at each blank. Guessing is right in
  1 of LETTERS words.

`<task>_<network>` is the share told right on texts that were not trained on: of texts, for translation of words.

Shape suffixes: B batch, T steps, D width, K classes or words.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from harness.data import SPECIAL, Split, Splits, Vocabulary
from harness.data._generated import symbols
from harness.experiments import Experiment, Setting
from harness.models._sinusoids import sinusoids
from harness.options import check_count, check_real

NETWORKS = ("rnn", "lstm", "transformer")
TRAIN, TEST = 10_000, 1000
CLASSES, LENGTH, NEUTRAL, OPINIONS, SIDES = 10, 16, 20, 5, ("blame", "praise")
WORDS, LETTERS = 5, 10
HEADS, LAYERS = 4, 2
FIRST = len(SPECIAL)


def run(setting: Setting, *, steps: int = 200, lr: float = 3e-3, hidden: int = 64) -> dict[str, float | None]:
    """Return what the module's docstring defines.

    Args:
        setting: decides weights, the order of the samples, and the texts of sentiment and translation.
        steps: of training, for each network and task.
        lr: learning rate of Adam; the gradient's norm is clipped to 1.
        hidden: width of states and of embeddings.

    Raises:
        UsageError: an option that is not allowed.
    """
    check_count("steps", steps, 1, 1_000_000)
    check_real("lr", lr, 1e-6, 10)
    stream = setting.generator("texts")
    tasks = {
        "classification": setting.data(
            "markov", classes=CLASSES, vocabulary=40, length=LENGTH, train_samples=TRAIN, test_samples=TEST
        ),
        "sentiment": opinions(stream),
        "translation": translations(stream),
    }
    found: dict[str, float | None] = {}
    for task, splits in tasks.items():
        for name in NETWORKS:
            model = build(setting, name, task, splits, hidden)
            setting.train(model, splits, steps=steps, batch_size=32, lr=lr, clip_norm=1.0)
            found[f"{task}_{name}"] = setting.score(model, splits.test)["accuracy"]
            setting.report(len(found), len(tasks) * len(NETWORKS))
    return found


def opinions(stream: torch.Generator) -> Splits:
    """Return texts of neutral words and opinions: of the latter an odd number, the class 0 for blame and 1 for praise."""

    def split(count: int) -> Split:
        neutral_BT = torch.randint(NEUTRAL, (count, LENGTH), generator=stream)
        side_BT = torch.randint(2, (count, LENGTH), generator=stream)
        number_B = 2 * torch.randint((OPINIONS + 1) // 2, (count,), generator=stream) + 1
        rank_BT = torch.rand(count, LENGTH, generator=stream).argsort(dim=1).argsort(dim=1)
        opinion_BT = rank_BT < number_B[:, None]
        praise_B = (side_BT * opinion_BT).sum(dim=1)
        ids_BT = FIRST + torch.where(opinion_BT, NEUTRAL + side_BT, neutral_BT)
        return Split(ids_BT, (2 * praise_B > number_B).long())

    return Splits(split(TRAIN), split(TEST), SIDES, vocabularies=(symbols(FIRST + NEUTRAL + 2),))


def translations(stream: torch.Generator) -> Splits:
    """Return texts of words and blanks, with the translation of the words as labels, [B, WORDS]."""
    replaced_by = torch.randperm(LETTERS, generator=stream)

    def split(count: int) -> Split:
        words_BT = torch.randint(LETTERS, (count, WORDS), generator=stream)
        blanks_BT = torch.full((count, WORDS), FIRST + LETTERS)
        return Split(torch.cat([words_BT + FIRST, blanks_BT], dim=1), replaced_by[words_BT.flip(1)])

    vocabulary: Vocabulary = symbols(FIRST + LETTERS + 1)
    return Splits(split(TRAIN), split(TEST), tuple(map(str, range(LETTERS))), vocabularies=(vocabulary,))


def build(setting: Setting, name: str, task: str, splits: Splits, hidden: int) -> nn.Module:
    """Return one of NETWORKS with fresh weights, with an output for each text or, for translation, for each blank."""
    if task == "translation":
        setting.seed_globals()
        return Transducer(name, len(splits.vocabularies[0]), hidden).to(setting.device)
    spec = setting.spec(splits)
    if name == "rnn":
        return setting.model("p000_rnn", spec, hidden=hidden, embedding=hidden)
    if name == "lstm":
        return setting.model("p004_lstm", spec, hidden=hidden, embedding=hidden)
    return setting.model("p002_transformer_encoder", spec, width=hidden, heads=HEADS, ff=2 * hidden, layers=LAYERS, dropout=0.0)


class Transducer(nn.Module):
    """An embedding, a network over all steps, and a word for each of the last WORDS steps.

    Args:
        name: one of NETWORKS.
        vocabulary: ids that are read.
        hidden: width of the embedding and of the states.
    """

    def __init__(self, name: str, vocabulary: int, hidden: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, hidden)
        self.recurrent: nn.RNNBase | None = None
        self.layers = nn.ModuleList()
        if name == "transformer":
            ff = 2 * hidden
            self.layers.extend(nn.TransformerEncoderLayer(hidden, HEADS, ff, 0.0, batch_first=True) for _ in range(LAYERS))
        else:
            self.recurrent = (nn.LSTM if name == "lstm" else nn.RNN)(hidden, hidden, batch_first=True)
        self.fc = nn.Linear(hidden, LETTERS)

    def forward(self, ids_BT: Tensor) -> Tensor:
        """Return the logits, [B, K, WORDS]."""
        x_BTD = self.embedding(ids_BT)
        if self.recurrent is not None:
            x_BTD = self.recurrent(x_BTD)[0]
        else:
            x_BTD = x_BTD + sinusoids(x_BTD)
            for layer in self.layers:
                x_BTD = layer(x_BTD)
        logits_BTK: Tensor = self.fc(x_BTD[:, -WORDS:])
        return logits_BTK.transpose(1, 2)


EXPERIMENT = Experiment(
    run=run,
    title="Three networks on three text tasks",
    outcomes={
        "classification_rnn": "1",
        "classification_lstm": "1",
        "classification_transformer": "1",
        "sentiment_rnn": "1",
        "sentiment_lstm": "1",
        "sentiment_transformer": "1",
        "translation_rnn": "1",
        "translation_lstm": "1",
        "translation_transformer": "1",
    },
    metric_class="quality",
    directions={
        "classification_rnn": "higher",
        "classification_lstm": "higher",
        "classification_transformer": "higher",
        "sentiment_rnn": "higher",
        "sentiment_lstm": "higher",
        "sentiment_transformer": "higher",
        "translation_rnn": "higher",
        "translation_lstm": "higher",
        "translation_transformer": "higher",
    },
)
