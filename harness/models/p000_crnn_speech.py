"""A convolution over time and pitch, then two two-way GRU layers: a CRNN that tells spoken words apart.

Article 000, section 2: lists the CRNN among the networks behind large models, but spells it out as a "recurrent
transformer". The name stands for convolutional recurrent network. It is built as Arik et al. (2017) laid it out for
keyword spotting: 32 maps of 20 windows by 5 bands at stride 8 by 2, two GRU layers of 32 each way, a linear layer of 64,
and the classes. The paper feeds every step to the linear layer (about 230,000 parameters); here it gets the last state of
each way.

Input: x_BTF, [B, T, F], float, at least 20 steps of 5 features. Output: logits_BK, [B, K].
Parameters: 143,978 with 101 windows of 40 bands and 10 classes.

Shape suffixes: B batch, T windows in time, F bands, C maps, S steps, G places left of the bands, H hidden, K classes.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from harness.models._base import DataSpec, Model
from harness.models._option_checks import require_counts
from harness.models._speech import MAPS, TwoWayGru, first_convolution, map_size


class CrnnSpeech(nn.Module):
    """Convolution, recurrent layers, two linear layers.

    Args:
        places: G, places left of the bands after the convolution.
        classes: width of the last layer.
        hidden: of each way of a recurrent layer.
        width: of the first linear layer.
    """

    def __init__(self, places: int, classes: int, hidden: int, width: int) -> None:
        super().__init__()
        self.conv = first_convolution()
        self.recurrent = TwoWayGru(MAPS * places, hidden, layers=2)
        self.fc1 = nn.Linear(2 * hidden, width)
        self.fc2 = nn.Linear(width, classes)

    def forward(self, x_BTF: Tensor) -> Tensor:
        """Return the logits, [B, K]; the comments follow 101 windows of 40 bands."""
        x_BCSG = F.relu(self.conv(x_BTF.unsqueeze(1)))  # 32 x 11 x 18
        x_BSF = x_BCSG.transpose(1, 2).flatten(2)  # 11 x 576
        x_BH = self.recurrent(x_BSF)  # 64
        x_BH = F.relu(self.fc1(x_BH))
        logits_BK: Tensor = self.fc2(x_BH)
        return logits_BK


def build(spec: DataSpec, *, hidden: int = 32, width: int = 64) -> nn.Module:
    """Return the network with fresh weights, drawn from torch's global stream.

    Args:
        spec: sequences (T, F).
        hidden: of each way of a recurrent layer.
        width: of the first linear layer.

    Raises:
        UsageError: the inputs are no sequences or too short, or an option is not allowed.
    """
    require_counts(__name__, hidden=hidden, width=width)
    return CrnnSpeech(map_size(__name__, spec)[1], spec.classes, hidden, width)


MODEL = Model(
    build=build,
    parameters=143_978,
    example=((101, 40), 10, ()),
    article="000",
    section="2",
    repairs=("the article spells CRNN out as a recurrent transformer; it is a convolutional recurrent network",),
    source="Arik et al. 2017, Convolutional Recurrent Neural Networks for Small-Footprint Keyword Spotting",
)
