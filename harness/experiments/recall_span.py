"""How far back a network remembers: the longest sequences whose first symbol it learns to tell at the end.

Sequences hold uniform random symbols, SYMBOLS of them; the class is the first one, so that nothing but the first step tells
it, and guessing is right once in SYMBOLS. A fresh network is trained for each of LENGTHS, from the shortest, for at most
`budget` steps of Adam on new sequences (none is seen twice), its gradient clipped to norm 1. A length is solved when at a
look, every LOOK steps, at least SOLVED of TEST sequences of its own are told right; then the next one is tried. The first
length that is not solved ends the run. The harness's own loop takes a number of steps that is fixed beforehand; this one
stops where a length is solved.

- `longest`: the longest length solved, 0 for none; `trained_steps`: steps taken over all lengths.
- `last_accuracy`: on the last length tried, when it was left.
- `parameters`: trainable ones.

Networks: rnn (tanh), lstm, gru, the Transformer encoder, and `listing`: two stacks of LSTM layers that article 002 prints as
a Transformer. All have `hidden` units, or with equal = "parameters" a gated network has no more parameters than the rnn
behind the embedding.

Source: the task after Hochreiter and Schmidhuber, "Long short-term memory", 1997, experiment 2.

Shape suffixes: B batch, T steps.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from harness.data import Split
from harness.experiments import Experiment, Setting
from harness.models import DataSpec
from harness.options import check_choice, check_count, check_real
from harness.vocabulary import SPECIAL

LENGTHS = (5, 10, 20, 50, 100)
SYMBOLS = 8
SOLVED, LOOK, TEST = 0.95, 25, 500
CLIP = 1.0
NETWORKS = ("rnn", "lstm", "gru", "transformer", "listing")


def run(
    setting: Setting,
    *,
    network: str = "rnn",
    lr: float = 3e-3,
    budget: int = 800,
    batch: int = 32,
    hidden: int = 32,
    equal: str = "hidden",
    forget_bias: float = 0.0,
) -> dict[str, float | None]:
    """Return what the module's docstring defines, for one network.

    Args:
        setting: weights come from the global stream, sequences from streams of their own.
        network: one of NETWORKS.
        lr: learning rate of Adam.
        budget: steps at most for each length.
        batch: sequences in a step.
        hidden: width of states and of embeddings.
        equal: hidden or parameters, for lstm and gru.
        forget_bias: added to the forget gates' bias of the lstm.

    Raises:
        UsageError: an option that is not allowed.
    """
    check_choice("network", network, NETWORKS)
    check_real("lr", lr, 1e-6, 10)
    check_count("budget", budget, LOOK, 1_000_000)
    check_count("batch", batch, 1, 65_536)
    longest, trained, accuracy, parameters = 0, 0, 0.0, 0
    for number, length in enumerate(LENGTHS, 1):
        model = build(setting, network, length, hidden=hidden, equal=equal, forget_bias=forget_bias)
        parameters = sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)
        steps, accuracy = learn(setting, model, length, lr=lr, budget=budget, batch=batch)
        trained += steps
        setting.report(number, len(LENGTHS))
        if accuracy < SOLVED:
            break
        longest = length
    return {"longest": longest, "trained_steps": trained, "last_accuracy": accuracy, "parameters": parameters}


def build(setting: Setting, network: str, length: int, *, hidden: int, equal: str, forget_bias: float) -> nn.Module:
    """Return a network with fresh weights that tells the first of `length` symbols."""
    spec = DataSpec((length,), SYMBOLS, (SYMBOLS + len(SPECIAL),))
    if network == "rnn":
        return setting.model("p000_rnn", spec, hidden=hidden, embedding=hidden)
    if network == "lstm":
        return setting.model("p004_lstm", spec, hidden=hidden, embedding=hidden, equal=equal, forget_bias=forget_bias)
    if network == "gru":
        return setting.model("p004_gru", spec, hidden=hidden, embedding=hidden, equal=equal)
    if network == "transformer":
        return setting.model("p002_transformer_encoder", spec, width=hidden, ff=2 * hidden, layers=1, dropout=0.0)
    return setting.model("a002_transformer_lstm", spec, hidden=hidden, layers=1)


def draw(stream: torch.Generator, count: int, length: int) -> Split:
    """Return `count` sequences as ids, [count, length], with their first symbols as labels."""
    symbols_BT = torch.randint(SYMBOLS, (count, length), generator=stream)
    return Split(symbols_BT + len(SPECIAL), symbols_BT[:, 0])


def learn(setting: Setting, model: nn.Module, length: int, *, lr: float, budget: int, batch: int) -> tuple[int, float]:
    """Train until the length is solved or the budget is used; return (steps taken, accuracy at the end)."""
    stream, test = setting.generator(f"batches of {length}"), draw(setting.generator(f"test of {length}"), TEST, length)
    optimizer = torch.optim.Adam(model.parameters(), lr)
    accuracy = 0.0
    for step in range(1, budget + 1):
        sequences = draw(stream, batch, length).to(setting.device)
        update(model, optimizer, sequences.inputs, sequences.labels)
        if step % LOOK == 0 or step == budget:
            accuracy = setting.score(model, test)["accuracy"]
            if accuracy >= SOLVED:
                return step, accuracy
    return budget, accuracy


def update(model: nn.Module, optimizer: torch.optim.Optimizer, ids_BT: Tensor, labels_B: Tensor) -> None:
    """Take one step down the clipped gradient of the mean cross-entropy."""
    optimizer.zero_grad()
    F.cross_entropy(model(ids_BT), labels_B).backward()
    nn.utils.clip_grad_norm_(model.parameters(), CLIP)
    optimizer.step()


EXPERIMENT = Experiment(
    run=run,
    title="How far back a network remembers",
    outcomes={
        "longest": "{step}",
        "trained_steps": "{step}",
        "last_accuracy": "1",
        "parameters": "{parameter}",
    },
    metric_class="quality",
    directions={"longest": "higher", "trained_steps": "lower", "last_accuracy": "higher"},
    source="Hochreiter and Schmidhuber 1997, experiment 2",
)
