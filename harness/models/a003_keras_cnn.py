"""Three 3x3 convolutions (32, 64 and 64 maps) on 1x28x28 images: article 003's Keras network in PyTorch.

Article 003, section 5.2: a Keras network for MNIST that runs as printed. The port keeps layers and initial weights
(Glorot's uniform weights, zero biases) and returns logits: the softmax is part of the cross-entropy loss. Pixels are
scaled to 0 … 1 without standardising; Adam takes eps = 1e-7, batches hold 32 samples. Keras flattens height, width,
channel, PyTorch channel, height, width: with random first weights the order does not matter.

Input: x_BCHW, [B, 1, 28, 28], float. Output: logits_BK, [B, K]. Parameters: 93,322 with 10 classes.

Shape suffixes: B batch, C channels, H height, W width, F features, K classes.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from harness.models._base import DataSpec, Model
from harness.models._shape import require_shape


class KerasCnn(nn.Module):
    """Convolution and pooling twice, a third convolution, then two linear layers.

    Args:
        classes: width of the last layer.
    """

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 32, 3)
        self.conv2 = nn.Conv2d(32, 64, 3)
        self.conv3 = nn.Conv2d(64, 64, 3)
        self.fc1 = nn.Linear(64 * 3 * 3, 64)
        self.fc2 = nn.Linear(64, classes)
        self.apply(_initialise)

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """Return the logits, [B, K]."""
        x_BCHW = F.relu(self.conv1(x_BCHW))  # 32 x 26 x 26
        x_BCHW = F.max_pool2d(x_BCHW, 2)  # 32 x 13 x 13
        x_BCHW = F.relu(self.conv2(x_BCHW))  # 64 x 11 x 11
        x_BCHW = F.max_pool2d(x_BCHW, 2)  # 64 x 5 x 5: the last row and column are dropped
        x_BCHW = F.relu(self.conv3(x_BCHW))  # 64 x 3 x 3
        x_BF = x_BCHW.flatten(1)  # 576
        x_BF = F.relu(self.fc1(x_BF))
        logits_BK: Tensor = self.fc2(x_BF)
        return logits_BK


def _initialise(layer: nn.Module) -> None:
    """Give one layer the weights Keras starts from (Glorot and Bengio 2010, equation 16)."""
    if isinstance(layer, nn.Conv2d | nn.Linear):
        nn.init.xavier_uniform_(layer.weight)
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)


def build(spec: DataSpec) -> nn.Module:
    """Return the network with fresh weights, drawn from torch's global stream.

    Raises:
        UsageError: the inputs are not 1x28x28.
    """
    require_shape(__name__, spec, MODEL)
    return KerasCnn(spec.classes)


MODEL = Model(
    build=build,
    input_shape=(1, 28, 28),
    parameters=93_322,
    article="003",
    section="5.2",
    repairs=(
        "port: Keras starts from Glorot's uniform weights and zero biases; so does this network, not from PyTorch's own",
        "port: the last layer's softmax is part of the loss; the network returns logits",
        "no seed is set; the harness seeds",
        "no validation data is held out; a recipe may hold a share out",
    ),
    source="TensorFlow CNN tutorial (32, 64, 64 maps); weights: Glorot and Bengio 2010",
)
