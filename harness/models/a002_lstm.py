"""Two LSTM layers of 256 units read at the last step: article 002's recurrent network.

Article 002, section 4.2: named a recurrent network, it is an LSTM on 100 features a step, and runs as printed on
floats. It reads the last step whether it is padding or not. Adam at 0.001; batch size and epochs are not given.

Input: x_BTF, [B, T, F], float. Output: logits_BK, [B, K]. Parameters: 895,498 with 100 features and 10 classes.

Shape suffixes: B batch, T steps, F features of a step, K classes.
"""

from __future__ import annotations

from torch import nn

from harness.models._base import DataSpec, Model
from harness.models._last_step import LastStep
from harness.models._option_checks import require_between, require_counts
from harness.models._shape import require_form


def build(spec: DataSpec, *, hidden: int = 256, layers: int = 2, dropout: float = 0.0) -> nn.Module:
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
    return LastStep(nn.LSTM(spec.shape[1], hidden, layers, batch_first=True, dropout=dropout), spec.classes)


MODEL = Model(
    build=build,
    parameters=895_498,
    example=((20, 100), 10, ()),
    article="002",
    section="4.2",
    repairs=(
        "token ids fail in the listing; texts are refused before training, and the list of models is pointed to",
        "the class is called a plain recurrent network and is an LSTM: kept, because the layers are what is measured",
        "the last step is read, which may be padding: kept, because `p004_lstm` ignores padding",
    ),
    source="Hochreiter and Schmidhuber 1997; forget gate: Gers, Schmidhuber and Cummins 2000",
)
