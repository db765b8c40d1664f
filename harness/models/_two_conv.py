"""The small network of articles 002 and 004: two padded 3x3 convolutions, each pooled, and two linear layers.

Shape suffixes: B batch, C channels, H height, W width, F features, K classes.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn


class TwoConv(nn.Module):
    """Two 3x3 convolutions that keep the image's size, each followed by 2x2 pooling, then two linear layers.

    Args:
        channels: channels of one image.
        maps: maps of the first convolution; the second has twice as many.
        features: values left of one image after the second pooling, 2 · maps · (height // 4) · (width // 4).
        classes: width of the last layer.
    """

    def __init__(self, channels: int, maps: int, features: int, classes: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, maps, 3, padding=1)
        self.conv2 = nn.Conv2d(maps, 2 * maps, 3, padding=1)
        self.fc1 = nn.Linear(features, 128)
        self.fc2 = nn.Linear(128, classes)

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """Return the logits, [B, K]; the comments follow an image of 28x28 and 16 maps."""
        x_BCHW = F.relu(self.conv1(x_BCHW))  # 16 x 28 x 28: one pixel of padding makes up for the window
        x_BCHW = F.max_pool2d(x_BCHW, 2)  # 16 x 14 x 14
        x_BCHW = F.relu(self.conv2(x_BCHW))  # 32 x 14 x 14
        x_BCHW = F.max_pool2d(x_BCHW, 2)  # 32 x 7 x 7
        # The batch axis is kept, so that a wrong image size fails instead of folding one image into several rows.
        x_BF = x_BCHW.flatten(1)  # 1568
        x_BF = F.relu(self.fc1(x_BF))
        logits_BK: Tensor = self.fc2(x_BF)
        return logits_BK
