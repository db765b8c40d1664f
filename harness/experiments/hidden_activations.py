"""tanh against ReLU as the activation of a recurrent network's hidden state: accuracy, and learning rates that it bears.

A recurrent layer of `hidden` units reads digits row by row, 28 steps, and its last state is classified. Three networks: tanh,
ReLU from torch's own weights, and ReLU from the identity (`irnn`).

- `accuracy_<network>`: on the test split after `epochs` epochs of Adam at rate `lr`, the gradient as it is.
- `relu_gain`, `irnn_gain`: that accuracy less tanh's.
- `rates_<network>`: of the learning rates in RATES (gradient descent with momentum 0.9, RATE_EPOCHS epochs), how many it
  bears: all losses finite, and an accuracy above BORNE, twice that of guessing. At a rate too small to learn at, it does not.
- `relu_lost`, `irnn_lost`: how many fewer than tanh.

Source: Le, Jaitly and Hinton, "A simple way to initialize recurrent networks of rectified linear units", 2015.
"""

from __future__ import annotations

from torch import nn

from harness.data import Splits
from harness.experiments import Experiment, Setting
from harness.models import DataSpec
from harness.options import check_count, check_real
from harness.train import DivergedError

NETWORKS = ("tanh", "relu", "irnn")
RATES = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0)
RATE_EPOCHS, BORNE = 3, 0.2


def run(setting: Setting, *, epochs: int = 10, lr: float = 3e-3, hidden: int = 64) -> dict[str, float | None]:
    """Return what the module's docstring defines.

    Args:
        setting: decides weights and the order of the digits.
        epochs: of Adam.
        lr: learning rate of Adam.
        hidden: width of the state.

    Raises:
        UsageError: an option that is not allowed.
    """
    check_count("epochs", epochs, 1, 1000)
    check_real("lr", lr, 1e-9, 100)
    splits = setting.data("digit_rows")
    spec = setting.spec(splits)
    accuracy: dict[str, float] = {}
    rates: dict[str, int] = {}
    for number, name in enumerate(NETWORKS, 1):
        model = build(setting, name, spec, hidden)
        setting.train(model, splits, epochs=epochs, lr=lr)
        accuracy[name] = setting.score(model, splits.test)["accuracy"]
        rates[name] = sum(bears(setting, build(setting, name, spec, hidden), splits, rate) for rate in RATES)
        setting.report(number, len(NETWORKS))
    found: dict[str, float | None] = {f"accuracy_{name}": value for name, value in accuracy.items()}
    found |= {f"rates_{name}": count for name, count in rates.items()}
    for name in ("relu", "irnn"):
        found[f"{name}_gain"] = accuracy[name] - accuracy["tanh"]
        found[f"{name}_lost"] = rates["tanh"] - rates[name]
    return found


def build(setting: Setting, name: str, spec: DataSpec, hidden: int) -> nn.Module:
    """Return one of NETWORKS with fresh weights."""
    if name == "tanh":
        return setting.model("p000_rnn", spec, hidden=hidden)
    return setting.model("p001_rnn_relu", spec, hidden=hidden, init="identity" if name == "irnn" else "default")


def bears(setting: Setting, model: nn.Module, splits: Splits, rate: float) -> bool:
    """Return whether a network learns something at a learning rate."""
    try:
        setting.train(model, splits, epochs=RATE_EPOCHS, optimizer="sgd", lr=rate, momentum=0.9)
    except DivergedError:
        return False
    return setting.score(model, splits.test)["accuracy"] > BORNE


EXPERIMENT = Experiment(
    run=run,
    title="tanh and ReLU as the activation of a hidden state",
    outcomes={
        "accuracy_tanh": "1",
        "accuracy_relu": "1",
        "accuracy_irnn": "1",
        "relu_gain": "1",
        "irnn_gain": "1",
        "rates_tanh": "1",
        "rates_relu": "1",
        "rates_irnn": "1",
        "relu_lost": "1",
        "irnn_lost": "1",
    },
    metric_class="quality",
    directions={
        "accuracy_tanh": "higher",
        "accuracy_relu": "higher",
        "accuracy_irnn": "higher",
        "relu_gain": "higher",
        "irnn_gain": "higher",
        "rates_tanh": "higher",
        "rates_relu": "higher",
        "rates_irnn": "higher",
        "relu_lost": "lower",
        "irnn_lost": "lower",
    },
    source="Le, Jaitly and Hinton 2015",
)
