"""Attention maps: where a trained model looks, taken from its own forward pass.

No model has to cooperate. While a pass runs, each call that makes attention weights is seen, before anything is fused away:
torch's attention functions, a softmax over the last of three or more axes, and a softmax that a decoder takes over the same
steps again and again. Weights are those of evaluation mode, without dropout.

Source of the entropy: Ghader and Monz, "What does attention in neural machine translation pay attention to?", IJCNLP 2017; here
divided by its largest value, so that texts of any length compare.

Shape suffixes: H heads, T queries, S steps that are looked at, D width of a head.
"""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.overrides import TorchFunctionMode

MOST_MAPS = 6
"""Maps of which pictures are made: a network's first layers."""
SOFTMAX = {torch.softmax, F.softmax, Tensor.softmax}
INK = 255


def attention_maps(forward: Callable[[], object]) -> list[Tensor]:
    """Return the attention weights of one forward pass over one sample, [H, T, S] each, in the order of the calls.

    Weights of calls with one query each, as a recurrent decoder makes them, are put together as one map.

    Args:
        forward: runs the model on a batch of one sample, in evaluation mode.
    """
    with torch.no_grad(), _Watch() as watch:
        forward()
    steps = [torch.cat(rows).unsqueeze(0) for rows in watch.rows.values() if len(rows) > 1]
    return [*watch.maps, *steps]


def entropy(maps: Iterable[Tensor]) -> float | None:
    """Return how evenly queries look on average: 0 at a single step, 1 at all that they may see alike.

    The entropy of each query's weights, over the logarithm of how many are not 0. A query that may see one step only does
    not count; None where there is no other.
    """
    shares = [share for weights in maps if (share := _shares(weights)).numel()]
    return float(torch.cat(shares).mean()) if shares else None


def _shares(weights_HTS: Tensor) -> Tensor:
    rows = weights_HTS.double().flatten(0, 1)
    seen = (rows > 0).sum(dim=1)
    rows, seen = rows[seen > 1], seen[seen > 1]
    shares: Tensor = torch.special.entr(rows).sum(dim=1) / seen.double().log()
    return shares


def picture(weights_HTS: Tensor) -> bytes:
    """Return a map as a PNG: heads side by side, a row of pixels a query, darker for more, white to its largest weight."""
    from PIL import Image

    heads_HTS = weights_HTS.float().cpu()
    heads_HTS = heads_HTS / heads_HTS.amax(dim=(1, 2), keepdim=True).clamp_min(torch.finfo(torch.float32).tiny)
    framed = F.pad(heads_HTS, (1, 1, 1, 1), value=0.5)  # a frame tells heads apart
    pixels = (INK - INK * torch.cat(list(framed), dim=1)).round().byte()
    file = io.BytesIO()
    Image.fromarray(pixels.numpy()).save(file, "PNG", optimize=True)
    return file.getvalue()


class _Watch(TorchFunctionMode):
    """Sees the weights that attention is made of; changes no result."""

    def __init__(self) -> None:
        super().__init__()
        self.maps: list[Tensor] = []
        self.rows: dict[int, list[Tensor]] = {}
        """Steps looked at -> the weights of single queries, [1, S] each."""

    def __torch_function__(
        self, func: Callable[..., Any], types: Sequence[type], args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        given = dict(kwargs or {})
        if func is F.multi_head_attention_forward:
            return self._multi_head(func, args, given)
        result = func(*args, **given)
        if func in SOFTMAX:
            self._softmax(result, given.get("dim", args[1] if len(args) > 1 else None))
        elif func is F.scaled_dot_product_attention:
            self._keep(dot_product_weights(*args, **given))
        return result

    def _multi_head(self, func: Callable[..., Any], args: Sequence[Any], given: dict[str, Any]) -> Any:
        output, weights = func(*args, **given | {"need_weights": True, "average_attn_weights": False})
        self._keep(weights)
        if not given.get("need_weights", True):
            return output, None
        return output, weights.mean(dim=-3) if given.get("average_attn_weights", True) else weights

    def _softmax(self, weights: Tensor, dim: int | None) -> None:
        if dim is None or dim % weights.ndim != weights.ndim - 1:
            return
        if weights.ndim >= 3:
            self._keep(weights)
        elif weights.ndim == 2 and len(weights) == 1:
            self.rows.setdefault(weights.shape[1], []).append(weights)

    def _keep(self, weights: Tensor) -> None:
        self.maps.append(weights.reshape(-1, *weights.shape[-2:]))


def dot_product_weights(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Tensor:
    """Return the weights, [..., T, S], that `F.scaled_dot_product_attention` gives the values, whose arguments these are."""
    if enable_gqa:
        key = key.repeat_interleave(query.shape[-3] // key.shape[-3], dim=-3)
    scores = query.float() @ key.float().transpose(-2, -1) * (1 / math.sqrt(query.shape[-1]) if scale is None else scale)
    if is_causal:
        attn_mask = torch.ones(scores.shape[-2:], dtype=torch.bool, device=scores.device).tril()
    if attn_mask is not None:
        scores = scores.masked_fill(~attn_mask, -math.inf) if attn_mask.dtype == torch.bool else scores + attn_mask
    return scores.softmax(dim=-1)
