"""The steps of a sequence or a text as vectors, with PAD set aside: what the canonical sequence models start with.

Shape suffixes: B batch, T steps, F features of a step, D width after the embedding or projection.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from harness.models._base import DataSpec
from harness.models._shape import form_of
from harness.vocabulary import PAD


class Steps(nn.Module):
    """A vector for each step: an embedding of ids, and numbers as they are or through a linear projection.

    Args:
        spec: what the data set gives, a sequence or a text.
        embedding: width of the embedding of ids.
        projection: width that numbers are projected to; None leaves them as they are.
        dropout: rate of dropout on the embedding; numbers are left alone.
    """

    def __init__(self, spec: DataSpec, embedding: int, *, projection: int | None = None, dropout: float = 0.0) -> None:
        super().__init__()
        self.embed: nn.Module | None = None
        self.project: nn.Module | None = None
        if form_of(spec) == "text":
            self.width = embedding
            self.embed = nn.Sequential(nn.Embedding(spec.vocabularies[0], embedding), nn.Dropout(dropout))
        else:
            self.width = projection or spec.shape[1]
            self.project = nn.Linear(spec.shape[1], projection) if projection else None

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor | None]:
        """Return the vectors [B, T, D], and how many steps of each text are real, [B], at its start; None: all are.

        Args:
            x: numbers [B, T, F], or ids [B, T] with PAD anywhere.
        """
        if self.embed is not None:
            ids_BT, lengths_B = real_first(x)
            return self.embed(ids_BT), lengths_B
        return (x if self.project is None else self.project(x)), None


def real_first(ids_BT: Tensor) -> tuple[Tensor, Tensor]:
    """Return the texts with PAD moved behind the real ids, whose order stays, and the number of real ids, [B].

    So a model ignores PAD wherever it stands. A text of nothing but PAD counts as one real step, so that its mean and
    its attention are defined.
    """
    padding_BT = ids_BT == PAD
    order_BT = padding_BT.to(torch.uint8).argsort(dim=1, stable=True)
    return ids_BT.gather(1, order_BT), (~padding_BT).sum(1).clamp(min=1)


def real_steps(lengths_B: Tensor, steps: int) -> Tensor:
    """Return which of `steps` steps are real, bool [B, T]."""
    return torch.arange(steps, device=lengths_B.device) < lengths_B[:, None]


def last_real(x_BTD: Tensor, lengths_B: Tensor | None) -> Tensor:
    """Return the vector of the last real step, [B, D]."""
    if lengths_B is None:
        return x_BTD[:, -1]
    return x_BTD[torch.arange(len(x_BTD), device=x_BTD.device), lengths_B - 1]


def mean_real(x_BTD: Tensor, lengths_B: Tensor | None) -> Tensor:
    """Return the mean over the real steps, [B, D]."""
    if lengths_B is None:
        return x_BTD.mean(1)
    padding_BT = ~real_steps(lengths_B, x_BTD.shape[1])
    return x_BTD.masked_fill(padding_BT[:, :, None], 0).sum(1) / lengths_B[:, None].to(x_BTD.dtype)


def max_real(x_BTD: Tensor, lengths_B: Tensor | None) -> Tensor:
    """Return each feature's largest value over the real steps, [B, D]."""
    if lengths_B is None:
        return x_BTD.amax(1)
    padding_BT = ~real_steps(lengths_B, x_BTD.shape[1])
    return x_BTD.masked_fill(padding_BT[:, :, None], torch.finfo(x_BTD.dtype).min).amax(1)
