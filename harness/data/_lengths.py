"""How long the texts of a padded tensor are."""

from __future__ import annotations

import torch
from torch import Tensor

from harness.vocabulary import PAD


def text_lengths(ids_NT: Tensor) -> Tensor:
    """Return the place after each text's last id that is not PAD, [N]: what lies behind it can be cut off."""
    places_T = torch.arange(1, ids_NT.shape[1] + 1, device=ids_NT.device)
    return ((ids_NT != PAD) * places_T).amax(dim=1)
