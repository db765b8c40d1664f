"""Digests of data and tensors."""

from __future__ import annotations

import hashlib
import struct

import numpy as np
import pytest
import torch

from harness.digests import (
    HASHED_AT_ONCE,
    digest_of,
    losses_digest,
    sample_hashes,
    short_digest,
    state_digests,
    tensor_digest,
    tensor_norm,
    tensors_digest,
)


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


def test_a_norm_is_that_of_the_values_in_float64() -> None:
    """Squares that float32 would lose are kept; whole numbers have none, and an empty tensor's is 0."""
    values = torch.full((10_000,), 1e-3)

    assert float(np.linalg.norm(values.numpy().astype(np.float64))) == pytest.approx(tensor_norm(values), rel=1e-15)
    assert tensor_norm(values.bfloat16()) == pytest.approx(0.1, rel=1e-2)
    assert tensor_norm(torch.arange(3)) is None
    assert tensor_norm(torch.empty(0)) == 0.0


def multilinear(sample: bytes) -> int:
    """The hash of one sample, by hand."""
    words = struct.unpack(f"<{-(-len(sample) // 8)}Q", sample.ljust(-(-len(sample) // 8) * 8, b"\0"))
    coefficients = hashlib.shake_256(b"harness.sample_hashes").digest(8 * len(words))
    odd = [number | 1 for number in struct.unpack(f"<{len(words)}Q", coefficients)]
    return sum(word * number for word, number in zip(words, odd, strict=True)) % 2**64


def test_a_samples_hash_is_that_of_its_bytes_in_every_tensor() -> None:
    """Inputs and label together, whatever the number of samples that are hashed at once."""
    inputs = torch.arange(3 * (HASHED_AT_ONCE + 5), dtype=torch.float32).reshape(-1, 3)
    labels = torch.arange(len(inputs))
    found = sample_hashes([inputs, labels])

    for index in (0, 1, HASHED_AT_ONCE - 1, HASHED_AT_ONCE, len(inputs) - 1):
        sample = struct.pack("<3fq", *inputs[index].tolist(), int(labels[index]))
        assert multilinear(sample) == int(found[index])


@pytest.mark.parametrize("kind", ["float32", "uint8", "int64", "bool"])
def test_a_sample_that_differs_in_one_bit_is_found(kind: str) -> None:
    """Each sample in turn, in input or label, moves its own hash alone."""
    inputs = torch.arange(35).reshape(7, 5).to(getattr(torch, kind))
    labels = torch.zeros(7, dtype=torch.int64)
    before = sample_hashes([inputs, labels])

    for index in range(7):
        for tensor in (inputs, labels):
            changed = [inputs.clone(), labels.clone()]
            part = changed[0 if tensor is inputs else 1][index].view(-1).view(torch.uint8)
            part[-1] ^= 1
            assert [index] == np.flatnonzero(before != sample_hashes(changed)).tolist()
