"""One recurrent layer with ReLU read at the last real step: what article 001's text says of the hidden state.

Article 001, section 3.2: step 3 of the list puts an activation such as ReLU on the hidden state, where the listing of
section 4.2 takes tanh. A state that a step multiplies by more than 1 grows without bound under ReLU; starting the
recurrence from the identity keeps it stable (`init = "identity"`): recurrent weights the identity, biases zero, input
weights normal with deviation 0.001. As in `p000_rnn` there is one bias.

Input: x_BTF, [B, T, F], float, or ids_BT, [B, T], int64, through an embedding; PAD is ignored wherever it stands.
Output: logits_BK, [B, K]. Parameters: 30,602 with 100 features and 10 classes.

Shape suffixes: B batch, T steps, F features of a step, K classes.
"""

from __future__ import annotations

from torch import nn

from harness.models._base import DataSpec, Model
from harness.models._option_checks import require_choice, require_counts
from harness.models._recurrent import Recurrent, one_bias
from harness.models._shape import require_form
from harness.models._steps import Steps

INITS = ("default", "identity")
INPUT_DEVIATION = 0.001
"""Deviation of the input weights beside an identity (Le et al. 2015, section 3)."""


def build(spec: DataSpec, *, init: str = "default", hidden: int = 128, embedding: int = 100) -> nn.Module:
    """Return the network with fresh weights, drawn from torch's global stream.

    Args:
        spec: sequences (T, F) of numbers, or texts (T,) of ids.
        init: what the recurrence starts from; default: torch's weights.
        hidden: width of the state.
        embedding: width of the embedding of ids.

    Raises:
        UsageError: inputs of another form, or an option that is not allowed.
    """
    require_form(__name__, spec, "sequence", "text")
    require_choice(__name__, "init", init, INITS)
    require_counts(__name__, hidden=hidden, embedding=embedding)
    steps = Steps(spec, embedding)
    recurrent = one_bias(nn.RNN(steps.width, hidden, nonlinearity="relu", batch_first=True))
    if init == "identity":
        _start_from_identity(recurrent)
    return Recurrent(steps, recurrent, spec.classes)


def _start_from_identity(recurrent: nn.RNN) -> None:
    nn.init.normal_(recurrent.get_parameter("weight_ih_l0"), std=INPUT_DEVIATION)
    nn.init.eye_(recurrent.get_parameter("weight_hh_l0"))
    nn.init.zeros_(recurrent.get_parameter("bias_ih_l0"))


MODEL = Model(
    build=build,
    parameters=30_602,
    example=((20, 100), 10, ()),
    article="001",
    section="3.2",
    repairs=(
        "the text says ReLU, the listing takes tanh; this is the text",
        "ReLU lets the state grow without bound; it may start from the identity, which keeps it stable",
    ),
    source="Elman 1990; identity: Le, Jaitly and Hinton, A Simple Way to Initialize Recurrent Networks of ReLUs, 2015",
)
