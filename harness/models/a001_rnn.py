"""Two Elman layers read at the last step: article 001's recurrent network.

Article 001, section 4.2: recurrent layers with a zero first state, a linear layer on the last step's output. All four
sizes of the listing are left open; these are a row of 28 pixels a step, 128 hidden units and two layers. The text
(section 3.2) names ReLU for the hidden state, the listing takes tanh: this is the listing, `p001_rnn_relu` the text.
The listing's loop makes ten steps on all samples at once; the recipe decides that here.

Input: x_BTF, [B, T, F], float. Output: logits_BK, [B, K]. Parameters: 54,538 with 28 features and 10 classes.

Shape suffixes: B batch, T steps, F features of a step, K classes.
"""

from __future__ import annotations

from torch import nn

from harness.models._base import DataSpec, Model
from harness.models._last_step import LastStep
from harness.models._option_checks import require_between, require_counts
from harness.models._shape import require_form


def build(spec: DataSpec, *, hidden: int = 128, layers: int = 2, dropout: float = 0.0) -> nn.Module:
    """Return the network with fresh weights, drawn from torch's global stream.

    Args:
        spec: sequences (T, F) of numbers.
        hidden: width of the state.
        layers: recurrent layers.
        dropout: rate of dropout between them.

    Raises:
        UsageError: inputs of another form, or an option that is not allowed.
    """
    require_form(__name__, spec, "sequence")
    require_counts(__name__, hidden=hidden)
    require_between(__name__, layers=layers, dropout=dropout)
    return LastStep(nn.RNN(spec.shape[1], hidden, layers, batch_first=True, dropout=dropout), spec.classes)


MODEL = Model(
    build=build,
    parameters=54_538,
    example=((28, 28), 10, ()),
    article="001",
    section="4.2",
    repairs=(
        "1: the sizes are left open; 28 features a step come of the data, 128 hidden units and two layers are chosen",
        "2: the inputs are left open; they come of the data set",
        "3: ten steps on the whole data are called epochs; a recipe says which (batch_size 'full' with steps 10, or batches)",
        "4: no seed is set and no training or evaluation mode; the harness sets both",
        "the text names ReLU, the listing takes tanh: kept, because this is the listing; `p001_rnn_relu` is the text",
        "the first state followed the input's device but not its number format; the layer makes one that follows both",
    ),
    source="Elman 1990",
)
