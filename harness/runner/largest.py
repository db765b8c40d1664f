"""The largest batch that fits in memory: doubled until it does not, then halved in between; each trial in a fresh process."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from harness.errors import MeasuringError
from harness.project import Project
from harness.runner.client import ForkServer, settings_of
from harness.runner.jobs import Job, Outcome
from harness.runner.supervise import Watch
from harness.suite import Case

START = 32
PRECISION = 16
"""The answer is exact to one part in this many."""


@dataclass(frozen=True)
class Largest:
    """What a search found."""

    batch_size: int
    bytes_used: float
    """Memory that it took: resident on a CPU, reserved from the driver on a GPU."""
    stopped_by: str
    """What ends it there."""


def find_largest(try_batch: Callable[[int], Outcome]) -> Largest:
    """Return the largest batch size that fits.

    Args:
        try_batch: takes a few steps with a batch size, and says `ok` with its samples and bytes, or `oom`.

    Raises:
        MeasuringError: not even one sample fits, or a trial fails for another reason than memory.
    """
    best: tuple[int, Outcome] | None = None
    size, too_large = START, 0
    while True:
        outcome = _tried(try_batch, size)
        if outcome.status == "ok":
            best = int(outcome.numbers["samples"]), outcome
            if best[0] < size:
                return Largest(best[0], outcome.numbers["bytes"], "it is the whole training split")
        else:
            too_large = size
        low = best[0] if best else 0
        if too_large and too_large - low <= max(1, low // PRECISION):
            break
        size = (low + too_large) // 2 if too_large else size * 2
    if best is None:
        raise MeasuringError("not even a batch of one sample fits in memory; see `harness doctor` for what is free")
    return Largest(best[0], best[1].numbers["bytes"], f"{too_large} do not fit")


def _tried(try_batch: Callable[[int], Outcome], size: int) -> Outcome:
    outcome = try_batch(size)
    if outcome.status not in ("ok", "oom"):
        raise MeasuringError(f"batch size {size}: {outcome.status}: {outcome.reason}")
    return outcome


def largest_batch(project: Project, case: Case, tell: Callable[[str], None]) -> Largest:
    """Search the largest batch of a case on this machine; `tell` is given one line a trial.

    Raises:
        MeasuringError: not even one sample fits, or a trial fails for another reason than memory.
    """
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(ignore_cleanup_errors=True)))
        servers: list[ForkServer] = []
        stack.callback(_close, servers)

        def try_batch(size: int) -> Outcome:
            tried = case.model_copy(update={"recipe": case.recipe.model_copy(update={"batch_size": size, "accumulate": 1})})
            if not servers:
                # The train pass keeps what is freed, and by chance takes a second piece beside it in the next step.
                servers.append(ForkServer(case.execution.threads, settings_of("memory"), [], folder / "server.txt"))
            job = Job("fits", tried, Path(tempfile.mkdtemp(dir=folder)), project, case.seeds[0])
            watch = Watch(servers[-1], job, lambda progress: None)
            ended = watch.run()
            if ended.server_gone:
                servers.pop().close()
            outcome = ended.outcome
            if outcome.numbers.get("resident_bytes", 0) > watch.memory_limit:  # a peak too short for the watch to see
                outcome = Outcome("oom")
            tell(f"{case.name}: batch size {size}: {outcome.status}")
            return outcome

        try:
            return find_largest(try_batch)
        except MeasuringError as error:
            raise MeasuringError(f"{case.name}: {error}") from error


def _close(servers: list[ForkServer]) -> None:
    for server in servers:
        server.close()
