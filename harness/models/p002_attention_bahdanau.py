"""Bahdanau's additive attention in front of an LSTM: the attention that article 002 means.

Article 002, section 3.3: attention by similarity of a query and a memory. The listing (section 4.3, `a002_attention`)
adds two scores, and the softmax then cancels the query's. Here the score is v^T tanh(W q_t + U k_s), in which query and
memory meet inside the tanh, so that weights depend on both. The rest is the repaired listing's: queries and memory are
the input, the context is added to it, an LSTM reads the sum and its last real step is classified. W and U are as wide
as the input and have a bias each; v has one, which moves all of a query's scores alike, so that no training moves it.

Input: x_BTF, [B, T, F], float, or ids_BT, [B, T], int64, through an embedding; PAD is ignored wherever it stands.
Output: logits_BK, [B, K]. Parameters: 915,799 with 100 features and 10 classes.

Shape suffixes: B batch, T steps as queries, S steps as memory, F features of a step, K classes.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from harness.models._base import DataSpec, Model
from harness.models._option_checks import require_counts, require_shares
from harness.models._recurrent import Recurrent
from harness.models._shape import require_form
from harness.models._steps import Steps, real_steps


class AdditiveAttention(nn.Module):
    """Self-attention by v^T tanh(W q + U k), added to its input.

    Args:
        features: width of a step and of the hidden layer of the score.
        dropout: rate of dropout on the weights.
    """

    def __init__(self, features: int, dropout: float) -> None:
        super().__init__()
        self.query = nn.Linear(features, features)
        self.key = nn.Linear(features, features)
        self.score = nn.Linear(features, 1)
        self.dropout = nn.Dropout(dropout)

    def weights(self, x_BTF: Tensor, lengths_B: Tensor | None = None) -> Tensor:
        """Return each query's weights on the memory, [B, T, S], summing to 1 over S; 0 from `lengths_B` on."""
        hidden_BTSF = torch.tanh(self.query(x_BTF)[:, :, None] + self.key(x_BTF)[:, None])
        scores_BTS: Tensor = self.score(hidden_BTSF).squeeze(3)
        if lengths_B is not None:
            padding_BS = ~real_steps(lengths_B, x_BTF.shape[1])
            scores_BTS = scores_BTS.masked_fill(padding_BS[:, None], -torch.inf)
        weights_BTS: Tensor = scores_BTS.softmax(dim=2)
        return weights_BTS

    def forward(self, x_BTF: Tensor, lengths_B: Tensor | None = None) -> Tensor:
        """Return each step plus its context, [B, T, F]."""
        weights_BTS = self.dropout(self.weights(x_BTF, lengths_B))
        attended_BTF: Tensor = x_BTF + weights_BTS.to(x_BTF.dtype) @ x_BTF
        return attended_BTF


class AttendedSteps(Steps):
    """Steps with what each gathers from the others added."""

    def __init__(self, spec: DataSpec, embedding: int, dropout: float) -> None:
        super().__init__(spec, embedding)
        self.attention = AdditiveAttention(self.width, dropout)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor | None]:
        """Return the vectors [B, T, F] and how many of each text's are real (see Steps)."""
        x_BTF, lengths_B = super().forward(x)
        return self.attention(x_BTF, lengths_B), lengths_B


def build(spec: DataSpec, *, hidden: int = 256, layers: int = 2, dropout: float = 0.1, embedding: int = 100) -> nn.Module:
    """Return the network with fresh weights, drawn from torch's global stream.

    Args:
        spec: sequences (T, F) of numbers, or texts (T,) of ids.
        hidden: width of the LSTM's state.
        layers: LSTM layers.
        dropout: rate of dropout on the attention's weights, 0.1 in the listing.
        embedding: width of the embedding of ids.

    Raises:
        UsageError: inputs of another form, or an option that is not allowed.
    """
    require_form(__name__, spec, "sequence", "text")
    require_counts(__name__, hidden=hidden, layers=layers, embedding=embedding)
    require_shares(__name__, dropout=dropout)
    steps = AttendedSteps(spec, embedding, dropout)
    return Recurrent(steps, nn.LSTM(steps.width, hidden, layers, batch_first=True), spec.classes)


MODEL = Model(
    build=build,
    parameters=915_799,
    example=((20, 100), 10, ()),
    article="002",
    section="3.3",
    repairs=("6: a sum of scores without a non-linearity does not depend on the query; the sum is inside a tanh",),
    source="Bahdanau, Cho and Bengio, Neural Machine Translation by Jointly Learning to Align and Translate, 2015",
)
