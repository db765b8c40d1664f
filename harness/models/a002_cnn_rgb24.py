"""Two padded 3x3 convolutions (32 and 64 maps) on 3x24x24 images: article 002 as printed.

Article 002, section 4.1: a convolutional network without data set or training loop. Its first linear layer has the
width that 24x24 images leave (the usual crop of CIFAR-10), although nothing says so. Here the layers are left alone
and the data set gives 24x24 images.

Input: x_BCHW, [B, 3, 24, 24], float. Output: logits_BK, [B, K]. Parameters: 315,722 with 10 classes.
"""

from __future__ import annotations

from torch import nn

from harness.models._base import DataSpec, Model
from harness.models._shape import require_shape
from harness.models._two_conv import TwoConv


def build(spec: DataSpec) -> nn.Module:
    """Return the network with fresh weights, drawn from torch's global stream.

    Raises:
        UsageError: the inputs are not 3x24x24.
    """
    require_shape(__name__, spec, MODEL)
    return TwoConv(channels=3, maps=32, features=64 * 6 * 6, classes=spec.classes)


MODEL = Model(
    build=build,
    input_shape=(3, 24, 24),
    parameters=315_722,
    article="002",
    section="4.1",
    repairs=(
        "1: the functional module is used but never imported; it is imported",
        "2: 2304 features fit images of 24 to 27 pixels, the image size is nowhere stated; images are 24x24",
    ),
    source="article 002; two convolutions with pooling, as in many introductions",
)
