"""One convolutional network for every frame of a video, then an LSTM over the frames: sees the order of the frames.

Article 004, section 2: lists the recognition of videos among the uses, without a network. This one is built after the
long-term recurrent network of Donahue et al. (2015): the frames' features go to an LSTM, and its last state to the classes.

Input: x_BTCHW, [B, T, C, H, W], float. Output: logits_BK, [B, K].
Parameters: 60,840 with 10x1x28x28 and 8 classes.

Shape suffixes: B batch, T frames, C channels, H height, W width, F features, L layers, K classes.
"""

from __future__ import annotations

from torch import Tensor, nn

from harness.models._base import DataSpec, Model
from harness.models._option_checks import require_counts
from harness.models._video import WIDTH, FrameEncoder, require_video


class RecurrentFrames(nn.Module):
    """A frame encoder, an LSTM over the frames, a linear layer.

    Args:
        shape: of one video, (T, C, H, W).
        classes: width of the last layer.
        hidden: of the LSTM.
    """

    def __init__(self, shape: tuple[int, ...], classes: int, hidden: int) -> None:
        super().__init__()
        self.encoder = FrameEncoder(shape)
        self.lstm = nn.LSTM(WIDTH, hidden, batch_first=True)
        self.fc = nn.Linear(hidden, classes)

    def forward(self, x_BTCHW: Tensor) -> Tensor:
        """Return the logits, [B, K]."""
        _, (state_LBF, _) = self.lstm(self.encoder(x_BTCHW))
        logits_BK: Tensor = self.fc(state_LBF[-1])
        return logits_BK


def build(spec: DataSpec, *, hidden: int = 64) -> nn.Module:
    """Return the network with fresh weights, drawn from torch's global stream.

    Args:
        spec: videos (T, C, H, W).
        hidden: of the LSTM.

    Raises:
        UsageError: the inputs are no videos, their frames are too small, or `hidden` is not allowed.
    """
    require_video(__name__, spec)
    require_counts(__name__, hidden=hidden)
    return RecurrentFrames(spec.shape, spec.classes, hidden)


MODEL = Model(
    build=build,
    parameters=60_840,
    example=((10, 1, 28, 28), 8, ()),
    article="004",
    section="2",
    repairs=("the article names the use without giving a network; frames are read in order by an LSTM",),
    source="Donahue et al. 2015, Long-term Recurrent Convolutional Networks",
)
