"""Named random streams and determinism switches."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from typing import get_args

import numpy as np
import pytest
import torch

from harness.seeds import Stream, generator, read_flags, seed_globals, set_lane, stream_seed

STREAMS: tuple[Stream, ...] = get_args(Stream)


def test_a_stream_seed_is_the_head_of_a_published_hash() -> None:
    """Anyone can compute the seed: the first eight bytes of SHA-256('7/shuffle'), without the last bit."""
    expected = int(hashlib.sha256(b"7/shuffle").hexdigest()[:16], 16) // 2

    assert expected == stream_seed(7, "shuffle")


def test_streams_and_seeds_all_differ() -> None:
    """No two streams of the first hundred seeds share a seed."""
    seeds = {stream_seed(seed, stream) for seed in range(100) for stream in STREAMS}

    assert len(seeds) == 100 * len(STREAMS)


def test_same_seed_same_bytes_other_seed_other_bytes() -> None:
    """A generator is decided by its seed and stream alone."""
    draws = [torch.randperm(100, generator=generator(seed, "shuffle")).tolist() for seed in (1, 1, 2)]

    assert draws[0] == draws[1] != draws[2]


def test_drawing_from_one_stream_leaves_the_others_alone() -> None:
    """More draws for the split do not move the shuffle."""
    split, shuffle = generator(3, "split"), generator(3, "shuffle")
    torch.rand(1000, generator=split)

    assert torch.equal(torch.rand(5, generator=shuffle), torch.rand(5, generator=generator(3, "shuffle")))


def test_global_generators_follow_the_stream() -> None:
    """torch and NumPy repeat after seeding from the same stream."""
    draws = []
    for _ in range(2):
        seed_globals(5, "init")
        draws.append((torch.rand(3).tolist(), np.random.rand(3).tolist()))

    assert draws[0] == draws[1]


def flags_after(lane: str, precision: str) -> dict[str, str]:
    """Return the flags that a fresh process reads back after setting a lane."""
    code = f"from harness.seeds import *; import json; set_lane({lane!r}, {precision!r}); print(json.dumps(read_flags()))"
    done = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True)
    import json

    flags: dict[str, str] = json.loads(done.stdout)
    return flags


@pytest.mark.parametrize(
    ("lane", "precision", "expected"),
    [
        ("speed", "fp32", ("False", "True", "False", "False")),
        ("speed", "tf32", ("False", "True", "False", "True")),
        ("deterministic", "fp32", ("True", "False", "True", "False")),
        ("deterministic", "tf32", ("True", "False", "True", "False")),
    ],
)
def test_a_lane_is_read_back_from_torch(lane: str, precision: str, expected: tuple[str, ...]) -> None:
    """What is stored is what torch says, not what was asked for."""
    flags = flags_after(lane, precision)

    names = ("deterministic_algorithms", "cudnn_benchmark", "cudnn_deterministic", "cuda_matmul_tf32")
    assert expected == tuple(flags[name] for name in names)


def test_the_deterministic_lane_refuses_a_nondeterministic_operation() -> None:
    """An operation without a deterministic algorithm is an error in the deterministic lane."""
    before = torch.are_deterministic_algorithms_enabled()
    try:
        set_lane("deterministic", "fp32")
        with pytest.raises(RuntimeError, match="does not have a deterministic implementation"):
            torch.zeros(4).put_(torch.tensor([0, 0]), torch.ones(2), accumulate=False)
    finally:
        torch.use_deterministic_algorithms(before)


def test_flags_are_text() -> None:
    """Flags go into a table of texts."""
    assert all(isinstance(value, str) for value in read_flags().values())
