"""Two convolutions over time and space, then two linear layers: sees motion between neighbouring frames.

Article 004, section 2: lists the recognition of videos among the uses, without a network. This one is a small network of
3x3x3 windows after Tran et al. (2015). Strides stand in for most of its poolings, which keeps it cheap.

Input: x_BTCHW, [B, T, C, H, W], float. Output: logits_BK, [B, K].
Parameters: 255,160 with 10x1x28x28 and 8 classes.

Shape suffixes: B batch, T frames, C channels, H height, W width, F features, K classes.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from harness.models._base import DataSpec, Model
from harness.models._video import MAPS, WIDTH, require_video


class SpaceTime(nn.Module):
    """Two convolutions over frames, rows and columns, and two linear layers.

    Args:
        shape: of one video, (T, C, H, W).
        classes: width of the last layer.
    """

    def __init__(self, shape: tuple[int, ...], classes: int) -> None:
        super().__init__()
        frames, channels, height, width = shape
        self.conv1 = nn.Conv3d(channels, MAPS[0], 3, stride=(1, 2, 2), padding=1)
        self.conv2 = nn.Conv3d(MAPS[0], MAPS[1], 3, stride=2, padding=1)
        places = _halved(frames) * _halved(_halved(height)) * _halved(_halved(width))
        self.fc1 = nn.Linear(MAPS[1] * places, WIDTH)
        self.fc2 = nn.Linear(WIDTH, classes)

    def forward(self, x_BTCHW: Tensor) -> Tensor:
        """Return the logits, [B, K]; the comments follow videos of 10x1x28x28."""
        x_BCTHW = x_BTCHW.transpose(1, 2)
        x_BCTHW = F.relu(self.conv1(x_BCTHW))  # 8 x 10 x 14 x 14
        x_BCTHW = F.relu(self.conv2(x_BCTHW))  # 16 x 5 x 7 x 7
        x_BF = F.relu(self.fc1(x_BCTHW.flatten(1)))  # 3920 to 64
        logits_BK: Tensor = self.fc2(x_BF)
        return logits_BK


def _halved(side: int) -> int:
    """Return what a window of 3 with stride 2 and a border of 1 leaves of a side."""
    return (side + 1) // 2


def build(spec: DataSpec) -> nn.Module:
    """Return the network with fresh weights, drawn from torch's global stream.

    Raises:
        UsageError: the inputs are no videos, or their frames are too small.
    """
    require_video(__name__, spec)
    return SpaceTime(spec.shape, spec.classes)


MODEL = Model(
    build=build,
    parameters=255_160,
    example=((10, 1, 28, 28), 8, ()),
    article="004",
    section="2",
    repairs=("the article names the use without giving a network; time is convolved as space is",),
    source="Tran et al. 2015, Learning Spatiotemporal Features with 3D Convolutional Networks",
)
