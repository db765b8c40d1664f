"""Two stacks of LSTM layers behind summed positions: what article 002 prints as a Transformer.

Article 002, section 4.4: an embedding, positions, an LSTM called encoder, an LSTM called decoder and a linear layer.
There is no attention, and no step sees a later one. As printed it fails five times, and its positions are nearly
constant: the angle's divisor leaves 3 of 256 features that change over 50 steps. Repaired are the failures and the
divisor; kept is that each feature is the sum of a sine and a cosine of one angle (`positions = "summed"`; "interleaved"
gives Vaswani's pairs). The real Transformer is `p002_transformer_encoder`.

The table of positions is fixed when the network is built, as in the listing, whose length is never set; here it is
`max_length`. Longer texts are refused. The last step is read whether it is PAD or not: pad texts on the left.

Input: ids_BT, [B, T], int64. Output: logits_BK, [B, K]. Parameters: 2,133,514 with 100 ids and 10 classes.

Shape suffixes: B batch, T steps, L length of the table, D width, K classes.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from harness.errors import UsageError
from harness.models._base import DataSpec, Model
from harness.models._option_checks import require_between, require_choice, require_counts
from harness.models._shape import require_form
from harness.models._sinusoids import sinusoids

POSITIONS = ("summed", "interleaved")


class StackedLstms(nn.Module):
    """Embedding plus positions, two LSTMs, a linear layer on the last step.

    Args:
        vocabulary: number of ids.
        table_LD: the positions, a buffer.
        layers: layers of each LSTM.
        dropout: rate of dropout between them.
        classes: width of the last layer.
    """

    positions: Tensor

    def __init__(self, vocabulary: int, table_LD: Tensor, *, layers: int, dropout: float, classes: int) -> None:
        super().__init__()
        width = table_LD.shape[1]
        self.embedding = nn.Embedding(vocabulary, width)
        self.register_buffer("positions", table_LD)
        self.encoder = nn.LSTM(width, width, layers, batch_first=True, dropout=dropout)
        self.decoder = nn.LSTM(width, width, layers, batch_first=True, dropout=dropout)
        self.fc = nn.Linear(width, classes)

    def states(self, ids_BT: Tensor) -> Tensor:
        """Return the decoder's states, [B, T, D].

        Raises:
            UsageError: the texts are longer than the table.
        """
        _require_length(ids_BT.shape[1], len(self.positions))
        x_BTD = self.embedding(ids_BT) + self.positions[: ids_BT.shape[1]]
        h_BTD: Tensor = self.decoder(self.encoder(x_BTD)[0])[0]
        return h_BTD

    def forward(self, ids_BT: Tensor) -> Tensor:
        """Return the logits, [B, K]."""
        logits_BK: Tensor = self.fc(self.states(ids_BT)[:, -1])
        return logits_BK


def summed_positions(length: int, width: int) -> Tensor:
    """Return sin(a) + cos(a) of the angle a = t / 10000^(i / width) for step t and feature i, [L, D]."""
    angles_LD = torch.arange(length)[:, None] / 10000 ** (torch.arange(width) / width)
    return angles_LD.sin() + angles_LD.cos()


def build(
    spec: DataSpec,
    *,
    hidden: int = 256,
    layers: int = 2,
    dropout: float = 0.0,
    max_length: int = 512,
    positions: str = "summed",
) -> nn.Module:
    """Return the network with fresh weights, drawn from torch's global stream.

    Args:
        spec: texts (T,) of ids from one vocabulary, T at most `max_length`.
        hidden: width of the embedding and of every state.
        layers: layers of each of the two LSTMs.
        dropout: rate of dropout between them.
        max_length: length of the table of positions.
        positions: summed or interleaved.

    Raises:
        UsageError: inputs of another form or longer than the table, or an option that is not allowed.
    """
    require_form(__name__, spec, "text")
    require_counts(__name__, hidden=hidden, max_length=max_length)
    require_between(__name__, layers=layers, dropout=dropout)
    require_choice(__name__, "positions", positions, POSITIONS)
    _require_length(spec.shape[0], max_length)
    table_LD = summed_positions(max_length, hidden) if positions == "summed" else sinusoids(torch.empty(1, max_length, hidden))
    return StackedLstms(spec.vocabularies[0], table_LD, layers=layers, dropout=dropout, classes=spec.classes)


def _require_length(length: int, limit: int) -> None:
    if length > limit:
        raise UsageError(
            f"model {__name__.rpartition('.')[2]!r}: texts of {length} steps, its table of positions holds {limit}; set "
            f"max_length = {length} or more, or shorten the texts"
        )


MODEL = Model(
    build=build,
    parameters=2_133_514,
    example=((6,), 10, (100,)),
    article="002",
    section="4.4",
    repairs=(
        "1: the table's length is never defined; it is an option",
        "2: the math functions were given floats where they take tensors; the table is computed at once, on tensors",
        "3: the divisor overflows from feature 155 on; its exponent is divided by the width",
        "4: an axis too many was put in; it is left out",
        "5: there was one output a step for one label a text; the last step is read, as in the article's other listings",
        "6: only texts of the table's length fitted; the table is cut to the text's length",
        "7: the table stayed behind when the network moved; it is a buffer",
        "8: all but 3 of 256 features are constant with the printed divisor; that is repaired with 3",
        "8: sine and cosine are summed in one feature: kept, because it trains; positions = 'interleaved' gives the pairs",
        "9: there is no attention: kept, because the listing is what is measured; `p002_transformer_encoder` has it",
    ),
    source="Hochreiter and Schmidhuber 1997; positions after Vaswani et al. 2017, section 3.5",
)
