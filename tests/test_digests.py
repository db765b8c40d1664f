"""Digests of data and tensors."""

from __future__ import annotations

import hashlib
import struct

import numpy as np
import torch

from harness.digests import digest_of, losses_digest, short_digest, state_digests, tensor_digest, tensors_digest


def test_plain_data_is_hashed_as_canonical_json() -> None:
    """Key order does not count, values do."""
    assert hashlib.sha256(b'{"a":[1,2],"b":"x"}').hexdigest() == digest_of({"b": "x", "a": [1, 2]})
    assert digest_of({"a": 1}) != digest_of({"a": 2})
    assert len(short_digest({})) == 12


def test_a_tensor_is_hashed_as_dtype_shape_and_little_endian_bytes() -> None:
    """A hand-packed copy gives the same digest."""
    expected = hashlib.sha256(b"torch.float32(2, 1)" + struct.pack("<2f", 1.5, -2.0)).hexdigest()

    assert expected == tensor_digest(torch.tensor([[1.5], [-2.0]]))


def test_layout_in_memory_does_not_count_but_values_shape_and_type_do() -> None:
    """A transposed view hashes like its copy; one bit, another shape or another type does not."""
    base = torch.arange(6, dtype=torch.float32).reshape(2, 3)
    changed = base.clone()
    changed[0, 0] = float(np.nextafter(np.float32(0), np.float32(1)))

    assert tensor_digest(base.t()) == tensor_digest(base.t().contiguous())
    assert len({tensor_digest(x) for x in (base, changed, base.reshape(3, 2), base.double(), base.bfloat16())}) == 5


def test_a_state_is_hashed_by_name() -> None:
    """Each tensor of a state dict has its own digest, sorted by name."""
    state = {"b": torch.zeros(1), "a": torch.ones(1)}

    assert {"a": tensor_digest(torch.ones(1)), "b": tensor_digest(torch.zeros(1))} == state_digests(state)
    assert list(state_digests(state)) == ["a", "b"]


def test_the_order_of_tensors_counts() -> None:
    """Swapped inputs and labels are other data."""
    one, two = torch.zeros(2), torch.ones(2)

    assert tensors_digest([one, two]) != tensors_digest([two, one])


def test_a_loss_curve_is_hashed_in_full_precision() -> None:
    """The last bit of one loss changes the digest."""
    losses = np.array([2.3, 2.2])
    nudged = np.array([2.3, np.nextafter(2.2, 3)])

    assert hashlib.sha256(struct.pack("<2d", 2.3, 2.2)).hexdigest() == losses_digest(losses)
    assert losses_digest(losses) != losses_digest(nudged)
