"""What a sample costs a network by its width: to learn from and to tell the class of.

Multilayer perceptrons with one hidden layer on random images of 28x28, batches of 64. `train_seconds_<width>` is the CPU
time of a training step (forward, backward, Adam) divided by the batch, `infer_seconds_<width>` that of a forward pass. All
take turns, and the median over rounds is told, so that what disturbs the machine disturbs all.

Source: article 001, sections 1.2 and 6.1.2.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F

from harness.experiments import Experiment, Setting
from harness.experiments._cpu_time import cpu_seconds
from harness.models import DataSpec
from harness.options import check_count

WIDTHS = (64, 128, 256, 512, 1024)
BATCH = 64
STEPS = 5


def run(setting: Setting, *, rounds: int = 7) -> dict[str, float | None]:
    """Return the times that the module's docstring defines; null on a GPU, whose work the CPU's clock does not see.

    Args:
        setting: first weights and images are drawn from it.
        rounds: over all widths, after one that is not counted.

    Raises:
        UsageError: an option that is not allowed.
    """
    check_count("rounds", rounds, 1, 1000)
    actions: dict[str, Callable[[], None]] = {}
    for width in WIDTHS:
        actions[f"train_seconds_{width}"], actions[f"infer_seconds_{width}"] = steps_of(setting, width)
    if setting.device.type != "cpu":
        return dict.fromkeys(actions)
    return {name: seconds / (STEPS * BATCH) for name, seconds in cpu_seconds(actions, rounds).items()}


def steps_of(setting: Setting, width: int) -> tuple[Callable[[], None], Callable[[], None]]:
    """Return what takes STEPS training steps of a fresh network, and what takes as many forward passes."""
    stream = setting.generator("inputs")
    inputs = torch.rand(BATCH, 1, 28, 28, generator=stream).to(setting.device)
    labels = torch.randint(10, (BATCH,), generator=stream).to(setting.device)
    model = setting.model("p003_mlp", DataSpec((1, 28, 28), 10), hidden=width)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)

    def train() -> None:
        for _ in range(STEPS):
            F.cross_entropy(model(inputs), labels).backward()
            optimizer.step()
            optimizer.zero_grad()

    @torch.inference_mode()
    def infer() -> None:
        for _ in range(STEPS):
            model(inputs)

    return train, infer


EXPERIMENT = Experiment(
    run=run,
    title="Cost of a sample by width",
    outcomes={
        "train_seconds_64": "s",
        "train_seconds_128": "s",
        "train_seconds_256": "s",
        "train_seconds_512": "s",
        "train_seconds_1024": "s",
        "infer_seconds_64": "s",
        "infer_seconds_128": "s",
        "infer_seconds_256": "s",
        "infer_seconds_512": "s",
        "infer_seconds_1024": "s",
    },
    metric_class="machine",
    source="article 001, sections 1.2 and 6.1.2",
)
