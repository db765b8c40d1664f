"""The harness's handle on one arm's process."""

from __future__ import annotations

import json
import os
import select
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from harness.errors import MeasuringError
from harness.runner.client import inherited, settings_of

START_SECONDS, ANSWER_SECONDS = 600.0, 120.0
LOG = "log.txt"


class ArmProcess:
    """A worker of one arm, from its start to its end; a context.

    Args:
        python: interpreter of the arm's environment.
        path: folders that its modules come from first.
        folder: holds the job; its log goes there.
        threads: OpenMP and MKL threads.
        name: what messages call it.
        cores: those that it may start on; none: all.
    """

    def __init__(
        self, python: Path, path: Sequence[Path], folder: Path, threads: int, name: str, cores: Sequence[int] = ()
    ) -> None:
        self._name, self._log = name, folder / LOG
        counts = {"OMP_NUM_THREADS": str(threads), "MKL_NUM_THREADS": str(threads)}
        settings: Mapping[str, str] = {**inherited(), **settings_of("train"), **counts}
        if path:
            known = settings.get("PYTHONPATH", "")
            settings = {**settings, "PYTHONPATH": os.pathsep.join([*map(str, path), *([known] if known else [])])}
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [str(python), "-P", "-m", "harness.paired.worker", str(folder)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env=dict(settings),
                start_new_session=True,  # Ctrl-C is the harness's to handle
            )
        if cores:
            os.sched_setaffinity(self._process.pid, cores)
        self._waiting = b""

    def __enter__(self) -> ArmProcess:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()

    def ready(self) -> None:
        """Wait until its training is prepared.

        Raises:
            MeasuringError: it could not be.
        """
        self._read(START_SECONDS)

    def ask(self, **request: Any) -> dict[str, Any]:
        """Have it do something; return its answer.

        Raises:
            MeasuringError: it failed, or has gone.
        """
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(request).encode() + b"\n")
            self._process.stdin.flush()
        except BrokenPipeError as error:
            raise self._gone() from error
        return self._read(ANSWER_SECONDS)

    def _read(self, seconds: float) -> dict[str, Any]:
        assert self._process.stdout is not None
        deadline = time.monotonic() + seconds
        while b"\n" not in self._waiting:
            ready, _, _ = select.select([self._process.stdout], [], [], max(deadline - time.monotonic(), 0.0))
            piece = self._process.stdout.read1(65536) if ready else b""  # type: ignore[attr-defined]
            if not ready:
                raise MeasuringError(f"{self._name}: no answer within {seconds:.0f} s{self._last_words()}")
            if not piece:
                raise self._gone()
            self._waiting += piece
        line, self._waiting = self._waiting.split(b"\n", 1)
        message: dict[str, Any] = json.loads(line)
        if "error" in message:
            raise MeasuringError(f"{self._name}: {message['error']}")
        return message

    def _gone(self) -> MeasuringError:
        return MeasuringError(f"{self._name}: its process ended with exit code {self._process.wait()}{self._last_words()}")

    def _last_words(self) -> str:
        lines = self._log.read_text(errors="replace").strip().splitlines()
        return f": {lines[-1][:300]}" if lines else ""
