"""What the two processes of a restart tell, and what becomes of it: pairs of blocks, and one value a restart."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any, Literal

ArmName = Literal["base", "head"]
ARMS: tuple[ArmName, ArmName] = ("base", "head")
MUCH_WAITING = 1.5
"""Wall time over CPU time of a block, above which other processes had the core for much of it."""
MANY_FAULTS = 50
"""Page faults a step in which two arms may differ: beyond it the allocator, not the code, decides their times."""


@dataclass(frozen=True)
class Block:
    """A few steps of one arm, right after or right before as many of the other."""

    pair: int
    arm: ArmName
    order: int
    """0 for the block of a pair that came first."""
    steps: int
    wall_seconds: float
    """Median wall time of a step."""
    cpu_seconds: float
    device_seconds: float
    """Median time of a step on the GPU, by events; NaN on a CPU, as the two above are on a GPU."""
    switches: int
    """Times that the system took the core away."""
    faults: int
    sentinel_seconds: float
    """Geometric mean of the CPU time of kernels that no arm can change, run just before; NaN where there is none."""

    @classmethod
    def of(cls, pair: int, arm: ArmName, order: int, steps: int, told: Mapping[str, Any]) -> Block:
        """Return a block as the arm's process told of it."""
        kernels = told["sentinel_seconds"]
        sentinel = math.exp(sum(map(math.log, kernels)) / len(kernels)) if kernels else math.nan
        taken = {name: told[name] for name in ("wall_seconds", "cpu_seconds", "device_seconds", "switches", "faults")}
        return cls(pair, arm, order, steps, sentinel_seconds=sentinel, **taken)

    @property
    def disturbed(self) -> bool:
        """Whether others had the core for much of it."""
        return self.wall_seconds > MUCH_WAITING * self.cpu_seconds


@dataclass(frozen=True)
class Restart:
    """Two fresh processes that took blocks in turn, on one core."""

    number: int
    core: int | None
    blocks: tuple[Block, ...]

    def change(self, clock: str) -> float:
        """Return the change of the step's time on a clock, head against base, as a logarithm: the median over pairs."""
        return median(_log_ratios(self.blocks, f"{clock}_seconds"))

    @property
    def sentinel(self) -> float:
        """The same of the kernels that no arm can change; NaN where there are none."""
        return median(_log_ratios(self.blocks, "sentinel_seconds"))

    @property
    def waiting(self) -> float:
        """Wall time over CPU time of the base's blocks, their median."""
        return median(block.wall_seconds / block.cpu_seconds for block in self.blocks if block.arm == "base")

    @property
    def faults_apart(self) -> float:
        """Page faults a step by which the arms differ."""
        each = {arm: [block.faults / block.steps for block in self.blocks if block.arm == arm] for arm in ARMS}
        return abs(median(each["head"]) - median(each["base"]))


def _log_ratios(blocks: Iterable[Block], field: str) -> list[float]:
    pairs: dict[int, dict[str, float]] = {}
    for block in blocks:
        pairs.setdefault(block.pair, {})[block.arm] = getattr(block, field)
    return [math.log(pair["head"] / pair["base"]) for pair in pairs.values()]


def undisturbed(blocks: Sequence[Block], least: int) -> tuple[Block, ...]:
    """Return the blocks without the pairs of which either was disturbed, if at least so many pairs remain; else all.

    The choice does not look at which arm it was, nor at how the two compare.
    """
    bad = {block.pair for block in blocks if block.disturbed}
    kept = tuple(block for block in blocks if block.pair not in bad)
    return kept if len(kept) >= 2 * least else tuple(blocks)
