"""Gradients over time steps of recurrent networks that have learnt: does training itself open the way back?

A fresh network learns to tell the first of LENGTH symbols, as in `recall_span`: Adam, a clipped gradient, new sequences in
every step, until SOLVED of the test sequences are told right, so that networks are compared which know their task equally
well and not ones that have taken equally many steps. A training that has not got there after `budget` steps is stuck, and is
begun again with the weights and the sequences of another seed, at most ATTEMPTS times in all; if all get stuck, the numbers
are the last one's, which its accuracy then shows.

- `slope_<network>`: on the test sequences, the least-squares slope of ln‖dL/dx_t‖ against T − t, where x_t is what the
  recurrent layer reads at step t and L the mean cross-entropy: as in `gradients_over_time`, below 0 the gradient vanishes on
  its way back, above 0 it grows. `fresh_<network>`: the same before the first training.
- `accuracy_<network>`, `steps_<network>`: on the test sequences when the training ended, and the steps that it took;
  `attempts_<network>`: trainings begun, this one included.

`lstm_open` is an LSTM whose forget gates start with a bias of 1.

Source: Bengio, Simard and Frasconi, "Learning long-term dependencies with gradient descent is difficult", 1994; the forget
gate's bias: Jozefowicz, Zaremba and Sutskever, "An empirical exploration of recurrent network architectures", 2015.

Shape suffixes: B batch, T steps, F features of a step, H hidden width.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F

from harness.data import Split
from harness.experiments import Experiment, Setting
from harness.experiments.gradients_over_time import slope
from harness.experiments.recall_span import SOLVED, SYMBOLS, TEST, draw, learn
from harness.models import DataSpec
from harness.models._recurrent import Recurrent
from harness.options import check_count, check_real
from harness.vocabulary import SPECIAL

LENGTH, BATCH = 10, 32
ATTEMPTS, SEEDS_APART = 6, 1_000_000
NETWORKS = ("tanh", "lstm", "lstm_open", "gru")


def run(setting: Setting, *, lr: float = 1e-2, budget: int = 800, hidden: int = 32) -> dict[str, float | None]:
    """Return what the module's docstring defines.

    Args:
        setting: decides weights and sequences.
        lr: learning rate of Adam.
        budget: steps at most of each training.
        hidden: width of states and of embeddings.

    Raises:
        UsageError: an option that is not allowed.
    """
    check_real("lr", lr, 1e-6, 10)
    check_count("budget", budget, 1, 1_000_000)
    found: dict[str, float | None] = {}
    for number, name in enumerate(NETWORKS, 1):
        found[f"fresh_{name}"] = gradient_slope(build(setting, name, task(), hidden), unseen(setting))
        told = learned(setting, name, lr=lr, budget=budget, hidden=hidden)
        found |= {f"{what}_{name}": value for what, value in told.items()}
        setting.report(number, len(NETWORKS))
    return found


def task() -> DataSpec:
    """Return what a network has to know of the sequences."""
    return DataSpec((LENGTH,), SYMBOLS, (SYMBOLS + len(SPECIAL),))


def unseen(setting: Setting) -> Split:
    """Return the sequences that decide when a task is solved."""
    return draw(setting.generator(f"test of {LENGTH}"), TEST, LENGTH)


def learned(setting: Setting, name: str, *, lr: float, budget: int, hidden: int) -> dict[str, float]:
    """Train a network, again from other weights while it gets stuck; return slope, accuracy, steps and attempts."""
    for attempt in range(ATTEMPTS):
        begun = Setting(setting.seed + attempt * SEEDS_APART, device=setting.device)
        model = build(begun, name, task(), hidden)
        steps, accuracy = learn(begun, model, LENGTH, lr=lr, budget=budget, batch=BATCH)
        if accuracy >= SOLVED:
            break
    slope_of_last = gradient_slope(model, unseen(begun))
    return {"slope": slope_of_last, "accuracy": accuracy, "steps": steps, "attempts": attempt + 1}


def build(setting: Setting, name: str, spec: DataSpec, hidden: int) -> Recurrent:
    """Return one of NETWORKS with fresh weights."""
    if name == "tanh":
        model = setting.model("p000_rnn", spec, hidden=hidden, embedding=hidden)
    elif name == "gru":
        model = setting.model("p004_gru", spec, hidden=hidden, embedding=hidden)
    else:
        model = setting.model("p004_lstm", spec, hidden=hidden, embedding=hidden, forget_bias=float(name == "lstm_open"))
    assert isinstance(model, Recurrent)
    return model


def gradient_slope(model: Recurrent, split: Split) -> float:
    """Return the slope of ln‖dL/dx_t‖ against T − t over a split's sequences."""
    x_BTF = model.steps(split.inputs.to(model.fc.weight.device))[0].detach().requires_grad_()
    logits_BK = model.fc(model.recurrent(x_BTF)[0][:, -1])
    loss = F.cross_entropy(logits_BK, split.labels.to(logits_BK.device))
    (gradient_BTF,) = torch.autograd.grad(loss, x_BTF)
    norms_T = gradient_BTF.double().norm(dim=(0, 2)).cpu().numpy()
    return slope(np.arange(len(norms_T))[::-1], np.log(norms_T))


EXPERIMENT = Experiment(
    run=run,
    title="Gradients over time steps, after training",
    outcomes={
        "fresh_tanh": "1",
        "slope_tanh": "1",
        "accuracy_tanh": "1",
        "steps_tanh": "{step}",
        "attempts_tanh": "{attempt}",
        "fresh_lstm": "1",
        "slope_lstm": "1",
        "accuracy_lstm": "1",
        "steps_lstm": "{step}",
        "attempts_lstm": "{attempt}",
        "fresh_lstm_open": "1",
        "slope_lstm_open": "1",
        "accuracy_lstm_open": "1",
        "steps_lstm_open": "{step}",
        "attempts_lstm_open": "{attempt}",
        "fresh_gru": "1",
        "slope_gru": "1",
        "accuracy_gru": "1",
        "steps_gru": "{step}",
        "attempts_gru": "{attempt}",
    },
    metric_class="quality",
    source="Bengio, Simard and Frasconi 1994; Jozefowicz, Zaremba and Sutskever 2015",
)
