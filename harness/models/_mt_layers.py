"""Layers of a Transformer that translates: an encoder's, and a decoder's that keeps what it has read.

Shape suffixes: B batch, S source ids, T target ids, L ids of either, H heads, D width of a head, E width.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from harness.models._translator import State


class Attention(nn.Module):
    """Scaled dot-product attention in several heads (Vaswani et al. 2017, section 3.2).

    Args:
        width: of queries, keys and values together, split among the heads.
        heads: divides the width.
    """

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query = nn.Linear(width, width)
        self.key_value = nn.Linear(width, 2 * width)
        self.out = nn.Linear(width, width)

    def keys_values(self, x_BLE: Tensor) -> tuple[Tensor, Tensor]:
        """Return the keys and the values of what is attended to, each [B, H, L, D]."""
        key_BLE, value_BLE = self.key_value(x_BLE).chunk(2, dim=2)
        return self._split(key_BLE), self._split(value_BLE)

    def forward(
        self, x_BTE: Tensor, key_BHLD: Tensor, value_BHLD: Tensor, mask: Tensor | None = None, causal: bool = False
    ) -> Tensor:
        """Return what each position takes from the values, [B, T, E]; `mask` is True where it may look."""
        query_BHTD = self._split(self.query(x_BTE))
        mixed_BHTD = F.scaled_dot_product_attention(query_BHTD, key_BHLD, value_BHLD, mask, is_causal=causal)
        result_BTE: Tensor = self.out(mixed_BHTD.transpose(1, 2).flatten(2))
        return result_BTE

    def _split(self, x_BLE: Tensor) -> Tensor:
        split_BHLD: Tensor = x_BLE.unflatten(2, (self.heads, -1)).transpose(1, 2)
        return split_BHLD


class SubLayer(nn.Module):
    """A residual connection around a step, with its normalisation and dropout.

    Args:
        width: of the stream.
        dropout: of the step's result.
        norm_first: whether the step sees the normalised stream, or the sum is normalised.
    """

    def __init__(self, width: int, dropout: float, norm_first: bool) -> None:
        super().__init__()
        self.norm, self.drop, self.norm_first = nn.LayerNorm(width), nn.Dropout(dropout), norm_first

    def before(self, x_BLE: Tensor) -> Tensor:
        """Return what the step sees of the stream."""
        seen_BLE: Tensor = self.norm(x_BLE) if self.norm_first else x_BLE
        return seen_BLE

    def after(self, x_BLE: Tensor, result_BLE: Tensor) -> Tensor:
        """Return the stream with the step's result added."""
        sum_BLE: Tensor = x_BLE + self.drop(result_BLE)
        return sum_BLE if self.norm_first else self.norm(sum_BLE)


class EncoderLayer(nn.Module):
    """Self-attention, then a step for each position alone; arguments as for the whole network."""

    def __init__(self, width: int, heads: int, ff: int, dropout: float, norm_first: bool) -> None:
        super().__init__()
        self.attention = Attention(width, heads)
        self.around_attention = SubLayer(width, dropout, norm_first)
        self.feed = nn.Sequential(nn.Linear(width, ff), nn.ReLU(), nn.Linear(ff, width))
        self.around_feed = SubLayer(width, dropout, norm_first)

    def encode(self, x_BSE: Tensor, mask: Tensor) -> Tensor:
        """Return the source's stream after this layer; `mask` is [B, 1, 1, S], True at the source's words."""
        seen_BSE = self.around_attention.before(x_BSE)
        mixed_BSE = self.attention(seen_BSE, *self.attention.keys_values(seen_BSE), mask)
        return self.advance(self.around_attention.after(x_BSE, mixed_BSE))

    def advance(self, x_BLE: Tensor) -> Tensor:
        """Return the stream after the step for each position alone."""
        return self.around_feed.after(x_BLE, self.feed(self.around_feed.before(x_BLE)))


class DecoderLayer(EncoderLayer):
    """An encoder layer with attention to the source in between, and self-attention to earlier positions only."""

    def __init__(self, width: int, heads: int, ff: int, dropout: float, norm_first: bool) -> None:
        super().__init__(width, heads, ff, dropout, norm_first)
        self.cross = Attention(width, heads)
        self.around_cross = SubLayer(width, dropout, norm_first)

    def decode(self, x_BTE: Tensor, past: State, memory: State, mask: Tensor) -> tuple[Tensor, State]:
        """Return (the target's stream after this layer, keys and values of all its positions).

        Args:
            x_BTE: the positions that are new; several only where there is no past.
            past: keys and values of earlier positions; empty for none.
            memory: keys and values of the source.
            mask: [B, 1, 1, S], True at the source's words.
        """
        seen_BTE = self.around_attention.before(x_BTE)
        new = self.attention.keys_values(seen_BTE)
        key_BHTD, value_BHTD = (torch.cat(pair, dim=2) for pair in zip(past, new, strict=True)) if past else new
        mixed_BTE = self.attention(seen_BTE, key_BHTD, value_BHTD, causal=x_BTE.shape[1] > 1)
        x_BTE = self.around_attention.after(x_BTE, mixed_BTE)
        found_BTE = self.cross(self.around_cross.before(x_BTE), *memory, mask)
        return self.advance(self.around_cross.after(x_BTE, found_BTE)), (key_BHTD, value_BHTD)
