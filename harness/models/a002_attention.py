"""Additive attention without a non-linearity in front of an LSTM: article 002's attention listing, repaired.

Article 002, section 4.3: one linear layer scores every step of the target and of the memory, the two scores are added
for each pair, weights come of a softmax, and the weighted memory goes with the target through the LSTM of section 4.2.
The printed code fails four times and then is silently wrong: its softmax runs over the target's steps, which leaves
each weight independent of where it points. Here it runs over the memory's. What is kept: the sum of two scores without
a non-linearity, in which a softmax cancels the query's, so that every query gets the same weights (the additive
attention that is meant is `p002_attention_bahdanau`); target and memory are both the input, as the text's
self-attention says; four masks that the listing never uses are left out. The score's bias moves all of a query's scores
alike, so that no training moves it.

Input: x_BTF, [B, T, F], float. Output: logits_BK, [B, K]. Parameters: 895,599 with 100 features and 10 classes.

Shape suffixes: B batch, T steps as queries, S steps as memory, F features of a step, K classes.
"""

from __future__ import annotations

from torch import Tensor, nn

from harness.models._base import DataSpec, Model
from harness.models._last_step import LastStep
from harness.models._option_checks import require_counts, require_shares
from harness.models._shape import require_form


class SummedAttention(nn.Module):
    """Self-attention by sums of scores, added to its input, in front of another network.

    Args:
        features: width of a step.
        model: what takes the input plus its context.
        dropout: rate of dropout on the weights.
    """

    def __init__(self, features: int, model: nn.Module, dropout: float) -> None:
        super().__init__()
        self.score = nn.Linear(features, 1)
        self.dropout = nn.Dropout(dropout)
        self.model = model

    def weights(self, x_BTF: Tensor) -> Tensor:
        """Return each query's weights on the memory, [B, T, S], summing to 1 over S."""
        scores_BT1 = self.score(x_BTF)
        weights_BTS: Tensor = (scores_BT1 + scores_BT1.transpose(1, 2)).softmax(dim=2)
        return weights_BTS

    def forward(self, x_BTF: Tensor) -> Tensor:
        """Return the logits, [B, K]."""
        weights_BTS = self.dropout(self.weights(x_BTF))
        # One product gives what the listing sums over an array of B · T · S · F numbers.
        logits_BK: Tensor = self.model(x_BTF + weights_BTS.to(x_BTF.dtype) @ x_BTF)
        return logits_BK


def build(spec: DataSpec, *, hidden: int = 256, layers: int = 2, dropout: float = 0.1) -> nn.Module:
    """Return the network with fresh weights, drawn from torch's global stream.

    Args:
        spec: sequences (T, F) of numbers.
        hidden: width of the LSTM's state.
        layers: LSTM layers.
        dropout: rate of dropout on the attention's weights, 0.1 in the listing.

    Raises:
        UsageError: inputs of another form, or an option that is not allowed.
    """
    require_form(__name__, spec, "sequence")
    require_counts(__name__, hidden=hidden, layers=layers)
    require_shares(__name__, dropout=dropout)
    features = spec.shape[1]
    model = LastStep(nn.LSTM(features, hidden, layers, batch_first=True), spec.classes)
    return SummedAttention(features, model, dropout)


MODEL = Model(
    build=build,
    parameters=895_599,
    example=((20, 100), 10, ()),
    article="002",
    section="4.3",
    repairs=(
        "1: the network inside is another listing's, without which this one fails; it is built here",
        "2: the network was asked for a size, which it does not have; the width of the scoring layer is the features'",
        "3: weights and memory were multiplied with batch and steps misaligned; the product is over the memory's steps",
        "4: the network was given two inputs and takes one; the context is added to the target, as the comment says",
        "5: the softmax ran over the queries; it runs over the memory, so that a query's weights sum to 1",
        "6: a softmax cancels the query's part of a sum of scores: kept, because `p002_attention_bahdanau` is what is meant",
        "7: self-attention in words, two inputs in code; target and memory are both the input",
        "7: four masks are never used; they are left out",
        "7: weights that dropout leaves no longer sum to 1: kept, because that is how attention is trained",
    ),
    source="after Bahdanau, Cho and Bengio 2015, without their non-linearity",
)
