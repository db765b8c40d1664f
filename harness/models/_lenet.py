"""The LeNet-shaped network that articles 000 and 001 print, in five variants.

Shape suffixes: B batch, C channels, H height, W width, F features, K classes.

Source: LeCun, Bottou, Bengio, Haffner, "Gradient-Based Learning Applied to Document Recognition", 1998, figure 2
(LeNet-5); with ReLU and max pooling, every first map joined to every second one, and no radial basis output.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn


class LeNet(nn.Module):
    """Two 5x5 convolutions without padding, then three linear layers.

    Args:
        channels: channels of one image.
        features: values left of one image after the second pooling, 16 · height · width.
        classes: width of the last layer.
        pool_first: whether a 2x2 pooling follows the first convolution.
    """

    def __init__(self, channels: int, features: int, classes: int, *, pool_first: bool = True) -> None:
        super().__init__()
        self.pool_first = pool_first
        self.conv1 = nn.Conv2d(channels, 6, 5)
        self.conv2 = nn.Conv2d(6, 16, 5)
        self.fc1 = nn.Linear(features, 120)
        self.fc2 = nn.Linear(120, 84)
        self.fc3 = nn.Linear(84, classes)

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """Return the logits, [B, K]; the comments follow an image of 32x32 that is pooled twice."""
        x_BCHW = F.relu(self.conv1(x_BCHW))  # 6 x 28 x 28: a 5x5 window fits 28 times into 32
        if self.pool_first:
            x_BCHW = F.max_pool2d(x_BCHW, 2)  # 6 x 14 x 14
        x_BCHW = F.relu(self.conv2(x_BCHW))  # 16 x 10 x 10
        x_BCHW = F.max_pool2d(x_BCHW, 2)  # 16 x 5 x 5
        # The batch axis is kept, so that a wrong image size fails instead of folding one image into several rows.
        x_BF = x_BCHW.flatten(1)  # 400
        x_BF = F.relu(self.fc1(x_BF))
        x_BF = F.relu(self.fc2(x_BF))
        logits_BK: Tensor = self.fc3(x_BF)
        return logits_BK
