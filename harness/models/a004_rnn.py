"""Two Elman layers read at the last step: article 004's recurrent network.

Article 004, section 4.2: the network of article 001, section 4.2, but for the first state, which the listing makes on
the CPU in float32 whatever the input is, so that it fails anywhere else. No size, loss, optimiser or loop is given; the
sizes are those chosen for article 001.

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
    article="004",
    section="4.2",
    repairs=(
        "the first state was on the CPU; it is on the input's device",
        "the first state was in float32; it has the input's number format",
        "no sizes are given; 28 features a step come of the data, 128 hidden units and two layers are those of article 001",
        "neither loss nor optimiser nor a loop is given; the task has a loss, a recipe the rest",
    ),
    source="Elman 1990",
)
