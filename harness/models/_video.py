"""What the models of video share: the network that looks at one frame, and the check of a video's size.

Shape suffixes: B batch, T frames, N frames of all videos, C channels, H height, W width, F features.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from harness.errors import UsageError
from harness.models._base import DataSpec
from harness.models._shape import require_form

MAPS = (8, 16)
WIDTH = 64
"""Features of one frame, or of one video."""
SMALLEST = 9
"""Pixels of a frame's side that the two windows with stride 2 need."""


class FrameEncoder(nn.Module):
    """Two convolutions with stride 2 and a linear layer, the same for every frame.

    Args:
        shape: of one video, (T, C, H, W).
    """

    def __init__(self, shape: tuple[int, ...]) -> None:
        super().__init__()
        _, channels, height, width = shape
        self.conv1 = nn.Conv2d(channels, MAPS[0], 5, stride=2)
        self.conv2 = nn.Conv2d(MAPS[0], MAPS[1], 3, stride=2)
        self.fc = nn.Linear(MAPS[1] * _left(height) * _left(width), WIDTH)

    def forward(self, x_BTCHW: Tensor) -> Tensor:
        """Return the features of each frame, [B, T, WIDTH]; the comments follow frames of 28x28."""
        x_NCHW = F.relu(self.conv1(x_BTCHW.flatten(0, 1)))  # 8 x 12 x 12
        x_NCHW = F.relu(self.conv2(x_NCHW))  # 16 x 5 x 5
        x_NF = F.relu(self.fc(x_NCHW.flatten(1)))  # 400 to 64
        x_BTF: Tensor = x_NF.unflatten(0, x_BTCHW.shape[:2])
        return x_BTF


def _left(pixels: int) -> int:
    """Return what the two convolutions leave of a side."""
    return ((pixels - 5) // 2 + 1 - 3) // 2 + 1


def require_video(module: str, spec: DataSpec, frames: int = 1) -> None:
    """Do nothing when the data set gives videos that the layers fit.

    Args:
        module: `__name__` of the model's file; its last part is the model's name.
        spec: what the data set gives.
        frames: frames needed at least.

    Raises:
        UsageError: the data set gives no videos, too short ones, or ones with too small frames.
    """
    require_form(module, spec, "video")
    if spec.shape[0] < frames or min(spec.shape[2:]) < SMALLEST:
        found = "x".join(map(str, spec.shape))
        raise UsageError(
            f"model {module.rpartition('.')[2]!r}: the data set gives videos of {found} (frames, channels, height, width), the "
            f"model needs at least {frames} frames of {SMALLEST}x{SMALLEST} pixels; choose another data set"
        )
