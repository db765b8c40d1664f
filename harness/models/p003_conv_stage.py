"""One convolution, ReLU and pooling on 1x28x28 images, then a linear layer: the stage that article 003 works through.

Article 003, section 4.3: a 28x28 image, 6 filters of 5x5, ReLU and a 2x2 max pooling, which leave 6x12x12; no layer that
tells classes apart is given, so a linear one is added. The formulas of section 4.2 do not describe it: weights of F x K x K
lack the axis of the input's channels, and the gradient multiplies a 24x24 array with a 28x28 one element by element. The
gradient of the weights is the correlation of the input with the gradient of the maps; PyTorch's own is used.

Input: x_BCHW, [B, 1, 28, 28], float. Output: logits_BK, [B, K]. Parameters: 8,806 with 10 classes.

Shape suffixes: B batch, C channels, H height, W width, K classes.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from harness.models._base import DataSpec, Model
from harness.models._shape import require_shape


class ConvStage(nn.Module):
    """A convolution of 6 maps, ReLU, a pooling and a linear layer.

    Args:
        classes: width of the last layer.
    """

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 6, 5)
        self.fc = nn.Linear(6 * 12 * 12, classes)

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """Return the logits, [B, K]."""
        x_BCHW = F.relu(self.conv(x_BCHW))  # 6 x 24 x 24
        x_BCHW = F.max_pool2d(x_BCHW, 2)  # 6 x 12 x 12
        logits_BK: Tensor = self.fc(x_BCHW.flatten(1))  # 864
        return logits_BK


def build(spec: DataSpec) -> nn.Module:
    """Return the network with fresh weights, drawn from torch's global stream.

    Raises:
        UsageError: the inputs are not 1x28x28.
    """
    require_shape(__name__, spec, MODEL)
    return ConvStage(spec.classes)


MODEL = Model(
    build=build,
    input_shape=(1, 28, 28),
    parameters=8_806,
    article="003",
    section="4.3",
    repairs=(
        "4.2: the weights are given as F x K x K, without the axis of the input's channels; they are F x C x K x K",
        "4.2: the gradient multiplies arrays of unequal size element by element; it is a correlation with the input",
        "no layer follows the pooling; a linear one is added",
    ),
    source="LeCun et al. 1998, first stage",
)
