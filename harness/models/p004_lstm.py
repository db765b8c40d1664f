"""An LSTM that ignores PAD: one of the gated networks that article 004 names against vanishing gradients.

Article 004, section 3.3.2: LSTM is named, without equations. The equations are torch's, those of the sources,
with a forget gate and without peepholes. `equal` sets the width against a plain recurrent network: its own hidden
width (equal = "hidden"), or the width at which the trainable parameters behind the embedding are no more than those
of `p000_rnn` with `hidden` units (equal = "parameters"). `forget_bias` is added to the forget gates' bias, which starts
around zero in torch: 1 lets the cell keep what it holds from the start (Jozefowicz et al. 2015).

Input: x_BTF, [B, T, F], float, or ids_BT, [B, T], int64, through an embedding; PAD is ignored wherever it stands.
Output: logits_BK, [B, K]. Parameters: 119,050 with 100 features and 10 classes.

Shape suffixes: B batch, T steps, F features of a step, K classes.
"""

from __future__ import annotations

import torch
from torch import nn

from harness.models._base import DataSpec, Model
from harness.models._option_checks import require_choice, require_counts, require_flag, require_real, require_shares
from harness.models._recurrent import EQUAL, POOLS, Recurrent, equal_width
from harness.models._shape import require_form
from harness.models._steps import Steps

GATES = 4
"""Weight sets of the layer: input, forget, candidate and output."""
LARGEST_BIAS = 100.0
"""Beyond it a forget gate is 0 or 1 whatever it reads."""


def build(
    spec: DataSpec,
    *,
    hidden: int = 128,
    equal: str = "hidden",
    layers: int = 1,
    bidirectional: bool = False,
    pool: str = "last",
    dropout: float = 0.0,
    embedding: int = 100,
    forget_bias: float = 0.0,
) -> nn.Module:
    """Return the network with fresh weights, drawn from torch's global stream.

    Args:
        spec: sequences (T, F) of numbers, or texts (T,) of ids.
        hidden: width of the state, or of the plain network's state that parameters are counted against.
        equal: hidden or parameters.
        layers: recurrent layers.
        bidirectional: whether each layer also reads from the end.
        pool: last, mean or max of the real steps.
        dropout: rate of dropout on the embedding, between layers and before the last one.
        embedding: width of the embedding of ids.
        forget_bias: added to the forget gates' bias, -100 to 100.

    Raises:
        UsageError: inputs of another form, or an option that is not allowed.
    """
    require_form(__name__, spec, "sequence", "text")
    require_choice(__name__, "equal", equal, EQUAL)
    require_choice(__name__, "pool", pool, POOLS)
    require_counts(__name__, hidden=hidden, layers=layers, embedding=embedding)
    require_shares(__name__, dropout=dropout)
    require_flag(__name__, bidirectional=bidirectional)
    require_real(__name__, "forget_bias", forget_bias, -LARGEST_BIAS, LARGEST_BIAS)
    steps = Steps(spec, embedding, dropout=dropout)
    if equal == "parameters":
        hidden = equal_width(steps.width, hidden, spec.classes, gates=GATES, layers=layers, bidirectional=bidirectional)
    between = dropout if layers > 1 else 0.0  # torch warns of dropout between the layers of one
    recurrent = nn.LSTM(steps.width, hidden, layers, batch_first=True, dropout=between, bidirectional=bidirectional)
    _add_forget_bias(recurrent, forget_bias)
    return Recurrent(steps, recurrent, spec.classes, pool=pool, dropout=dropout)


def _add_forget_bias(recurrent: nn.LSTM, bias: float) -> None:
    for name, parameter in recurrent.named_parameters():
        if name.startswith("bias_ih"):
            with torch.no_grad():
                parameter[recurrent.hidden_size : 2 * recurrent.hidden_size] += bias  # torch's order: i, f, g, o


MODEL = Model(
    build=build,
    parameters=119_050,
    example=((20, 100), 10, ()),
    article="004",
    section="3.3.2",
    repairs=("the article gives no equations; these are torch's",),
    source="Hochreiter and Schmidhuber 1997; forget gate: Gers, Schmidhuber and Cummins 2000",
)
