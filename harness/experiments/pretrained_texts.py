"""Whether a network that has learned to continue texts learns to tell them apart from fewer labels.

Texts of twenty symbols, each by one of ten Markov chains; the class is the chain. A network of an embedding and an LSTM first
learns the next symbol of 2,000 texts without their classes, LANGUAGE_STEPS steps of 64 texts. Then all of it, with a last
layer that has learned nothing, learns the classes of n labelled texts in FINE_STEPS steps. Beside it the same network learns
them from its first weights, in as many steps of the same batches. Both take the learning rate of RATES that does best on
VALIDATION further texts, whose classes no training sees. Adam throughout.

- `pretrained_<n>`, `scratch_<n>`: accuracy on the test split.
- `language_loss`: mean cross-entropy of a next symbol on the test split after the first training, in nats; without a model of
  the chains it is ln 20 = 3.0.

Source: articles 002 (section 8) and 001 (section 1.4); Dai and Le, "Semi-supervised sequence learning", 2015.
"""

from __future__ import annotations

import copy
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from harness.data import Splits
from harness.experiments import Experiment, Setting
from harness.experiments._few_labels import accuracy_from, few_labels
from harness.models._last_step import LastStep
from harness.options import check_count

LABELS = (20, 50, 100)
SYMBOLS, SPECIAL = 20, 4
LANGUAGE_RATE, RATES = 1e-2, (3e-3, 1e-2)
FINE_STEPS, BATCH = 60, 16
VALIDATION = 200


def run(setting: Setting, *, language_steps: int = 300) -> dict[str, float | None]:
    """Return the accuracies that the module's docstring defines.

    Args:
        setting: weights, batches and labelled texts are drawn from it.
        language_steps: of the training without classes.

    Raises:
        UsageError: an option that is not allowed.
    """
    check_count("language_steps", language_steps, 1, 100_000)
    texts = setting.data("markov", length=20, shortest=20, vocabulary=SYMBOLS + SPECIAL)
    spec = setting.spec(texts)
    fresh, learned = (cast(LastStep, setting.model("a004_nlp_lstm", spec, embedding=32, hidden=64, layers=1)) for _ in range(2))
    loss = learn_to_continue(setting, learned, texts, language_steps)
    found: dict[str, float | None] = {}
    for count in LABELS:
        few = few_labels(setting, texts, count, VALIDATION)
        for name, start in starts(learned, fresh).items():
            found[f"{name}_{count}"] = accuracy_from(setting, start, few, RATES, steps=FINE_STEPS, batch_size=BATCH)
    return found | {"language_loss": loss}


def learn_to_continue(setting: Setting, network: LastStep, texts: Splits, steps: int) -> float:
    """Train embedding and LSTM to tell each next symbol; return the loss of a symbol of the test split afterwards.

    The last layer, which tells classes, has no part in it: another one, which tells symbols, is made and thrown away.
    """
    symbols = nn.Linear(network.recurrent.hidden_size, SYMBOLS + SPECIAL).to(setting.device)
    learning = nn.ModuleList([cast(nn.Embedding, network.embedding), network.recurrent, symbols])
    optimizer = torch.optim.Adam(learning.parameters(), lr=LANGUAGE_RATE)
    train, stream = texts.train.inputs.to(setting.device), setting.generator("texts")
    for step in range(steps):
        loss = next_symbol_loss(network, symbols, train[torch.randint(len(train), (64,), generator=stream)])
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        setting.report(step, steps)
    with torch.no_grad():
        return next_symbol_loss(network, symbols, texts.test.inputs.to(setting.device)).item()


def next_symbol_loss(network: LastStep, symbols: nn.Linear, ids_BT: Tensor) -> Tensor:
    """Return the mean cross-entropy of each symbol after the first, told from those before it."""
    states_BTH = network.recurrent(cast(nn.Embedding, network.embedding)(ids_BT[:, :-1]))[0]
    return F.cross_entropy(symbols(states_BTH).flatten(0, 1), ids_BT[:, 1:].flatten())


def starts(learned: LastStep, fresh: LastStep) -> dict[str, LastStep]:
    """Return what both arms start from: they have the last layer's weights in common, which have learned nothing."""
    start = copy.deepcopy(learned)
    start.fc.load_state_dict(fresh.fc.state_dict())
    return {"pretrained": start, "scratch": fresh}


EXPERIMENT = Experiment(
    run=run,
    title="Pre-training on texts without labels",
    outcomes={
        "pretrained_20": "1",
        "scratch_20": "1",
        "pretrained_50": "1",
        "scratch_50": "1",
        "pretrained_100": "1",
        "scratch_100": "1",
        "language_loss": "1",
    },
    metric_class="quality",
    directions={"language_loss": "lower"},
    source="Dai and Le 2015",
)
