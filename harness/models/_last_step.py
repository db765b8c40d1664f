"""A stack of recurrent layers whose last step is classified, as articles 001, 002 and 004 print it.

Shape suffixes: B batch, T steps, F features of a step, H hidden width, K classes.
"""

from __future__ import annotations

from torch import Tensor, nn


class LastStep(nn.Module):
    """Recurrent layers from a zero state, then a linear layer on the top layer's last step.

    The last step is the last of the batch's steps, PAD or not: texts should be padded on the left.

    Args:
        recurrent: the layers, batch first. Their zero state takes the input's device and number format.
        classes: width of the last layer.
        embedding: turns ids into features first; None where steps have features already.
    """

    def __init__(self, recurrent: nn.RNNBase, classes: int, embedding: nn.Embedding | None = None) -> None:
        super().__init__()
        self.embedding = embedding
        self.recurrent = recurrent
        self.fc = nn.Linear(recurrent.hidden_size, classes)

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits, [B, K], of features [B, T, F] or, with an embedding, of ids [B, T]."""
        x_BTF = x if self.embedding is None else self.embedding(x)
        h_BTH, _ = self.recurrent(x_BTF)
        logits_BK: Tensor = self.fc(h_BTH[:, -1])
        return logits_BK
