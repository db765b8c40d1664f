"""Two convolutions over time and pitch on speech, without recurrence: as many parameters as the CRNN beside it.

Article 001, section 3.1: says that convolutional networks serve images and speech, with a listing for images only. The
first convolution is that of `p000_crnn_speech` (32 maps of 20 windows by 5 bands); a second of 48 maps of 3 by 3, a 2x2
pooling and a linear layer of 82 stand in for the recurrent layers. The widths are chosen for the CRNN's number of
parameters, so that the two differ in what they are and not in how much they hold. Convolutions over time and pitch for
small vocabularies: Sainath and Parada (2015).

Input: x_BTF, [B, T, F], float, at least 44 steps of 11 features. Output: logits_BK, [B, K].
Parameters: 143,968 with 101 windows of 40 bands and 10 classes, 10 fewer than `p000_crnn_speech`.

Shape suffixes: B batch, T windows in time, F bands, C maps, S and G height and width of a map, K classes.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from harness.models._base import DataSpec, Model
from harness.models._option_checks import require_counts
from harness.models._speech import MAPS, first_convolution, map_size

SMALLEST = (4, 4)
"""Size of the first convolution's maps of which a 3x3 window and a 2x2 pooling leave something."""


class CnnSpeech(nn.Module):
    """Two convolutions, a pooling, two linear layers.

    Args:
        size: S and G after the first convolution.
        classes: width of the last layer.
        maps: of the second convolution.
        width: of the first linear layer.
    """

    def __init__(self, size: tuple[int, int], classes: int, maps: int, width: int) -> None:
        super().__init__()
        self.conv1 = first_convolution()
        self.conv2 = nn.Conv2d(MAPS, maps, 3)
        self.fc1 = nn.Linear(maps * ((size[0] - 2) // 2) * ((size[1] - 2) // 2), width)
        self.fc2 = nn.Linear(width, classes)

    def forward(self, x_BTF: Tensor) -> Tensor:
        """Return the logits, [B, K]; the comments follow 101 windows of 40 bands."""
        x_BCSG = F.relu(self.conv1(x_BTF.unsqueeze(1)))  # 32 x 11 x 18
        x_BCSG = F.relu(self.conv2(x_BCSG))  # 48 x 9 x 16
        x_BCSG = F.max_pool2d(x_BCSG, 2)  # 48 x 4 x 8
        x_BF = F.relu(self.fc1(x_BCSG.flatten(1)))  # 1536 to 82
        logits_BK: Tensor = self.fc2(x_BF)
        return logits_BK


def build(spec: DataSpec, *, maps: int = 48, width: int = 82) -> nn.Module:
    """Return the network with fresh weights, drawn from torch's global stream.

    Args:
        spec: sequences (T, F).
        maps: of the second convolution.
        width: of the first linear layer.

    Raises:
        UsageError: the inputs are no sequences or too short, or an option is not allowed.
    """
    require_counts(__name__, maps=maps, width=width)
    return CnnSpeech(map_size(__name__, spec, SMALLEST), spec.classes, maps, width)


MODEL = Model(
    build=build,
    parameters=143_968,
    example=((101, 40), 10, ()),
    article="001",
    section="3.1",
    repairs=("the article names speech beside images without giving a network for it; sizes follow the CRNN's parameters",),
    source="Sainath and Parada 2015, Convolutional Neural Networks for Small-Footprint Keyword Spotting",
)
