"""Gradient clipping by global norm as an operator: a batch of vectors is one gradient, shrunk to norm 1 where it is longer.

Article 004, section 3.3.2: clipping keeps the gradients of a recurrent network from exploding; the article gives no rule
and no threshold. This is the usual rule: a gradient whose Euclidean norm over all its entries exceeds the threshold is
multiplied by threshold ÷ norm, any other is left as it is. The reference is torch's `clip_grad_norm_` on parameters that
hold one vector each; it adds 1e-6 to the norm and so differs by up to one part in a million.

A zero gradient stays zero. An infinite entry makes the norm infinite: finite entries become 0 and infinite ones NaN. A
NaN makes every entry NaN. Both are as torch has it; the largest error is then NaN. Entries above some 1.8e19 overflow the
square in float32 and count as infinite in the norm.

Input: [B, *shape], float, the whole batch one gradient. Output: the same shape. Parameters: 0.

Shape suffixes: none; a gradient may have any shape.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.utils import clip_grad_norm_

from harness.models._base import DataSpec, Model
from harness.models._option_checks import require_real
from harness.models._shape import require_form

LEAST_NORM, LARGEST_NORM = 1e-6, 1e6
"""Thresholds that make sense in float32."""


class ClipByNorm(nn.Module):
    """Gradient clipping by global norm.

    Args:
        max_norm: threshold, above 0.
    """

    def __init__(self, max_norm: float) -> None:
        super().__init__()
        self.max_norm = max_norm

    def forward(self, gradient: Tensor) -> Tensor:
        """Return the gradient, its norm at most the threshold."""
        # A norm of 0 divides to infinity, which the bound turns into 1; a NaN passes the bound and reaches every entry.
        shrink: Tensor = (self.max_norm / torch.linalg.vector_norm(gradient)).clamp(max=1)
        return gradient * shrink

    def reference(self, gradient: Tensor) -> Tensor:
        """Return what torch's own clipping makes of parameters with these gradients."""
        holders = [nn.Parameter(torch.zeros_like(vector)) for vector in gradient]
        for holder, vector in zip(holders, gradient, strict=True):
            holder.grad = vector.clone()
        clip_grad_norm_(holders, self.max_norm)
        return torch.stack([holder.grad for holder in holders if holder.grad is not None])


def build(spec: DataSpec, *, max_norm: float = 1.0) -> nn.Module:
    """Return the operator; it draws nothing.

    Args:
        spec: anything but ids.
        max_norm: threshold, 1e-6 to 1e6.

    Raises:
        UsageError: data that holds ids, or a threshold that is not allowed.
    """
    require_form(__name__, spec, "image", "video", "sequence", "vector")
    require_real(__name__, "max_norm", max_norm, LEAST_NORM, LARGEST_NORM)
    return ClipByNorm(max_norm)


MODEL = Model(
    build=build,
    parameters=0,
    example=((1, 8, 8), 10, ()),
    task="operator",
    article="004",
    section="3.3.2",
    repairs=("clipping is named without a rule or a threshold: global norm, threshold 1",),
    source="Pascanu, Mikolov, Bengio 2013, algorithm 1",
)
