"""Attention as article 000's formula has it, a negative control: the values are added to the scores, inside the softmax.

Article 000, section 3.3: the softmax is taken of the scaled scores plus the values, and the result is multiplied by the
output matrix. Scores are one number per query and key, values one vector per key, so that the sum exists only where
queries, keys and features are equally many; even there nothing is attended to: each row is a softmax over features, and
reordering the pairs of keys and values changes the output. Scaled dot-product attention multiplies the softmax of the
scores by the values. The article's output matrix appears inside each head and once more after joining the heads; here,
with one head, it is applied once.

The reference is torch's scaled dot-product attention in float64. Queries, keys and values are the input itself.

Input: x_BTD, [B, T, D] with T = D, float. Output: [B, T, D]. Parameters: 0; the output matrix is fixed, drawn once from
a normal distribution of variance 1 / D.

Shape suffixes: B batch, T steps (queries), S steps (keys), D features.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from harness.errors import UsageError
from harness.models._base import DataSpec, Model
from harness.models._option_checks import require_choice
from harness.models._shape import require_form


def article_attention(q_BTD: Tensor, k_BSD: Tensor, v_BSD: Tensor, out_DD: Tensor) -> Tensor:
    """Return what article 000's formula gives, [B, T, D]; fails where T, S and D are not one number."""
    scores_BTS = q_BTD @ k_BSD.transpose(-2, -1) / math.sqrt(q_BTD.shape[-1])
    return (scores_BTS + v_BSD).softmax(dim=-1) @ out_DD


def correct_attention(q_BTD: Tensor, k_BSD: Tensor, v_BSD: Tensor, out_DD: Tensor) -> Tensor:
    """Return scaled dot-product attention, written out, times the output matrix, [B, T, D]."""
    scores_BTS = q_BTD @ k_BSD.transpose(-2, -1) / math.sqrt(q_BTD.shape[-1])
    return scores_BTS.softmax(dim=-1) @ v_BSD @ out_DD


FORMULAS = {"article": article_attention, "correct": correct_attention}


class SelfAttention(nn.Module):
    """One head of self-attention with a fixed output matrix.

    Args:
        features: of one step.
        formula: a key of FORMULAS.
    """

    def __init__(self, features: int, formula: str) -> None:
        super().__init__()
        self.attend = FORMULAS[formula]
        self.register_buffer("out_DD", torch.randn(features, features) / math.sqrt(features))

    def forward(self, x_BTD: Tensor) -> Tensor:
        """Return the formula's value, [B, T, D]."""
        return self.attend(x_BTD, x_BTD, x_BTD, self.get_buffer("out_DD"))

    def reference(self, x_BTD: Tensor) -> Tensor:
        """Return torch's scaled dot-product attention times the output matrix, in float64."""
        x_BTD = x_BTD.double()
        return F.scaled_dot_product_attention(x_BTD, x_BTD, x_BTD) @ self.get_buffer("out_DD").double()


def build(spec: DataSpec, *, formula: str = "article") -> nn.Module:
    """Return the operator with a fixed output matrix, drawn from torch's global stream.

    Args:
        spec: sequences; of as many steps as features for the article's formula.
        formula: article, or correct for scaled dot-product attention.

    Raises:
        UsageError: no sequences, a formula of another name, or steps and features that differ under the article's.
    """
    require_form(__name__, spec, "sequence")
    steps, features = spec.shape
    require_choice(__name__, "formula", formula, FORMULAS)
    if formula == "article" and steps != features:
        raise UsageError(
            f"model 'p000_attention_article': the data set gives {steps} steps of {features} features; article 000's formula "
            "adds steps x steps to steps x features and needs as many of one as of the other; choose digit rows (28 of 28), "
            "or formula = 'correct'"
        )
    return SelfAttention(features, formula)


MODEL = Model(
    build=build,
    parameters=0,
    example=((28, 28), 10, ()),
    task="operator",
    article="000",
    section="3.3",
    repairs=(
        "the values are added to the scores inside the softmax: kept, as a negative control; formula = 'correct' multiplies",
        "the formula runs only where queries, keys and features are equally many: other data is refused before a run",
        "the output matrix is applied in each head and again after joining them: once here",
    ),
    source="Vaswani et al. 2017, equation 1, for what is meant",
)
