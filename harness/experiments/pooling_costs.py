"""What pooling saves: parameters, operations and values, counted on article 001's network.

Its two convolutions (6 and 16 maps of 5x5) see a picture of 28x28 pixels, with no pooling, with the second 2x2 max pooling
alone (as the article's forward pass is printed), and with both (as its text describes it); then come its three linear layers.
For `average_`, the mean of each map and one linear layer come instead.

- `parameters_<poolings>`, `average_parameters_<poolings>`: trainable parameters; poolings is none, one or two.
- `flops_<poolings>`, `average_flops_<poolings>`: operations of a forward pass of one picture in convolutions and matrix
  products, counted while it runs; a multiply-add counts 2.
- `values_before`, `values_after`: values in the first convolution's maps before and after one 2x2 pooling.

Source: articles 001 (3.1, 4.1), 002 (3.1) and 004 (3.2.2).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from harness.experiments import Experiment, Setting
from harness.experiments._digit_nets import ARTICLE_001, Article001Net
from harness.probes.flops import count_flops


def run(setting: Setting) -> dict[str, float | None]:
    """Return the counts that the module's docstring defines; none of them depends on the seed."""
    picture_BCHW = torch.zeros(1, 1, 28, 28)
    found: dict[str, float | None] = {}
    for poolings, places in ARTICLE_001.items():
        for prefix, global_average in (("", False), ("average_", True)):
            network = Article001Net(*places, global_average=global_average)
            found[f"{prefix}parameters_{poolings}"] = count_parameters(network)
            found[f"{prefix}flops_{poolings}"] = operations(network, picture_BCHW)
    maps = Article001Net(*ARTICLE_001["none"]).maps[0](picture_BCHW)
    return found | {"values_before": maps.numel(), "values_after": F.max_pool2d(maps, 2).numel()}


def count_parameters(network: nn.Module) -> int:
    """Return the number of trainable parameters."""
    return sum(parameter.numel() for parameter in network.parameters() if parameter.requires_grad)


@torch.no_grad()
def operations(network: nn.Module, picture_BCHW: torch.Tensor) -> int:
    """Return the floating-point operations of a forward pass."""
    return count_flops(lambda: network(picture_BCHW))


EXPERIMENT = Experiment(
    run=run,
    title="What pooling saves",
    outcomes={
        "parameters_none": "{parameter}",
        "parameters_one": "{parameter}",
        "parameters_two": "{parameter}",
        "average_parameters_none": "{parameter}",
        "average_parameters_one": "{parameter}",
        "average_parameters_two": "{parameter}",
        "flops_none": "{flop}",
        "flops_one": "{flop}",
        "flops_two": "{flop}",
        "average_flops_none": "{flop}",
        "average_flops_one": "{flop}",
        "average_flops_two": "{flop}",
        "values_before": "1",
        "values_after": "1",
    },
    metric_class="exact",
    source="article 001 (4.1); LeCun et al. 1998",
)
