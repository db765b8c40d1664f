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


def run_restart(number: int, arms: Mapping[ArmName, Arm], case: str, seed: int) -> Restart:
    """Start both arms' processes, let them settle on one core, and return the blocks that they took in turn.

    Which of them is started first, and the core, change with the restart's number.

    Raises:
        MeasuringError: an arm cannot run the case.
    """
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="harness-ab-", ignore_cleanup_errors=True)))
        order = ARMS if number % 2 else ARMS[::-1]
        workers = {arm: stack.enter_context(started(arms[arm], case, seed, folder / arm, arm)) for arm in order}
        for arm in order:
            workers[arm].ready()
        core = choose_core(number)
        paces = [workers[arm].ask(ask="warm_up", core=core)["step_seconds"] for arm in order]
        steps = max(LEAST_STEPS, round(BLOCK_SECONDS / max(min(paces), 1e-6)))
        for arm in order:
            check_origin(arms[arm], arms, workers[arm].ask(ask="modules")["files"])
        return Restart(number, core, undisturbed(take_blocks(workers, steps), PAIRS))


def started(arm: Arm, case: str, seed: int, folder: Path, name: str) -> ArmProcess:
    """Start an arm's process on a case."""
    declared = arm.cases[case]
    Job("run", declared, folder, arm.project, seed).write()
    return ArmProcess(arm.python, arm.path, folder, declared.execution.threads, f"{case}, {name}")


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


def choose_core(number: int) -> int | None:
    """Return the core for a restart, each in turn; None where processes cannot be bound to one."""
    if not hasattr(os, "sched_getaffinity"):
        return None
    cores = sorted(os.sched_getaffinity(0))
    return cores[number % len(cores)]


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
