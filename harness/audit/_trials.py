"""How a case is trained again for each check, and where a check does not apply."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from harness.audits import CheckName
from harness.reproduce import Evidence, Variation
from harness.suite import Case

LESSER: dict[str, tuple[str, dict[str, str]]] = {
    "AVX512": (
        "AVX2",
        {"ATEN_CPU_CAPABILITY": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2", "MKL_ENABLE_INSTRUCTIONS": "AVX2"},
    ),
    "AVX2": (
        "no AVX",
        {"ATEN_CPU_CAPABILITY": "default", "ONEDNN_MAX_CPU_ISA": "SSE41", "MKL_ENABLE_INSTRUCTIONS": "SSE4_2"},
    ),
}
"""Instruction set as torch names it -> the one below it, and the environment that holds torch, oneDNN and MKL to that."""

IN_MEMORY = "the harness holds its data in memory: no loader has workers"


@dataclass(frozen=True)
class Trial:
    """One way to train a case again, or why it does not apply."""

    check: CheckName
    variation: Variation = field(default_factory=Variation)
    how: str = ""
    why_not: str = ""


def trials(case: Case, baseline: Evidence, alone: bool) -> Iterator[Trial]:
    """Yield how a case is trained again: after its first training, of which `baseline` tells; plain ones first.

    Args:
        case: as audited.
        baseline: its first training.
        alone: whether the suite has no other case.
    """
    yield Trial("order", why_not="the suite has no other case" if alone else "")
    yield Trial("process")
    yield Trial("same process", Variation(times=2))
    yield _resume(baseline.epochs.tolist())
    yield Trial("deterministic lane", why_not="the case is in it" if case.execution.lane == "deterministic" else "")
    yield _threads(case)
    yield _instructions(baseline.environment.get("numeric.instruction_set", ""))
    yield Trial("loader workers", why_not=IN_MEMORY)


def _resume(epochs: Sequence[int]) -> Trial:
    if len(epochs) < 2:
        return Trial("resume", why_not="a training of one step cannot be cut")
    step = cut_step(epochs)
    return Trial("resume", Variation(cut_at=step), f"killed after step {step:,} of {len(epochs):,}")


def cut_step(epochs: Iterable[int]) -> int:
    """Return the step after which to cut a training: the one nearest to its middle that does not end an epoch.

    Example: two epochs of three steps; the middle, step 3, ends the first.
        >>> cut_step([1, 1, 1, 2, 2, 2])
        2

    Args:
        epochs: of each step, two steps or more. Where each step is an epoch, the middle is taken.
    """
    pairs = list(pairwise(epochs))
    middle = (len(pairs) + 1) // 2
    inside = [step for step, (this, following) in enumerate(pairs, start=1) if this == following]
    return min(inside, key=lambda step: abs(step - middle), default=middle)


def _threads(case: Case) -> Trial:
    own = case.execution.threads
    other = 2 if own == 1 else 1
    return Trial("threads", Variation(threads=other), f"{other} in place of {own}")


def _instructions(machine: str) -> Trial:
    if machine not in LESSER:
        return Trial("instructions", why_not=f"no lesser set than this machine's ({machine or 'unknown'}) can be chosen")
    lesser, settings = LESSER[machine]
    return Trial("instructions", Variation(settings=settings), f"{lesser} in place of {machine}")
