"""One layer of multi-head attention, written from the formula, then the mean over the real steps.

Article 000, section 3.3: the printed formula adds V to the scores inside the softmax and applies the output matrix
twice (`p000_attention_article` evaluates it as it stands). This is the correct one:
head_i = softmax(Q W_i^Q (K W_i^K)^T / sqrt(d_k)) V W_i^V and MHA = Concat(head_1 … head_h) W^O, here with Q = K = V and
without biases, which the formula has not. Nothing else: no positions unless asked for, so that the order of the steps
does not matter; no residual, no normalisation.

Input: x_BTF, [B, T, F], float, through a linear projection, or ids_BT, [B, T], int64, through an embedding; PAD is
ignored wherever it stands. Output: logits_BK, [B, K]. Parameters: 23,434 with 100 ids and 10 classes.

Shape suffixes: B batch, T steps as queries, S steps as memory, F features of a step, D width, N heads, E width of a
head (d_k), K classes.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from harness.models._base import DataSpec, Model
from harness.models._option_checks import require_flag, require_heads, require_shares
from harness.models._shape import require_form
from harness.models._sinusoids import sinusoids
from harness.models._steps import Steps, mean_real, real_steps


class MultiHeadAttention(nn.Module):
    """Multi-head self-attention (Vaswani et al. 2017, section 3.2).

    Args:
        width: features of a step, D.
        heads: heads, N; each works on D / N features.
    """

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query, self.key, self.value, self.output = (nn.Linear(width, width, bias=False) for _ in range(4))

    def forward(self, x_BTD: Tensor, lengths_B: Tensor | None = None) -> Tensor:
        """Return what each step gathers, [B, T, D]; steps from `lengths_B` on are not attended to."""
        q_BNTE, k_BNSE, v_BNSE = (self._split(layer(x_BTD)) for layer in (self.query, self.key, self.value))
        scores_BNTS: Tensor = q_BNTE @ k_BNSE.transpose(2, 3) / q_BNTE.shape[3] ** 0.5
        if lengths_B is not None:
            padding_BS = ~real_steps(lengths_B, x_BTD.shape[1])
            scores_BNTS = scores_BNTS.masked_fill(padding_BS[:, None, None], -torch.inf)
        weights_BNTS: Tensor = scores_BNTS.softmax(dim=3).to(v_BNSE.dtype)
        heads_BTD = (weights_BNTS @ v_BNSE).transpose(1, 2).flatten(2)
        gathered_BTD: Tensor = self.output(heads_BTD)
        return gathered_BTD

    def _split(self, x_BTD: Tensor) -> Tensor:
        """Return the features by head, [B, N, T, E]."""
        heads_BNTE: Tensor = x_BTD.unflatten(2, (self.heads, -1)).transpose(1, 2)
        return heads_BNTE


class AttentionMean(nn.Module):
    """Steps, one layer of attention, their mean, a linear layer.

    Args:
        steps: makes a vector of each step.
        heads: heads of the attention.
        classes: width of the last layer.
        positions: whether sinusoidal positions are added to the steps.
        dropout: rate of dropout before the last layer.
    """

    def __init__(self, steps: Steps, heads: int, classes: int, *, positions: bool, dropout: float) -> None:
        super().__init__()
        self.steps = steps
        self.positions = positions
        self.attention = MultiHeadAttention(steps.width, heads)
        self.dropout = nn.Dropout(dropout)
        self.fc = nn.Linear(steps.width, classes)

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits, [B, K], of features [B, T, F] or ids [B, T]."""
        x_BTD, lengths_B = self.steps(x)
        if self.positions:
            x_BTD = x_BTD + sinusoids(x_BTD)
        pooled_BD = mean_real(self.attention(x_BTD, lengths_B), lengths_B)
        logits_BK: Tensor = self.fc(self.dropout(pooled_BD))
        return logits_BK


def build(spec: DataSpec, *, width: int = 64, heads: int = 4, positions: bool = False, dropout: float = 0.0) -> nn.Module:
    """Return the network with fresh weights, drawn from torch's global stream.

    Args:
        spec: sequences (T, F) of numbers, or texts (T,) of ids.
        width: features of a step after the embedding or projection.
        heads: heads of the attention; they divide the width.
        positions: whether sinusoidal positions are added; without them the order of steps does not matter.
        dropout: rate of dropout on the embedding of ids and before the last layer.

    Raises:
        UsageError: inputs of another form, or an option that is not allowed.
    """
    require_form(__name__, spec, "sequence", "text")
    require_heads(__name__, width, heads)
    require_shares(__name__, dropout=dropout)
    require_flag(__name__, positions=positions)
    steps = Steps(spec, width, projection=width, dropout=dropout)
    return AttentionMean(steps, heads, spec.classes, positions=positions, dropout=dropout)


MODEL = Model(
    build=build,
    parameters=23_434,
    example=((20,), 10, (100,)),
    article="000",
    section="3.3",
    repairs=(
        "the formula adds V inside the softmax; V is multiplied by the weights",
        "the output matrix stands inside each head and after them; it is applied once, after",
        "head_i is never defined; it is Vaswani's, with matrices of its own",
    ),
    source="Vaswani et al., Attention Is All You Need, 2017, section 3.2",
)
