"""What scaling pixels does for training: numbers of 0 to 255 as stored, from 0 to 1, and standardised.

One of the articles' networks learns the digits, enlarged to 28x28, with SGD with momentum and with Adam.

- `<optimiser>_<scale>`: test accuracy at the scale's own best rate of those in RATES, chosen on a fifth of the training split
  that no training sees. Scaling the input by a factor is scaling the step of the first layer's weights by its square, so that
  at one rate for all that rate would decide which scale wins.
- `<optimiser>_<scale>_rate`: that rate.
- `<optimiser>_<scale>_article`: test accuracy at the rate that the articles print: article 000 trains by SGD at 0.001 with
  momentum 0.9, article 003 by Adam as Keras makes it, at 0.001.

Source: article 003 (3.2): data are cleaned and normalised first; LeCun et al., "Efficient BackProp", 1998, section 4.3.
"""

from __future__ import annotations

from typing import Any

from harness.data import Splits
from harness.experiments import Experiment, Setting
from harness.experiments._rates import best, train_at
from harness.experiments._setting import OptimizerName
from harness.models import DataSpec
from harness.options import check_choice, check_count

NETWORKS = ("a000_lenet_gray28", "a003_keras_cnn", "a004_cnn")
SCALES = ("raw", "unit", "standard")
RATES: dict[OptimizerName, dict[str, tuple[float, ...]]] = {
    "sgd": {"raw": (1e-4, 3e-4, 1e-3, 3e-3), "unit": (1e-3, 1e-2, 3e-2, 1e-1), "standard": (1e-3, 1e-2, 3e-2, 1e-1)},
    "adam": {"raw": (1e-4, 3e-4, 1e-3, 3e-3), "unit": (1e-3, 3e-3, 1e-2, 3e-2), "standard": (1e-3, 3e-3, 1e-2, 3e-2)},
}
"""Learning rates that each scale may have, four for each: around the best that a pilot with other seeds found on held-out
digits, wide enough that a best one seldom lies at an end, and the articles' own."""
ARTICLE = 1e-3
MOMENTUM = 0.9


def run(setting: Setting, *, network: str = "a000_lenet_gray28", epochs: int = 5) -> dict[str, float | None]:
    """Return the accuracies and rates that the module's docstring defines.

    Args:
        setting: draws weights, batches and the samples held out.
        network: one of the articles' that takes 28x28 pixels.
        epochs: of batches of 32.

    Raises:
        UsageError: an option that is not allowed.
    """
    check_choice("network", network, NETWORKS)
    check_count("epochs", epochs, 1, 100_000)
    found: dict[str, float | None] = {}
    for scale in SCALES:
        splits = setting.data("digits", shape=(1, 28, 28), scale=scale)
        for optimizer in RATES:
            found |= compare(setting, splits, network, epochs, optimizer, scale)
            setting.report(len(found), 18)
    return found


def compare(
    setting: Setting, splits: Splits, network: str, epochs: int, optimizer: OptimizerName, scale: str
) -> dict[str, float | None]:
    """Return one scale's outcomes with one optimiser."""
    spec: DataSpec = setting.spec(splits)
    recipe: dict[str, Any] = {"optimizer": optimizer, "epochs": epochs, "batch_size": 32}
    if optimizer == "sgd":
        recipe["momentum"] = MOMENTUM
    trained = train_at(setting, lambda: setting.model(network, spec), splits, RATES[optimizer][scale], **recipe)
    chosen, articles = best(trained.values()), trained[ARTICLE]
    name = f"{optimizer}_{scale}"
    return {
        name: setting.score(chosen.model, splits.test)["accuracy"],
        f"{name}_rate": chosen.lr,
        f"{name}_article": setting.score(articles.model, splits.test)["accuracy"],
    }


EXPERIMENT = Experiment(
    run=run,
    title="Scaling of the inputs",
    outcomes={
        "sgd_raw": "1",
        "sgd_raw_rate": "1",
        "sgd_raw_article": "1",
        "sgd_unit": "1",
        "sgd_unit_rate": "1",
        "sgd_unit_article": "1",
        "sgd_standard": "1",
        "sgd_standard_rate": "1",
        "sgd_standard_article": "1",
        "adam_raw": "1",
        "adam_raw_rate": "1",
        "adam_raw_article": "1",
        "adam_unit": "1",
        "adam_unit_rate": "1",
        "adam_unit_article": "1",
        "adam_standard": "1",
        "adam_standard_rate": "1",
        "adam_standard_article": "1",
    },
    source="LeCun, Bottou, Orr and Müller 1998, Efficient BackProp, section 4.3",
)
