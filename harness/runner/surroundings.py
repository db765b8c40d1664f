"""Tells what a run would run on here, without one: in a process like a run's own, because settings act as a process starts."""

from __future__ import annotations

import json
import subprocess
import sys

from harness.errors import MeasuringError
from harness.runner.client import inherited, settings_of
from harness.suite import Case, Execution, PartRef


def surroundings(execution: Execution) -> dict[str, str]:
    """Return what a training with these settings would store of this machine, key -> value; without a GPU, that of its CPU.

    Raises:
        MeasuringError: no process could tell.
    """
    threads = {name: str(execution.threads) for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS")}
    done = subprocess.run(
        [sys.executable, "-P", "-m", "harness.runner.surroundings", execution.model_dump_json()],
        env={**inherited(), **settings_of("train"), **threads},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        said = " | ".join(done.stderr.strip().splitlines()[-3:])
        raise MeasuringError(f"this machine cannot be described: exit code {done.returncode}: {said or 'no message'}")
    described: dict[str, str] = json.loads(done.stdout)
    return described


def _describe(execution: Execution) -> dict[str, str]:
    """Make this process what a run's is, and describe it."""
    import torch

    from harness.environment import describe
    from harness.runner.passes._setup import prepare_process

    if not torch.cuda.is_available():
        execution = execution.model_copy(update={"device": "cpu"})
    none = PartRef(name="none")
    device = prepare_process(Case(name="here", model=none, data=none, execution=execution))
    return describe(device, execution.precision, execution.lane, execution.mode)


if __name__ == "__main__":
    print(json.dumps(_describe(Execution.model_validate_json(sys.argv[1]))))
