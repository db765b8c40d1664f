"""A Transformer encoder, the mean over its real steps and a linear layer: what article 002 describes as Transformer.

Article 002, section 3.4: multi-head self-attention and positions, for classification among others (article 004,
section 3.4.2 too). The listing under that name (section 4.4, `a002_transformer_lstm`) has no attention. Layers are
torch's, normalised after each sum as in the paper. Positions are computed for any length: there is no table to
outgrow. The embedding is not multiplied by the square root of its width as in the paper, because torch's starts with
unit variance. Article 002 gives no sizes; the defaults are the smallest of three.

Input: x_BTF, [B, T, F], float, through a linear projection, or ids_BT, [B, T], int64, through an embedding; PAD is
ignored wherever it stands. Output: logits_BK, [B, K]. Parameters: 73,994 with 100 ids and 10 classes; 279,050 with
width 128 and ff 256; 1,607,690 with width 256, 8 heads and ff 1024.

Shape suffixes: B batch, T steps, F features of a step, D width, K classes.
"""

from __future__ import annotations

from torch import Tensor, nn

from harness.models._base import DataSpec, Model
from harness.models._option_checks import require_counts, require_heads, require_shares
from harness.models._shape import require_form
from harness.models._sinusoids import sinusoids
from harness.models._steps import Steps, mean_real, real_steps


class EncoderMean(nn.Module):
    """Steps plus positions, encoder layers, the real steps' mean, a linear layer.

    Args:
        steps: makes a vector of each step.
        layers: the encoder layers, batch first.
        classes: width of the last layer.
        dropout: rate of dropout on the sum of steps and positions.
    """

    def __init__(self, steps: Steps, layers: list[nn.TransformerEncoderLayer], classes: int, dropout: float) -> None:
        super().__init__()
        self.steps = steps
        self.dropout = nn.Dropout(dropout)
        self.layers = nn.ModuleList(layers)
        self.fc = nn.Linear(steps.width, classes)

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits, [B, K], of features [B, T, F] or ids [B, T]."""
        x_BTD, lengths_B = self.steps(x)
        padding_BT = None if lengths_B is None else ~real_steps(lengths_B, x_BTD.shape[1])
        x_BTD = self.dropout(x_BTD + sinusoids(x_BTD))
        for layer in self.layers:
            x_BTD = layer(x_BTD, src_key_padding_mask=padding_BT)
        logits_BK: Tensor = self.fc(mean_real(x_BTD, lengths_B))
        return logits_BK


def build(
    spec: DataSpec, *, width: int = 64, heads: int = 4, ff: int = 128, layers: int = 2, dropout: float = 0.1
) -> nn.Module:
    """Return the network with fresh weights, drawn from torch's global stream.

    Args:
        spec: sequences (T, F) of numbers, or texts (T,) of ids.
        width: features of a step after the embedding or projection.
        heads: heads of the attention; they divide the width.
        ff: width of the hidden layer in each encoder layer.
        layers: encoder layers.
        dropout: rate of dropout on the sum of steps and positions and on each sub-layer's result, as in the paper, and
            where torch's layer adds it: on the attention's weights and the hidden units of the feed-forward step.

    Raises:
        UsageError: inputs of another form, or an option that is not allowed.
    """
    require_form(__name__, spec, "sequence", "text")
    require_heads(__name__, width, heads)
    require_counts(__name__, ff=ff, layers=layers)
    require_shares(__name__, dropout=dropout)
    steps = Steps(spec, width, projection=width)
    # torch's nn.TransformerEncoder copies one layer, so that all would start from the same weights.
    stack = [nn.TransformerEncoderLayer(width, heads, ff, dropout, batch_first=True) for _ in range(layers)]
    return EncoderMean(steps, stack, spec.classes, dropout)


MODEL = Model(
    build=build,
    parameters=73_994,
    example=((20,), 10, (100,)),
    article="002",
    section="3.4",
    repairs=("the listing under this name has neither attention nor an encoder; this is the paper's encoder",),
    source="Vaswani et al., Attention Is All You Need, 2017",
)
