"""Whether clipping the gradient keeps an exploding recurrent network from blowing up in training.

Two recurrent networks, tanh and ReLU, learn to tell the first of LENGTH symbols (see `recall_span`) by plain gradient descent.
Their recurrent weights start as a random orthogonal matrix times `gain`, so that a gradient may grow by that factor at each
step back. Each is trained twice by the harness's own loop, from the same weights on the same batches: with the gradient as it
is (`raw`), and with its norm clipped to 1 (`clipped`).

- `stable_<network>_<arm>`: 1 if all losses were finite and those of the last LAST steps have a mean below BLOWN times the
  loss of guessing, ln SYMBOLS; else 0. Whether anything was learnt is another question.
- `loss_<network>_<arm>`: that mean over ln SYMBOLS, at most WORST, which also stands for a loss that was not finite.

Source: Pascanu, Mikolov and Bengio, "On the difficulty of training recurrent neural networks", 2013.
"""

from __future__ import annotations

import math

from torch import nn

from harness.experiments import Experiment, Setting
from harness.models import DataSpec
from harness.models._recurrent import Recurrent
from harness.options import check_count, check_real
from harness.train import DivergedError

LENGTH, SYMBOLS, VOCABULARY = 50, 8, 12
LAST, BLOWN, WORST = 20, 2.0, 1000.0
LIMITS = {"raw": None, "clipped": 1.0}


def run(setting: Setting, *, gain: float = 1.5, lr: float = 0.1, steps: int = 150, hidden: int = 32) -> dict[str, float | None]:
    """Return what the module's docstring defines.

    Args:
        setting: decides weights and the order of the sequences.
        gain: of the recurrent weights at the start.
        lr: learning rate of plain gradient descent.
        steps: of training.
        hidden: width of states and of embeddings.

    Raises:
        UsageError: an option that is not allowed.
    """
    check_real("gain", gain, 0, 100)
    check_real("lr", lr, 1e-9, 100)
    check_count("steps", steps, LAST, 1_000_000)
    splits = setting.data("recall", length=LENGTH, classes=SYMBOLS, vocabulary=VOCABULARY, train_samples=10_000)
    found: dict[str, float | None] = {}
    for name in ("tanh", "relu"):
        for arm, limit in LIMITS.items():
            model = build(setting, name, setting.spec(splits), hidden, gain)
            try:
                losses = setting.train(
                    model, splits, steps=steps, batch_size=32, optimizer="sgd", lr=lr, clip_norm=limit
                ).losses
                ratio = min(float(losses[-LAST:].mean()) / math.log(SYMBOLS), WORST)
            except DivergedError:
                ratio = WORST
            found[f"stable_{name}_{arm}"], found[f"loss_{name}_{arm}"] = float(ratio < BLOWN), ratio
    return found


def build(setting: Setting, name: str, spec: DataSpec, hidden: int, gain: float) -> Recurrent:
    """Return a tanh or ReLU network whose recurrent weights are orthogonal times `gain`."""
    if name == "tanh":
        model = setting.model("p000_rnn", spec, hidden=hidden, embedding=hidden)
    else:
        model = setting.model("p001_rnn_relu", spec, hidden=hidden, embedding=hidden)
    assert isinstance(model, Recurrent)
    nn.init.orthogonal_(model.recurrent.get_parameter("weight_hh_l0"), gain)
    return model


EXPERIMENT = Experiment(
    run=run,
    title="Clipping an exploding network's gradient",
    outcomes={
        "stable_tanh_raw": "1",
        "stable_tanh_clipped": "1",
        "stable_relu_raw": "1",
        "stable_relu_clipped": "1",
        "loss_tanh_raw": "1",
        "loss_tanh_clipped": "1",
        "loss_relu_raw": "1",
        "loss_relu_clipped": "1",
    },
    metric_class="quality",
    directions={
        "stable_tanh_raw": "higher",
        "stable_tanh_clipped": "higher",
        "stable_relu_raw": "higher",
        "stable_relu_clipped": "higher",
        "loss_tanh_raw": "lower",
        "loss_tanh_clipped": "lower",
        "loss_relu_raw": "lower",
        "loss_relu_clipped": "lower",
    },
    source="Pascanu, Mikolov and Bengio 2013",
)
