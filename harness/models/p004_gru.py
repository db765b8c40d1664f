"""A GRU that ignores PAD: one of the gated networks that article 004 names against vanishing gradients.

Article 004, section 3.3.2: GRU is named, without equations. The equations are torch's, those of the sources,
the reset gate acting on the recurrent product. `equal` sets the width against a plain recurrent network: its own hidden
width (equal = "hidden"), or the width at which the trainable parameters behind the embedding are no more than those
of `p000_rnn` with `hidden` units (equal = "parameters").

Input: x_BTF, [B, T, F], float, or ids_BT, [B, T], int64, through an embedding; PAD is ignored wherever it stands.
Output: logits_BK, [B, K]. Parameters: 89,610 with 100 features and 10 classes.

Shape suffixes: B batch, T steps, F features of a step, K classes.
"""

from __future__ import annotations

from torch import nn

from harness.models._base import DataSpec, Model
from harness.models._option_checks import require_choice, require_counts, require_flag, require_shares
from harness.models._recurrent import EQUAL, POOLS, Recurrent, equal_width
from harness.models._shape import require_form
from harness.models._steps import Steps

GATES = 3
"""Weight sets of the layer: reset, update and candidate."""


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

    Raises:
        UsageError: inputs of another form, or an option that is not allowed.
    """
    require_form(__name__, spec, "sequence", "text")
    require_choice(__name__, "equal", equal, EQUAL)
    require_choice(__name__, "pool", pool, POOLS)
    require_counts(__name__, hidden=hidden, layers=layers, embedding=embedding)
    require_shares(__name__, dropout=dropout)
    require_flag(__name__, bidirectional=bidirectional)
    steps = Steps(spec, embedding, dropout=dropout)
    if equal == "parameters":
        hidden = equal_width(steps.width, hidden, spec.classes, gates=GATES, layers=layers, bidirectional=bidirectional)
    between = dropout if layers > 1 else 0.0  # torch warns of dropout between the layers of one
    recurrent = nn.GRU(steps.width, hidden, layers, batch_first=True, dropout=between, bidirectional=bidirectional)
    return Recurrent(steps, recurrent, spec.classes, pool=pool, dropout=dropout)


MODEL = Model(
    build=build,
    parameters=89_610,
    example=((20, 100), 10, ()),
    article="004",
    section="3.3.2",
    repairs=("the article gives no equations; these are torch's",),
    source="Cho et al., Learning Phrase Representations using RNN Encoder-Decoder, 2014",
)
