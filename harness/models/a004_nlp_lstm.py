"""An embedding and two LSTM layers read at the last step: article 004's text classifier.

Article 004, section 4.3: the text calls the layer a plain recurrent one, the listing takes an LSTM. It runs as printed
on ids. Its sizes are arguments that the article never sets; these are 100 features an id, 128 hidden units and two
layers. It reads the last step whether it is PAD or not: pad texts on the left.

Input: ids_BT, [B, T], int64. Output: logits_BK, [B, K]. Parameters: 751,146 with 5,000 ids and 10 classes.

Shape suffixes: B batch, T steps, K classes.
"""

from __future__ import annotations

from torch import nn

from harness.models._base import DataSpec, Model
from harness.models._last_step import LastStep
from harness.models._option_checks import require_between, require_counts
from harness.models._shape import require_form


def build(
    spec: DataSpec,
    *,
    embedding: int = 100,
    hidden: int = 128,
    layers: int = 2,
    dropout: float = 0.0,
) -> nn.Module:
    """Return the network with fresh weights, drawn from torch's global stream.

    Args:
        spec: texts (T,) of ids from one vocabulary.
        embedding: width of the embedding.
        hidden: width of the state.
        layers: recurrent layers.
        dropout: rate of dropout between them.

    Raises:
        UsageError: inputs of another form, or an option that is not allowed.
    """
    require_form(__name__, spec, "text")
    require_counts(__name__, embedding=embedding, hidden=hidden)
    require_between(__name__, layers=layers, dropout=dropout)
    embed = nn.Embedding(spec.vocabularies[0], embedding)
    return LastStep(nn.LSTM(embedding, hidden, layers, batch_first=True, dropout=dropout), spec.classes, embed)


MODEL = Model(
    build=build,
    parameters=751_146,
    example=((20,), 10, (5000,)),
    article="004",
    section="4.3",
    repairs=(
        "numbers in place of ids fail inside the embedding; they are refused before training",
        "no sizes are given; 100 features an id, 128 hidden units and two layers are chosen",
        "the text calls the layer a plain recurrent one, it is an LSTM: kept, because this is the listing",
        "the last step is read, which may be padding: kept, because `p004_lstm` ignores padding; texts are padded on the left",
        "neither loss nor optimiser nor a loop is given; the task has a loss, a recipe the rest",
    ),
    source="Hochreiter and Schmidhuber 1997; forget gate: Gers, Schmidhuber and Cummins 2000",
)
