"""Motif detectors on a sequence of bases: what each of 16 convolution kernels finds anywhere decides.

Article 003, section 3.4: promises large models for genes, proteins and drugs, without a network. It is built after DeepBind
(Alipanahi et al. 2015): 16 kernels of 8 bases slide along the sequence, rectified, the strongest response of each counts,
wherever it stands, and a linear layer turns responses into classes.

Input: x_BLA, [B, L, 4], float, one-hot bases, L at least 8. Output: logits_BK, [B, K].
Parameters: 562 with 2 classes.

Shape suffixes: B batch, L length, A bases (4), C kernels, K classes.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from harness.errors import UsageError
from harness.models._base import DataSpec, Model
from harness.models._option_checks import require_counts
from harness.models._shape import require_form

BASES = 4


class MotifDetector(nn.Module):
    """A convolution along the sequence, its maximum over positions, a linear layer.

    Args:
        classes: width of the last layer.
        kernels: motifs looked for.
        width: bases of a motif.
    """

    def __init__(self, classes: int, kernels: int, width: int) -> None:
        super().__init__()
        self.conv = nn.Conv1d(BASES, kernels, width)
        self.fc = nn.Linear(kernels, classes)

    def forward(self, x_BLA: Tensor) -> Tensor:
        """Return the logits, [B, K]."""
        x_BCL = F.relu(self.conv(x_BLA.transpose(1, 2)))
        logits_BK: Tensor = self.fc(x_BCL.amax(dim=2))
        return logits_BK


def build(spec: DataSpec, *, kernels: int = 16, width: int = 8) -> nn.Module:
    """Return the network with fresh weights, drawn from torch's global stream.

    Args:
        spec: sequences (L, 4).
        kernels: motifs looked for.
        width: bases of a motif.

    Raises:
        UsageError: the inputs are no sequences of four bases or shorter than a motif, or an option is not allowed.
    """
    require_form(__name__, spec, "sequence")
    require_counts(__name__, kernels=kernels, width=width)
    length, bases = spec.shape
    if bases != BASES or length < width:
        raise UsageError(
            f"model 'p003_bio': the data set gives sequences of {length} steps of {bases} features, the model takes "
            f"{width} or more steps of {BASES}, one for each base; choose another data set"
        )
    return MotifDetector(spec.classes, kernels, width)


MODEL = Model(
    build=build,
    parameters=562,
    example=((60, 4), 2, ()),
    article="003",
    section="3.4",
    repairs=("the article names the use without giving a network; DeepBind's layout is built",),
    source="Alipanahi et al. 2015, DeepBind",
)
