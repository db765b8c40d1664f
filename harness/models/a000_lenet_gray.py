"""LeNet-5 on 1x32x32 images: article 000 with a first layer for one channel; its default repair.

Article 000, section 4: a convolutional network for MNIST with its training script. The layers want three channels
and 32x32 pixels, MNIST has one channel and 28x28. Here the first layer takes one channel, and the data set pads each
digit by two background pixels (before normalising, so that the border equals the background).

Input: x_BCHW, [B, 1, 32, 32], float. Output: logits_BK, [B, K]. Parameters: 61,706 with 10 classes.
"""

from __future__ import annotations

from torch import nn

from harness.models._base import DataSpec, Model
from harness.models._lenet import LeNet
from harness.models._shape import require_shape


def build(spec: DataSpec) -> nn.Module:
    """Return the network with fresh weights, drawn from torch's global stream.

    Raises:
        UsageError: the inputs are not 1x32x32.
    """
    require_shape(__name__, spec, MODEL)
    return LeNet(channels=1, features=16 * 5 * 5, classes=spec.classes)


MODEL = Model(
    build=build,
    input_shape=(1, 32, 32),
    parameters=61_706,
    article="000",
    section="4",
    repairs=(
        "1: the data set module is used but never imported; the harness loads the data",
        "2: the transforms module is used but never imported; the data set normalises",
        "3: the device is used but never set; the case's execution names it",
        "4: the functional module is used but never imported; it is imported",
        "5: the first layer wants three channels, MNIST has one; it takes one",
        "6: 28x28 leaves 256 features where 400 are wanted; the image is padded to 32x32 before it is normalised",
        "7: the test loss divides a sum of batch means by the number of samples; the task averages over samples",
        "8: the last, smaller batch weighs as much as a full one; losses are weighted by samples",
        "9: evaluating draws from the global random stream and changes the training; the task draws no random numbers",
        "10: accuracy is printed in whole per cent; it is stored as measured",
    ),
    source="LeNet-5 (LeCun et al. 1998)",
)
