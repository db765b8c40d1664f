"""Gradients over time steps of recurrent networks that have learnt: does training itself open the way back?

A fresh network learns to tell the first of LENGTH symbols (see `recall_span`) with the harness's own loop, Adam and a clipped
gradient, for `steps` steps. Then, on the test sequences, `slope_<network>` is the least-squares slope of ln‖dL/dx_t‖ against
T − t, where x_t is what the recurrent layer reads at step t and L the mean cross-entropy: as in `gradients_over_time`, below
0 the gradient vanishes on its way back, above 0 it grows. `fresh_<network>` is the same before training, `accuracy_<network>`
the accuracy after it. `lstm_open` is an LSTM whose forget gates start with a bias of 1.

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
from harness.models import DataSpec
from harness.models._recurrent import Recurrent
from harness.options import check_count, check_real

LENGTH, SYMBOLS, VOCABULARY = 10, 8, 12
TRAIN, TEST = 20_000, 500
NETWORKS = ("tanh", "lstm", "lstm_open", "gru")


def run(setting: Setting, *, steps: int = 400, lr: float = 1e-2, hidden: int = 32) -> dict[str, float | None]:
    """Return the slopes and accuracies that the module's docstring defines.

    Args:
        setting: decides weights and the order of the sequences.
        steps: of training.
        lr: learning rate of Adam.
        hidden: width of states and of embeddings.

    Raises:
        UsageError: an option that is not allowed.
    """
    check_count("steps", steps, 1, 1_000_000)
    check_real("lr", lr, 1e-6, 10)
    splits = setting.data(
        "recall", length=LENGTH, classes=SYMBOLS, vocabulary=VOCABULARY, train_samples=TRAIN, test_samples=TEST
    )
    found: dict[str, float | None] = {}
    for number, name in enumerate(NETWORKS, 1):
        model = build(setting, name, setting.spec(splits), hidden)
        found[f"fresh_{name}"] = gradient_slope(model, splits.test)
        setting.train(model, splits, steps=steps, batch_size=32, lr=lr, clip_norm=1.0)
        found[f"slope_{name}"] = gradient_slope(model, splits.test)
        found[f"accuracy_{name}"] = setting.score(model, splits.test)["accuracy"]
        setting.report(number, len(NETWORKS))
    return found


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
        "fresh_lstm": "1",
        "slope_lstm": "1",
        "accuracy_lstm": "1",
        "fresh_lstm_open": "1",
        "slope_lstm_open": "1",
        "accuracy_lstm_open": "1",
        "fresh_gru": "1",
        "slope_gru": "1",
        "accuracy_gru": "1",
    },
    metric_class="quality",
    source="Bengio, Simard and Frasconi 1994; Jozefowicz, Zaremba and Sutskever 2015",
)
