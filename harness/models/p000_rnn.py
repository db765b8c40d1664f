"""One Elman layer read at the last real step: the recurrence that article 000 writes as a formula.

Article 000, section 3.2: h_t = tanh(W x_t + U h_(t-1) + b) and y_t = V h_t + c (article 001, section 3.2 writes the
same with other letters). The formula gives an output at every step; a classifier needs one a sequence, and takes the
last real step's. torch's layer has a second bias, which is held at zero and is not trainable.

Input: x_BTF, [B, T, F], float, or ids_BT, [B, T], int64, through an embedding; PAD is ignored wherever it stands.
Output: logits_BK, [B, K]. Parameters: 30,602 with 100 features and 10 classes (30,730 with the second bias).

Shape suffixes: B batch, T steps, F features of a step, K classes.
"""

from __future__ import annotations

from torch import nn

from harness.models._base import DataSpec, Model
from harness.models._option_checks import require_counts
from harness.models._recurrent import Recurrent, one_bias
from harness.models._shape import require_form
from harness.models._steps import Steps


def build(spec: DataSpec, *, hidden: int = 128, embedding: int = 100) -> nn.Module:
    """Return the network with fresh weights, drawn from torch's global stream.

    Args:
        spec: sequences (T, F) of numbers, or texts (T,) of ids.
        hidden: width of the state.
        embedding: width of the embedding of ids.

    Raises:
        UsageError: inputs of another form, or an option that is not allowed.
    """
    require_form(__name__, spec, "sequence", "text")
    require_counts(__name__, hidden=hidden, embedding=embedding)
    steps = Steps(spec, embedding)
    return Recurrent(steps, one_bias(nn.RNN(steps.width, hidden, batch_first=True)), spec.classes)


MODEL = Model(
    build=build,
    parameters=30_602,
    example=((20, 100), 10, ()),
    article="000",
    section="3.2",
    repairs=("the formula has one bias where torch has two; the second is held at zero",),
    source="Elman 1990",
)
