"""What pooling saves in time: CPU seconds of article 001's network on 28x28 pixels without, with one and with both poolings.

- `forward_<poolings>`: CPU seconds of a forward pass of a batch, per picture; poolings is none, one or two.
- `step_<poolings>`: likewise of a forward and a backward pass.

Each is the median over `repeats` measurements. The networks take turns, so that what slows the machine down for a while slows
all of them, and a measurement is of the process's own CPU time, which the time of others is no part of.

Source: articles 001 (3.1) and 004 (3.2.2).
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from harness.experiments import Experiment, Setting
from harness.experiments._cpu_time import cpu_seconds
from harness.experiments._digit_nets import ARTICLE_001, Article001Net
from harness.options import check_count

BATCH = 64


def run(setting: Setting, *, repeats: int = 9) -> dict[str, float | None]:
    """Return the times that the module's docstring defines.

    Args:
        setting: draws weights and pictures.
        repeats: measurements of each, at least 5.

    Raises:
        UsageError: an option that is not allowed.
    """
    check_count("repeats", repeats, 5, 10_000)
    stream = setting.generator("inputs")
    x_BCHW = torch.rand(BATCH, 1, 28, 28, generator=stream)
    labels_B = torch.randint(10, (BATCH,), generator=stream)
    networks = {poolings: Article001Net(*places) for poolings, places in ARTICLE_001.items()}
    timed = {
        f"{name}_{poolings}": action
        for poolings, network in networks.items()
        for name, action in actions(network, x_BCHW, labels_B).items()
    }
    return {name: seconds / BATCH for name, seconds in cpu_seconds(timed, repeats).items()}


def actions(network: nn.Module, x_BCHW: Tensor, labels_B: Tensor) -> dict[str, Callable[[], object]]:
    """Return what is timed."""

    def forward() -> Tensor:
        with torch.no_grad():
            logits_BK: Tensor = network(x_BCHW)
        return logits_BK

    def step() -> None:
        network.zero_grad()
        F.cross_entropy(network(x_BCHW), labels_B).backward()

    return {"forward": forward, "step": step}


EXPERIMENT = Experiment(
    run=run,
    title="What pooling saves in time",
    outcomes={
        "forward_none": "s",
        "forward_one": "s",
        "forward_two": "s",
        "step_none": "s",
        "step_one": "s",
        "step_two": "s",
    },
    metric_class="machine",
    source="articles 001 (3.1) and 004 (3.2.2)",
)
