"""Two padded 3x3 convolutions (16 and 32 maps) on 1x28x28 images: article 004.

Article 004, section 4.1: a convolutional network as a class alone, without loss, optimiser, data set or loop. Its
layers fit images of 28 to 31 pixels, which it does not say; as printed a missing import stops it.

Input: x_BCHW, [B, 1, 28, 28], float. Output: logits_BK, [B, K]. Parameters: 206,922 with 10 classes.
"""

from __future__ import annotations

from torch import nn

from harness.models._base import DataSpec, Model
from harness.models._shape import require_shape
from harness.models._two_conv import TwoConv


def build(spec: DataSpec) -> nn.Module:
    """Return the network with fresh weights, drawn from torch's global stream.

    Raises:
        UsageError: the inputs are not 1x28x28.
    """
    require_shape(__name__, spec, MODEL)
    return TwoConv(channels=1, maps=16, features=32 * 7 * 7, classes=spec.classes)


MODEL = Model(
    build=build,
    input_shape=(1, 28, 28),
    parameters=206_922,
    article="004",
    section="4.1",
    repairs=(
        "1: the functional module is used but never imported; it is imported",
        "2: 1568 features fit images of 28 to 31 pixels, the image size is nowhere stated; images are 28x28",
        "neither loss nor optimiser nor a loop is given; the task has a loss, a recipe the rest",
    ),
    source="article 004; two convolutions with pooling, as in many introductions",
)
