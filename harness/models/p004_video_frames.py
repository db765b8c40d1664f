"""One convolutional network for every frame of a video, features averaged: blind to the order of the frames.

Article 004, section 2: lists the recognition of videos among the uses, without a network. This is the simplest one, and the
baseline of the other two: frames are looked at one by one and averaged, so that a video played backwards gives the same
answer, and directions of motion cannot be told apart.

Input: x_BTCHW, [B, T, C, H, W], float. Output: logits_BK, [B, K].
Parameters: 27,560 with 10x1x28x28 and 8 classes.

Shape suffixes: B batch, T frames, C channels, H height, W width, F features, K classes.
"""

from __future__ import annotations

from torch import Tensor, nn

from harness.models._base import DataSpec, Model
from harness.models._video import WIDTH, FrameEncoder, require_video


class FrameAverage(nn.Module):
    """A frame encoder, the mean over frames, a linear layer.

    Args:
        shape: of one video, (T, C, H, W).
        classes: width of the last layer.
    """

    def __init__(self, shape: tuple[int, ...], classes: int) -> None:
        super().__init__()
        self.encoder = FrameEncoder(shape)
        self.fc = nn.Linear(WIDTH, classes)

    def forward(self, x_BTCHW: Tensor) -> Tensor:
        """Return the logits, [B, K]."""
        x_BTF = self.encoder(x_BTCHW)
        logits_BK: Tensor = self.fc(x_BTF.mean(dim=1))
        return logits_BK


def build(spec: DataSpec) -> nn.Module:
    """Return the network with fresh weights, drawn from torch's global stream.

    Raises:
        UsageError: the inputs are no videos, or their frames are too small.
    """
    require_video(__name__, spec)
    return FrameAverage(spec.shape, spec.classes)


MODEL = Model(
    build=build,
    parameters=27_560,
    example=((10, 1, 28, 28), 8, ()),
    article="004",
    section="2",
    repairs=("the article names the use without giving a network; frames are averaged, as the baseline of two others",),
    source="Karpathy et al. 2014, single frames averaged",
)
