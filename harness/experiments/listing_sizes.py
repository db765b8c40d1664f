"""How many parameters the networks of the articles' twelve listings have, and what the articles call a large model.

Sizes that a listing leaves open are the catalogue's defaults. The GAN's two networks, which its listing does not give, are
those of a DCGAN.

- `listings`, and `listings_of_a_million`: those with at least 1,000,000 trainable parameters.
- `fewest_parameters`, `median_parameters`, `most_parameters`: over the listings.
- `lowest_threshold`, `highest_threshold`: the least size of a large model, by the definition that asks for fewest parameters
  and by the one that asks for most.

Source: articles 000 (sections 1, 2 and 4), 001 (4), 002 (4), 003 (1, 2.1 and 5.2) and 004 (4).
"""

from __future__ import annotations

from statistics import median

from torch import nn

from harness.experiments import Experiment, Setting
from harness.models import DataSpec

MILLION = 1_000_000
THRESHOLDS = {"000, sections 1 and 2": 10**6, "003, section 1": 10**8, "003, section 2.1": 10**8}
"""Where the articles say from how many parameters on a model is large."""


def run(setting: Setting) -> dict[str, float | None]:
    """Return the sizes."""
    sizes = [parameters(model) for model in listed(setting)]
    return {
        "listings": len(sizes),
        "listings_of_a_million": sum(size >= MILLION for size in sizes),
        "fewest_parameters": min(sizes),
        "median_parameters": median(sizes),
        "most_parameters": max(sizes),
        "lowest_threshold": min(THRESHOLDS.values()),
        "highest_threshold": max(THRESHOLDS.values()),
    }


def listed(setting: Setting) -> list[nn.Module]:
    """Return the listings' networks, on inputs that they are written for and ten classes."""
    grey, rows, vectors = DataSpec((1, 28, 28), 10), DataSpec((28, 28), 10), DataSpec((20, 100), 10)
    return [
        setting.model("a000_lenet_rgb", DataSpec((3, 32, 32), 10)),
        setting.model("a001_cnn_onepool", grey),
        setting.model("a001_rnn", rows),
        setting.model("a002_cnn_rgb24", DataSpec((3, 24, 24), 10)),
        setting.model("a002_lstm", vectors),
        setting.model("a002_attention", vectors),
        setting.model("a002_transformer_lstm", DataSpec((20,), 10, (100,))),
        setting.model("a003_keras_cnn", grey),
        setting.model("a004_cnn", grey),
        setting.model("a004_rnn", rows),
        setting.model("a004_nlp_lstm", DataSpec((20,), 10, (5000,))),
        setting.model("a004_gan", grey),
    ]


def parameters(model: nn.Module) -> int:
    """Return the trainable parameters of a network."""
    return sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)


EXPERIMENT = Experiment(
    run=run,
    title="Sizes of the listings' networks",
    outcomes={
        "listings": "{listing}",
        "listings_of_a_million": "{listing}",
        "fewest_parameters": "{parameter}",
        "median_parameters": "{parameter}",
        "most_parameters": "{parameter}",
        "lowest_threshold": "{parameter}",
        "highest_threshold": "{parameter}",
    },
    metric_class="exact",
    source="articles 000 to 004",
)
