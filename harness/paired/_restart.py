"""One restart: two fresh processes on one core, which take blocks of steps in turn."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

from harness.errors import MeasuringError
from harness.paired._arm import Arm
from harness.paired._blocks import ARMS, ArmName, Block, Restart, undisturbed
from harness.paired._process import ArmProcess
from harness.runner.jobs import Job

PAIRS = 20
EXTRA_PAIRS = 10
"""Pairs taken in place of disturbed ones, at most."""
BLOCK_SECONDS = 0.05
"""Time of a block: the machine's pace changes within a tenth of a second (NOISE 2)."""
LEAST_STEPS = 2


class Pair:
    """The two processes of one restart, from their start to their end; a context.

    Args:
        number: of the restart: which arm is started first, and the core, change with it.
        arms: what is compared.
        case: what both train.
        seed: of both.
        away: core that they keep off until they are measured, because another restart is being measured there.
    """

    def __init__(self, number: int, arms: Mapping[ArmName, Arm], case: str, seed: int, away: int | None = None) -> None:
        self.number, self._arms, self._ready = number, arms, False
        self._order = ARMS if number % 2 else ARMS[::-1]
        with ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="harness-ab-", ignore_cleanup_errors=True)))
            self._workers = {
                arm: stack.enter_context(started(arms[arm], case, seed, folder / arm, arm, away)) for arm in self._order
            }
            self._stack = stack.pop_all()

    def __enter__(self) -> Pair:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End both."""
        self._stack.close()

    def ready(self) -> None:
        """Wait until both are prepared.

        Raises:
            MeasuringError: an arm cannot run the case.
        """
        if not self._ready:
            for arm in self._order:
                self._workers[arm].ready()
        self._ready = True

    @property
    def core(self) -> int | None:
        """The core that this restart is measured on, each in turn; None where processes cannot be bound to one."""
        cores = usable_cores()
        return cores[self.number % len(cores)] if cores else None

    def measure(self) -> Restart:
        """Let both settle on one core, and return the blocks that they took in turn.

        Raises:
            MeasuringError: an arm cannot run the case.
        """
        self.ready()
        paces = [self._workers[arm].ask(ask="warm_up", core=self.core)["step_seconds"] for arm in self._order]
        for arm in self._order:
            check_origin(self._arms[arm], self._arms, self._workers[arm].ask(ask="modules")["files"])
        steps = max(LEAST_STEPS, round(BLOCK_SECONDS / max(min(paces), 1e-6)))
        return Restart(self.number, self.core, undisturbed(take_blocks(self._workers, steps), PAIRS))


def started(arm: Arm, case: str, seed: int, folder: Path, name: str, away: int | None = None) -> ArmProcess:
    """Start an arm's process on a case, off one core if there is another."""
    declared = arm.cases[case]
    Job("run", declared, folder, arm.project, seed).write()
    cores = [core for core in usable_cores() if core != away]
    return ArmProcess(arm.python, arm.path, folder, declared.execution.threads, f"{case}, {name}", cores)


def take_blocks(workers: Mapping[ArmName, ArmProcess], steps: int) -> list[Block]:
    """Return pairs of blocks in the order base, head, head, base, …: as many as are wanted, and more for disturbed ones."""
    blocks: list[Block] = []
    good = pair = 0
    while good < PAIRS and pair < PAIRS + EXTRA_PAIRS:
        turn = ARMS if pair % 2 == 0 else ARMS[::-1]
        taken = [
            Block.of(pair, arm, place, steps, workers[arm].ask(ask="block", steps=steps)) for place, arm in enumerate(turn)
        ]
        good += not any(block.disturbed for block in taken)
        blocks += taken
        pair += 1
    return blocks


def usable_cores() -> list[int]:
    """Return the cores that processes may be bound to; none where they cannot be."""
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []


def check_origin(arm: Arm, arms: Mapping[ArmName, Arm], files: list[str]) -> None:
    """Refuse an arm that runs the other's code: its numbers would be of something else than they say.

    Raises:
        MeasuringError: it has imported a file of the other arm's folder.
    """
    for other in arms.values():
        if other.root == arm.root:
            continue
        strange = [file for file in files if Path(file).is_relative_to(other.root) and not Path(file).is_relative_to(arm.root)]
        if strange:
            raise MeasuringError(
                f"{arm.title} runs the code of {other.title}: {strange[0]}; the project is installed in this environment, "
                "so that each arm needs one of its own: give --install, such as --install 'pip install .'"
            )
