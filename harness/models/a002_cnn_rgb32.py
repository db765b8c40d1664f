"""Two padded 3x3 convolutions (32 and 64 maps) on 3x32x32 images: article 002 fitted to CIFAR-10.

Article 002, section 4.1: a convolutional network without data set or training loop. Its first linear layer has the
width that 24x24 images leave. Here that layer takes the 64 · 8 · 8 = 4,096 features of a whole 32x32 image.

Input: x_BCHW, [B, 3, 32, 32], float. Output: logits_BK, [B, K]. Parameters: 545,098 with 10 classes.
"""

from __future__ import annotations

from torch import nn

from harness.models._base import DataSpec, Model
from harness.models._shape import require_shape
from harness.models._two_conv import TwoConv


def build(spec: DataSpec) -> nn.Module:
    """Return the network with fresh weights, drawn from torch's global stream.

    Raises:
        UsageError: the inputs are not 3x32x32.
    """
    require_shape(__name__, spec, MODEL)
    return TwoConv(channels=3, maps=32, features=64 * 8 * 8, classes=spec.classes)


MODEL = Model(
    build=build,
    input_shape=(3, 32, 32),
    parameters=545_098,
    article="002",
    section="4.1",
    repairs=(
        "1: the functional module is used but never imported; it is imported",
        "2: 32x32 leaves 4096 features where 2304 are wanted; the first linear layer takes 4096",
    ),
    source="article 002; two convolutions with pooling, as in many introductions",
)
