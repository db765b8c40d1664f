"""LeNet-5 on 1x32x32 images: article 001 with the first pooling put back.

Article 001, section 4.1: a convolutional network with a short training loop; no data set is named. The listing pools
once only, yet its first linear layer has the width of a network that pools twice, which is also what the steps listed
in section 3.1 describe. Here the first pooling is put back, and the data set gives 32x32 images.

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
    article="001",
    section="4.1",
    repairs=(
        "1: the inputs and labels are left as an ellipsis; the case names a data set",
        "2: without a first pooling 400 features fit images of 18 or 19 pixels; it is put back, and images are 32x32",
        "3: ten steps on the whole data are called epochs; a recipe says which (batch_size 'full' with steps 10, or batches)",
        "4: no seed is set and no training or evaluation mode; the harness sets both",
    ),
    source="LeNet-5 (LeCun et al. 1998) in the form of the PyTorch introduction to neural networks",
)
