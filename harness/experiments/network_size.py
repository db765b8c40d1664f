"""What a network of a given width and depth learns, of four families, each at its best learning rate.

- `test_accuracy`, `train_accuracy`: after `steps` steps, on the test split and on the samples that it learned from.
- `generalisation_gap`: train_accuracy − test_accuracy.
- `shifted_accuracy`: on test images moved by up to one of their sixteen pixels along either side, with noise of standard
  deviation 0.2 of full scale; null for other families than `mlp`.
- `size`: trainable parameters; `learning_rate`: the one chosen.

Families: `mlp` (a multilayer perceptron; width: of its hidden layers) on handwritten digits enlarged to 16x16 pixels; `cnn`
(the two convolutions of articles 002 and 004; width: maps of the first) on the digits' own 8x8; `lstm` (article 004's text
classifier; width: of embedding and state) and `transformer` (an encoder; width: of a step's vector) on generated texts of ten
symbols by Markov chains. A fifth of the training split is held out; the learning rate that does best on it is taken, of
RATES. Adam, batches of 64.
"""

from __future__ import annotations

import torch
from torch import nn

from harness.data import Split, Splits
from harness.experiments import Experiment, Setting
from harness.experiments._distortions import shifted
from harness.experiments._rates import HELD_OUT, best, train_at
from harness.models import DataSpec
from harness.models._two_conv import TwoConv
from harness.options import check_choice, check_count, refuse
from harness.train import hold_out

RATES: dict[str, tuple[float, ...]] = {
    "mlp": (3e-3, 1e-2),
    "cnn": (3e-3, 1e-2),
    "lstm": (1e-2, 3e-2),
    "transformer": (1e-2, 3e-2),
}
"""Family -> learning rates tried. On other seeds than the suite's, of 0.001, 0.003, 0.01, 0.03 and 0.1, one of the two did
best at the narrowest width and at the widest, to within half a point."""
SHIFT_PIXELS, NOISE = 1, 0.2


def run(
    setting: Setting, *, family: str = "mlp", width: int = 128, layers: int = 1, steps: int = 400
) -> dict[str, float | None]:
    """Return what the network learned.

    Args:
        setting: first weights, batches, the held-out samples and the shifts are drawn from it.
        family: mlp, cnn, lstm or transformer.
        width: as the module's docstring says for each family; of a transformer a multiple of 4, its heads.
        layers: hidden, recurrent or encoder layers; a cnn has one form.
        steps: of training.

    Raises:
        UsageError: an option that is not allowed.
    """
    check_choice("family", family, tuple(RATES))
    check_count("width", width, 1, 4096)
    check_count("layers", layers, 1, 16)
    check_count("steps", steps, 1, 1_000_000)
    if family == "cnn" and layers != 1:
        refuse("layers", layers, "a cnn has one form here; allowed: 1")
    splits = samples(setting, family)
    spec = setting.spec(splits)
    trained = train_at(setting, lambda: build(setting, family, spec, width, layers), splits, RATES[family], steps=steps)
    chosen = best(trained.values())
    learned_from, _ = hold_out(splits, HELD_OUT, setting.seed)
    test, train = (setting.score(chosen.model, split)["accuracy"] for split in (splits.test, learned_from))
    return {
        "test_accuracy": test,
        "train_accuracy": train,
        "generalisation_gap": train - test,
        "shifted_accuracy": accuracy_when_shifted(setting, chosen.model, splits.test) if family == "mlp" else None,
        "size": sum(parameter.numel() for parameter in chosen.model.parameters()),
        "learning_rate": chosen.lr,
    }


def samples(setting: Setting, family: str) -> Splits:
    """Return what a family learns from."""
    match family:
        case "mlp":
            return setting.data("digits", shape=(1, 16, 16), scale="unit")
        case "cnn":
            return setting.data("digits", scale="unit")
        case _:
            return setting.data("markov", train_samples=1250, length=10, pad="left")


def build(setting: Setting, family: str, spec: DataSpec, width: int, layers: int) -> nn.Module:
    """Return a network with the first weights of the setting's seed."""
    match family:
        case "mlp":
            return setting.model("p003_mlp", spec, hidden=width, layers=layers)
        case "lstm":
            return setting.model("a004_nlp_lstm", spec, embedding=width, hidden=width, layers=layers)
        case "transformer":
            return setting.model("p002_transformer_encoder", spec, width=width, ff=2 * width, layers=layers, dropout=0.0)
        case _:
            setting.seed_globals()
            height, breadth = spec.shape[1] // 4, spec.shape[2] // 4  # after two poolings
            return TwoConv(spec.shape[0], width, 2 * width * height * breadth, spec.classes).to(setting.device)


def accuracy_when_shifted(setting: Setting, model: nn.Module, test: Split) -> float:
    """Return the accuracy on the test images, moved and with noise; the same ones for every network of a seed."""
    stream = setting.generator("shifts")
    moved_NCHW = shifted(test.inputs, SHIFT_PIXELS, stream)
    noise_NCHW = NOISE * torch.randn(moved_NCHW.shape, generator=stream)
    return setting.score(model, Split(moved_NCHW + noise_NCHW, test.labels))["accuracy"]


EXPERIMENT = Experiment(
    run=run,
    title="What a network of some size learns",
    outcomes={
        "test_accuracy": "1",
        "train_accuracy": "1",
        "generalisation_gap": "1",
        "shifted_accuracy": "1",
        "size": "{parameter}",
        "learning_rate": "1",
    },
    metric_class="quality",
    directions={
        "test_accuracy": "higher",
        "train_accuracy": "higher",
        "generalisation_gap": "lower",
        "shifted_accuracy": "higher",
    },
    source="articles 000 (section 6), 003 (sections 3.1 and 10.1) and 004 (section 6)",
)
