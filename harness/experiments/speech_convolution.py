"""Whether convolution serves for speech: a convolutional network against a perceptron with as many parameters on spectrograms.

The spectrograms are generated: gliding tones whose order is the class (data set `spectrograms`), 101 windows of 40 bands. Both
networks learn them for the same number of steps, each at its own best learning rate of RATES, chosen on a fifth of the
training split that no training sees.

- `cnn`: test accuracy of `p001_cnn_speech`, 143,968 parameters;
- `mlp`: of a perceptron with one hidden layer of 35, 141,795 parameters, 1.5 % fewer: 36 would be 1.3 % more.

Source: articles 001 (3.1) and 002 (3.1); Sainath and Parada 2015.
"""

from __future__ import annotations

import math

from torch import nn

from harness.experiments import Experiment, Setting
from harness.experiments._rates import best, train_at
from harness.models import DataSpec
from harness.options import check_count

RATES = (3e-4, 1e-3, 3e-3)
HIDDEN = 35


def run(setting: Setting, *, epochs: int = 4) -> dict[str, float | None]:
    """Return the test accuracies that the module's docstring defines.

    Args:
        setting: draws weights, batches and the samples held out.
        epochs: of batches of 32.

    Raises:
        UsageError: an option that is not allowed.
    """
    check_count("epochs", epochs, 1, 100_000)
    splits = setting.data("spectrograms")
    spec = setting.spec(splits)
    found: dict[str, float | None] = {}
    for name, build in {"cnn": lambda: setting.model("p001_cnn_speech", spec), "mlp": lambda: perceptron(spec)}.items():
        trained = train_at(setting, build, splits, RATES, epochs=epochs, batch_size=32)
        found[name] = setting.score(best(trained.values()).model, splits.test)["accuracy"]
        setting.report(len(found), 2)
    return found


def perceptron(spec: DataSpec) -> nn.Module:
    """Return a network of one hidden layer that sees a whole spectrogram at once."""
    return nn.Sequential(nn.Flatten(), nn.Linear(math.prod(spec.shape), HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, spec.classes))


EXPERIMENT = Experiment(
    run=run,
    title="Convolution for speech",
    outcomes={"cnn": "1", "mlp": "1"},
    source="Sainath and Parada 2015, Convolutional Neural Networks for Small-Footprint Keyword Spotting",
)
