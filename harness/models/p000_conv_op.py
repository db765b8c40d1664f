"""The convolution formula as an operator: article 000's, with its indices as written, or the one that is meant.

Article 000, section 3.1: an output value is a sum over the window of weight times image, plus a bias. The image's index
is written as window minus output position (plus one), where it has to be output plus window position (minus one), and
the bias is indexed by the output's row, where it belongs to the output's map. Indices that leave the image count as 0.
With a 3x3 window on 6x6 pixels 108 of the formula's 144 index pairs leave the image. There is no sum over channels
either: the formula is for one channel only.

Both formulas gather the window of each output value by index and sum weight times image, so that they differ in the
index table and the bias alone. The reference is torch's convolution in float64.

Input: x_BCHW, [B, C, H, W], float. Output: y_BOIJ, [B, O, H - window + 1, W - window + 1]. Parameters: 0; weights and
biases are fixed, drawn once from a standard normal distribution.

Shape suffixes: B batch, C channels, H height, W width, O maps, I output rows, J output columns, K window rows,
L window columns.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from harness.errors import UsageError
from harness.models._base import DataSpec, Model
from harness.models._option_checks import require_choice, require_counts
from harness.models._shape import require_form

FORMULAS = ("correct", "article")


class Convolution(nn.Module):
    """A convolution with fixed weights, evaluated as its formula says.

    Args:
        shape: of one image, (channels, height, width).
        maps: of the output.
        window: side of the square window.
        article: whether article 000's indices and bias are taken.
    """

    def __init__(self, shape: tuple[int, int, int], maps: int, window: int, *, article: bool) -> None:
        super().__init__()
        channels, *sides = shape
        self.register_buffer("weight_OCKL", torch.randn(maps, channels, window, window))
        self.register_buffer("bias_O", torch.randn(maps))
        rows_IK, columns_JL = (index_table(side, window, article=article) for side in sides)
        self.register_buffer("rows_IK", rows_IK, persistent=False)
        self.register_buffer("columns_JL", columns_JL, persistent=False)
        inside_IJKL = (rows_IK >= 0)[:, None, :, None] & (columns_JL >= 0)[None, :, None, :]
        self.register_buffer("inside_IJKL", inside_IJKL, persistent=False)
        bias_OI1 = torch.randn(len(rows_IK))[None, :, None] if article else self.get_buffer("bias_O")[:, None, None]
        self.register_buffer("bias_OI1", bias_OI1)

    @property
    def outside(self) -> int:
        """How many (output, window) index pairs of one map and channel leave the image."""
        return int((~self.get_buffer("inside_IJKL")).sum())

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """Return the formula's value at each output position, [B, O, I, J]."""
        rows_IK, columns_JL = self.get_buffer("rows_IK"), self.get_buffer("columns_JL")
        x_BCIJKL = x_BCHW[:, :, rows_IK[:, None, :, None], columns_JL[None, :, None, :]] * self.get_buffer("inside_IJKL")
        y_BOIJ = torch.einsum("bcijkl,ockl->boij", x_BCIJKL, self.get_buffer("weight_OCKL"))
        return y_BOIJ + self.get_buffer("bias_OI1")

    def reference(self, x_BCHW: Tensor) -> Tensor:
        """Return torch's convolution with the same weights and one bias a map, in float64."""
        return F.conv2d(x_BCHW.double(), self.get_buffer("weight_OCKL").double(), self.get_buffer("bias_O").double())


def index_table(side: int, window: int, *, article: bool) -> Tensor:
    """Return which of `side` pixels an output position takes for a window position, [side - window + 1, window], from 0.

    Article 000 takes window minus output position, negative where that lies outside the image. Counted from 1, its
    k - i + 1 is k - i counted from 0, and i + k - 1 is i + k.
    """
    out_I1, window_1K = torch.arange(side - window + 1)[:, None], torch.arange(window)[None, :]
    return window_1K - out_I1 if article else out_I1 + window_1K


def build(spec: DataSpec, *, formula: str = "correct", maps: int = 6, window: int = 5) -> nn.Module:
    """Return the operator with fixed weights, drawn from torch's global stream.

    Args:
        spec: images.
        formula: correct, or article for article 000's.
        maps: of the output.
        window: side of the square window, at most the image's.

    Raises:
        UsageError: no images, a formula of another name, or a window or channels that do not fit.
    """
    require_form(__name__, spec, "image")
    channels, height, width = spec.shape
    require_choice(__name__, "formula", formula, FORMULAS)
    require_counts(__name__, maps=maps, window=window)
    if window > min(height, width):
        raise UsageError(
            f"model 'p000_conv_op': option window = {window}: images of {height}x{width} allow a window of 1 to "
            f"{min(height, width)}"
        )
    if formula == "article" and channels != 1:
        raise UsageError(
            f"model 'p000_conv_op': formula = 'article' sums over no channels, the data set gives {channels}; choose grey "
            "images, or formula = 'correct'"
        )
    return Convolution((channels, height, width), maps, window, article=formula == "article")


MODEL = Model(
    build=build,
    parameters=0,
    example=((1, 8, 8), 10, ()),
    task="operator",
    article="000",
    section="3.1",
    repairs=(
        "the image's index runs against the output's: output plus window position, not window minus output position",
        "the bias is indexed by the output's row: it belongs to the output's map",
        "there is no sum over channels: it is added",
    ),
    source="LeCun, Bottou, Bengio, Haffner 1998; the cross-correlation that torch's conv2d computes",
)
