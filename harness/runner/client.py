"""The harness's handle on a fork server."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from harness.errors import MeasuringError
from harness.observations import Pass

# Fixed before the process starts, because they act at exec (NOISE 5). Setting any malloc threshold switches off glibc's
# adaptive one, whose page faults make two equal processes differ by a quarter.
ENVIRONMENT = {
    "MALLOC_ARENA_MAX": "1",
    "MALLOC_MMAP_THRESHOLD_": str(2**30),
    "MALLOC_TOP_PAD_": str(2**26),
    "MALLOC_TRIM_THRESHOLD_": str(2**32),
    "OMP_WAIT_POLICY": "PASSIVE",
    "PYTHONHASHSEED": "0",
}
LEAN = {"MALLOC_ARENA_MAX": "1", "MALLOC_MMAP_THRESHOLD_": str(2**17), "MALLOC_TRIM_THRESHOLD_": str(2**17)}
"""Settings of the memory pass: what is freed goes back at once, so that a peak is what was in use (FEASIBILITY F)."""
ENVIRONMENTS: dict[Pass, dict[str, str]] = {"memory": {"OMP_WAIT_POLICY": "PASSIVE", "PYTHONHASHSEED": "0", **LEAN}}
"""Pass -> its processes' settings, where they are not ENVIRONMENT."""
START_SECONDS = 120.0


def settings_of(measures: Pass) -> Mapping[str, str]:
    """Return the environment variables that a pass's processes start with."""
    return ENVIRONMENTS.get(measures, ENVIRONMENT)


def inherited() -> dict[str, str]:
    """Return our own environment without what a pass sets for itself, so that no other pass's setting leaks into it."""
    return {name: value for name, value in os.environ.items() if name not in ENVIRONMENT}


class ServerGoneError(MeasuringError):
    """The fork server has ended without being asked to."""


class ForkServer:
    """A fork server process, and the job it is working on.

    Args:
        threads: OpenMP and MKL threads of its jobs.
        settings: environment variables of its jobs, beside those.
        preload: modules to import before the first job, beyond torch and the harness.
        log: file for what the server itself prints on stderr.
    """

    def __init__(self, threads: int, settings: Mapping[str, str], preload: Sequence[str], log: Path) -> None:
        with log.open("ab") as errors:
            self._process = subprocess.Popen(
                # -P: the working folder stays off the path, so that the installed harness is the one that runs
                [sys.executable, "-P", "-m", "harness.runner.server", *preload],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                env={**inherited(), **settings} | {"OMP_NUM_THREADS": str(threads), "MKL_NUM_THREADS": str(threads)},
                start_new_session=True,  # Ctrl-C is the harness's to handle
            )
        self._received = b""
        self._log = log
        self.pid = self._process.pid
        try:
            self._expect("ready", START_SECONDS)
        except BaseException:
            self.close()
            raise

    def submit(self, folder: Path) -> int:
        """Start the job in `folder`; return its process id."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(os.fsencode(folder) + b"\n")
            self._process.stdin.flush()
        except BrokenPipeError as error:
            raise self._gone() from error
        return int(self._expect("started", START_SECONDS)["started"])

    def wait(self, seconds: float) -> int | None:
        """Return the job's exit code (negative: its signal), or None when it has not ended within `seconds`.

        Raises:
            ServerGoneError: the server has ended.
        """
        message = self._read(seconds)
        return None if message is None else int(message["code"])

    def close(self) -> None:
        """End the server and its job."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with suppress(BrokenPipeError):  # it may be gone already
            self._process.stdin.close()
        try:
            self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()

    def _expect(self, key: str, seconds: float) -> dict[str, Any]:
        message = self._read(seconds)
        if message is None or key not in message:
            raise MeasuringError(f"the fork server said {message!r} where {key!r} was expected within {seconds:.0f} s")
        return message

    def _read(self, seconds: float) -> dict[str, Any] | None:
        assert self._process.stdout is not None
        deadline = time.monotonic() + seconds
        while b"\n" not in self._received:
            ready, _, _ = select.select([self._process.stdout], [], [], max(deadline - time.monotonic(), 0))
            if not ready:
                return None
            piece = os.read(self._process.stdout.fileno(), 65536)
            if not piece:
                raise self._gone()
            self._received += piece
        line, self._received = self._received.split(b"\n", 1)
        message: dict[str, Any] = json.loads(line)
        return message

    def _gone(self) -> ServerGoneError:
        code = self._process.wait()
        tail = self._log.read_text(errors="replace").strip().splitlines()[-3:]
        return ServerGoneError(f"the fork server ended with exit code {code}: {' | '.join(tail) or 'no message'}")
