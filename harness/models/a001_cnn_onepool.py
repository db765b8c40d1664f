"""LeNet without its first pooling on 1x28x28 images: article 001's forward pass as printed.

Article 001, section 4.1: a convolutional network with a short training loop; no data set is named. The listing pools
once only, yet its first linear layer has the width of a network that pools twice: images of 18 or 19 pixels fit it.
Here the forward pass is left alone and that layer takes the 16 · 10 · 10 = 1,600 features that 28x28 leaves.

Input: x_BCHW, [B, 1, 28, 28], float. Output: logits_BK, [B, K]. Parameters: 205,706 with 10 classes.
"""

from __future__ import annotations

from torch import nn

from harness.models._base import DataSpec, Model
from harness.models._lenet import LeNet
from harness.models._shape import require_shape


def build(spec: DataSpec) -> nn.Module:
    """Return the network with fresh weights, drawn from torch's global stream.

    Raises:
        UsageError: the inputs are not 1x28x28.
    """
    require_shape(__name__, spec, MODEL)
    return LeNet(channels=1, features=16 * 10 * 10, classes=spec.classes, pool_first=False)


MODEL = Model(
    build=build,
    input_shape=(1, 28, 28),
    parameters=205_706,
    article="001",
    section="4.1",
    repairs=(
        "1: the inputs and labels are left as an ellipsis; the case names a data set",
        "2: an image's 1600 features are refolded into four rows of 400; the first linear layer takes 1600",
        "3: ten steps on the whole data are called epochs; a recipe says which (batch_size 'full' with steps 10, or batches)",
        "4: no seed is set and no training or evaluation mode; the harness sets both",
    ),
    source="LeNet-5 (LeCun et al. 1998) in the form of the PyTorch introduction to neural networks, first pooling left out",
)
