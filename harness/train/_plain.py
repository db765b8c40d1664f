"""Nested state as JSON and a list of tensors: what a training depends on, and nothing that could run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

DICT, TUPLE, TENSOR, CHANNELS_LAST = "dict", "tuple", "tensor", "channels last"


def pack(value: Any) -> tuple[Any, dict[str, Tensor]]:
    """Return (plain, tensors): the value with each tensor replaced by its name, and the tensors on the CPU.

    Dictionaries (with keys of any kind), lists, tuples, numbers, texts and None come back from `unpack` as they were.

    Raises:
        TypeError: something else is in it.
    """
    tensors: dict[str, Tensor] = {}
    return _pack(value, tensors), tensors


def _pack(value: Any, tensors: dict[str, Tensor]) -> Any:
    if isinstance(value, Tensor):
        return _pack_tensor(value.detach(), tensors)
    if isinstance(value, dict):
        return {DICT: [[_pack(key, tensors), _pack(inner, tensors)] for key, inner in value.items()]}
    if isinstance(value, tuple):
        return {TUPLE: [_pack(inner, tensors) for inner in value]}
    if isinstance(value, list):
        return [_pack(inner, tensors) for inner in value]
    if value is None or type(value) in (bool, int, float, str):
        return value
    raise TypeError(f"a {type(value).__module__}.{type(value).__qualname__} cannot be saved as plain data")


def _pack_tensor(tensor: Tensor, tensors: dict[str, Tensor]) -> dict[str, Any]:
    """Note a copy of its own for each tensor: tied weights are two names for equal values."""
    name = str(len(tensors))
    images = tensor.ndim == 4 and not tensor.is_contiguous() and tensor.is_contiguous(memory_format=torch.channels_last)
    tensors[name] = tensor.to("cpu", copy=True, memory_format=torch.contiguous_format)
    return {TENSOR: name, **({CHANNELS_LAST: True} if images else {})}


def unpack(plain: Any, tensors: Mapping[str, Tensor]) -> Any:
    """Return what `pack` was given."""
    if isinstance(plain, list):
        return [unpack(inner, tensors) for inner in plain]
    if not isinstance(plain, dict):
        return plain
    if DICT in plain:
        return {unpack(key, tensors): unpack(inner, tensors) for key, inner in plain[DICT]}
    if TUPLE in plain:
        return tuple(unpack(inner, tensors) for inner in plain[TUPLE])
    tensor = tensors[plain[TENSOR]]
    return tensor.contiguous(memory_format=torch.channels_last) if plain.get(CHANNELS_LAST) else tensor
