"""Two two-way GRU layers on speech, without a convolution: as many parameters as the CRNN beside it.

Article 000, section 2: counts recurrent networks among those for speech, without a listing. Two GRU layers of 72 each
way read every window; the last state of each way goes to the classes. The width is chosen for the number of parameters
of `p000_crnn_speech`, so that the two differ in what they are and not in how much they hold.

Input: x_BTF, [B, T, F], float. Output: logits_BK, [B, K].
Parameters: 144,874 with 40 bands and 10 classes, 0.6 % more than `p000_crnn_speech`.

Shape suffixes: B batch, T windows in time, F bands, H hidden, K classes.
"""

from __future__ import annotations

from torch import Tensor, nn

from harness.models._base import DataSpec, Model
from harness.models._option_checks import require_counts
from harness.models._shape import require_form
from harness.models._speech import TwoWayGru


class RnnSpeech(nn.Module):
    """Recurrent layers, then a linear one.

    Args:
        features: F, of one step.
        classes: width of the last layer.
        hidden: of each way of a layer.
        layers: recurrent ones.
    """

    def __init__(self, features: int, classes: int, hidden: int, layers: int) -> None:
        super().__init__()
        self.recurrent = TwoWayGru(features, hidden, layers)
        self.fc = nn.Linear(2 * hidden, classes)

    def forward(self, x_BTF: Tensor) -> Tensor:
        """Return the logits, [B, K]."""
        logits_BK: Tensor = self.fc(self.recurrent(x_BTF))
        return logits_BK


def build(spec: DataSpec, *, hidden: int = 72, layers: int = 2) -> nn.Module:
    """Return the network with fresh weights, drawn from torch's global stream.

    Args:
        spec: sequences (T, F).
        hidden: of each way of a layer.
        layers: recurrent ones.

    Raises:
        UsageError: the inputs are no sequences, or an option is not allowed.
    """
    require_form(__name__, spec, "sequence")
    require_counts(__name__, hidden=hidden, layers=layers)
    return RnnSpeech(spec.shape[1], spec.classes, hidden, layers)


MODEL = Model(
    build=build,
    parameters=144_874,
    example=((101, 40), 10, ()),
    article="000",
    section="2",
    repairs=("the article names recurrent networks for speech without giving one; sizes follow the CRNN's parameters",),
    source="Cho et al. 2014 (GRU); Schuster and Paliwal 1997 (bidirectional)",
)
